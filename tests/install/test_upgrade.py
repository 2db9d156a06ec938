"""What version 0.1.0 wrote keeps working: clients' files, the saved key, the journal, flags and variables."""

import json
import shutil
from pathlib import Path
from typing import Any, Final

import anyio
import pytest

from capgo_mcp.client.clock import SystemClock
from capgo_mcp.commands.cli import main
from capgo_mcp.commands.parser import parser
from capgo_mcp.config.credentials import SavedKey
from capgo_mcp.config.machine import Machine
from capgo_mcp.config.options import HTTP_OPTIONS, HTTP_VARIABLES, OPTIONS, VARIABLES, Option, values
from capgo_mcp.config.settings import Settings
from capgo_mcp.install.clients import CLIENTS, Client
from capgo_mcp.install.entries import is_ours, words
from capgo_mcp.sandbox import ADMIN_KEY
from tests.support.data import DATA

WRITTEN: Final = DATA / "written_by_0_1_0"
THEN: Final[dict[str, Any]] = json.loads((WRITTEN / "options.json").read_text(encoding="utf-8"))
NOW: Final = {"serve": OPTIONS, "http": HTTP_OPTIONS}
SAMPLES: Final = {"--app": "com.demo.app", "--org": "6f9619ff-8b86-4d01-b42d-00c04fc964ff"}


def entry(client: Client, path: Path) -> Any:
    """The entry of this server in a client's file."""
    return client.editor.read(path.read_text(encoding="utf-8"))[client.under]["capgo"]


@pytest.fixture
def written(client: Client, machine: Machine) -> Path:
    """A client's file as `install` wrote it."""
    place = client.places(machine)[0]
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(WRITTEN / place.relative_to(machine.home).as_posix().removeprefix("."), place)
    return place


def test_an_entry_is_changed_in_its_place_and_taken_out(client: Client, written: Path, machine: Machine) -> None:
    """A later `install` writes into the entry that is there, and `uninstall` takes it out."""
    del machine
    assert is_ours(entry(client, written))
    assert main(["install", client.name, "--sandbox"]) == 0
    assert "--sandbox" in words(entry(client, written))
    assert main(["uninstall", client.name]) == 0
    left = written.read_text(encoding="utf-8") if written.exists() else ""
    assert "capgo-mcp" not in left


def test_the_command_in_an_entry_still_means_the_same(client: Client, written: Path) -> None:
    """A client that starts the server as it was told then gets the same limits."""
    command, *arguments = words(entry(client, written))
    assert command == "/home/ana/.local/bin/capgo-mcp"
    settings = Settings.read(vars(parser().parse_args(arguments)), {"CAPGO_API_KEY": ADMIN_KEY})
    assert settings.read_only
    assert settings.app == "com.demo.app"
    assert settings.insight_timeout == 20


def test_every_client_had_a_file(machine: Machine) -> None:
    """None of the clients that could be set up then is left out of these tests."""
    kept = {path.relative_to(WRITTEN).as_posix() for path in WRITTEN.rglob("*") if path.is_file()}
    wanted = {client.places(machine)[0].relative_to(machine.home).as_posix().removeprefix(".") for client in CLIENTS}
    assert wanted <= kept


def test_a_saved_key_is_found(machine: Machine) -> None:
    """A key that `login` saved is read from where it lies."""
    place = machine.home / ".config" / "capgo-mcp" / "key"
    place.parent.mkdir(parents=True)
    shutil.copyfile(WRITTEN / "config" / "capgo-mcp" / "key", place)
    place.chmod(0o600)
    assert anyio.run(SavedKey(machine, SystemClock()).read) == ADMIN_KEY


def test_a_journal_goes_on(tmp_path: Path) -> None:
    """New lines follow the old ones, and hold every field that those have."""
    journal = tmp_path / "journal.jsonl"
    shutil.copyfile(WRITTEN / "journal.jsonl", journal)
    before = journal.read_text(encoding="utf-8")
    deletion = json.dumps({"app_id": "com.demo.app", "channel": "beta", "confirm": True})
    assert main(["call", "--sandbox", "--journal", str(journal), "capgo_delete_channel", deletion]) == 0
    after = journal.read_text(encoding="utf-8")
    assert after.startswith(before)
    old, new = json.loads(before.splitlines()[0]), json.loads(after.splitlines()[-1])
    assert old.keys() <= new.keys()
    assert (new["tool"], new["consent"], new["outcome"]) == (old["tool"], old["consent"], old["outcome"])


@pytest.mark.parametrize(("command", "old"), [(command, old) for command in NOW for old in THEN[command]])
def test_a_flag_and_its_variable_are_still_taken(command: str, old: dict[str, Any]) -> None:
    """What could be said then is understood on the command line and in the environment, and means the same."""
    sample = (old["choices"] or [SAMPLES.get(old["flag"]) or old["default"] or "x"])[0]
    typed = [old["flag"], str(sample)] if old["metavar"] else [old["flag"]]
    flags = vars(parser().parse_args(["http", *typed] if command == "http" else typed))
    by_flag, by_variable = (
        changed(values(flags, {}, NOW[command]), NOW[command]),
        changed(values({}, {old["variable"]: str(sample) if old["metavar"] else "1"}, NOW[command]), NOW[command]),
    )
    assert by_flag == by_variable
    assert set(by_flag.values()) <= {True, sample, float(sample) if isinstance(sample, int | float) else sample}


def changed(given: dict[str, Any], options: tuple[Option, ...]) -> dict[str, Any]:
    """The options that have another value than they have by themselves."""
    plain = values({}, {}, options)
    return {name: value for name, value in given.items() if value != plain[name]}


def test_no_variable_is_forgotten() -> None:
    """The variables beside the options are read still."""
    assert {*THEN["variables"]} <= VARIABLES.keys()
    assert {*THEN["http_variables"]} <= HTTP_VARIABLES.keys()
