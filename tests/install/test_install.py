"""Adding the server to every client's own configuration, and taking it out again."""

import json
import shutil
import stat
from pathlib import Path
from typing import Any, Final

import pytest

from capgo_mcp.commands.cli import main
from capgo_mcp.config.machine import Machine
from capgo_mcp.install.clients import CLIENTS, Client, named
from capgo_mcp.install.entries import Entries, words
from capgo_mcp.install.files import ConfigFile
from tests.support.data import DATA

SAMPLES: Final = DATA / "clients"
KEY: Final = "5ec4e700-0000-4000-8000-00000000f00d"
BROKEN: Final = sorted(path.name for path in (SAMPLES / "broken").iterdir())


def entry_in(client: Client, path: Path) -> Any:
    """The server's entry in a client's file."""
    (entry,) = Entries.read(client, ConfigFile(path).read() or "").ours.values()
    return entry


def stands_in(inner: str, outer: str) -> bool:
    """Whether every character of a text stands in another one, in the same order."""
    rest = iter(outer)
    return all(character in rest for character in inner)


def test_install_keeps_everything_else(client: Client, sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What the user wrote stays, comments and order included, and the entry starts this program."""
    before = sample.read_bytes().decode()
    assert main(["install", client.name, "--sandbox", "--app", "com.demo.app"]) == 0
    after = sample.read_bytes().decode()
    data = client.editor.read(after.removeprefix("\ufeff"))
    ((name, entry),) = Entries.read(client, after.removeprefix("\ufeff")).ours.items()
    assert words(entry)[-3:] == ("--sandbox", "--app", "com.demo.app")
    assert shutil.which(words(entry)[0])
    data[client.under].pop(name)
    assert data == {client.under: {}} | client.editor.read(before.removeprefix("\ufeff"))
    assert ("\r\n" in before) == ("\r\n" in after)
    assert "\n" not in after.replace("\r\n", "") or "\r\n" not in before
    assert before.startswith("\ufeff") == after.startswith("\ufeff")
    assert stands_in(before, after)
    assert "+++ " in capsys.readouterr().out


def test_uninstall_restores_every_byte(client: Client, sample: Path) -> None:
    """Adding and taking out leaves the file as it was, and beside it only what was taken out."""
    before = sample.read_bytes()
    assert main(["install", client.name]) == 0
    assert sample.read_bytes() != before
    assert main(["uninstall", client.name]) == 0
    assert sample.read_bytes() == before
    (taken_out,) = ConfigFile(sample).backups()
    assert Entries.read(client, taken_out.text).ours


def test_uninstall_keeps_what_was_changed_meanwhile(client: Client, sample: Path) -> None:
    """A file that has changed since is not put back: only the entry goes."""
    assert main(["install", client.name, "--sandbox"]) == 0
    changed = ConfigFile(sample).read() or ""
    entry = entry_in(client, sample)
    other = client.editor.put(changed, (client.under, "meanwhile"), entry)
    ConfigFile(sample).write(other)
    assert main(["uninstall", client.name]) == 0
    data = client.editor.read(ConfigFile(sample).read() or "")
    assert data[client.under]["meanwhile"] == entry
    assert not Entries.read(client, ConfigFile(sample).read() or "").ours


def test_install_where_there_is_no_file(client: Client, machine: Machine) -> None:
    """A client without a configuration gets one that only its user can read, and loses it again."""
    place = client.path(machine)
    assert main(["install", client.name, "--read-only"]) == 0
    assert "--read-only" in json.dumps(entry_in(client, place))
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert main(["uninstall", client.name]) == 0
    assert not place.exists()


def test_install_twice_changes_options_and_keeps_the_first_backup(client: Client, sample: Path) -> None:
    """A second install replaces the entry; taking it out still leads back to the beginning."""
    before = sample.read_bytes()
    assert main(["install", client.name, "--sandbox"]) == 0
    assert main(["install", client.name, "--read-only"]) == 0
    assert "--sandbox" not in json.dumps(entry_in(client, sample))
    assert main(["uninstall", client.name]) == 0
    assert sample.read_bytes() == before


def test_same_install_again_writes_nothing(client: Client, sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """When all is as wished already, the file is left alone and the user is told."""
    assert main(["install", client.name, "--sandbox"]) == 0
    touched = sample.stat().st_mtime_ns
    capsys.readouterr()
    assert main(["install", client.name, "--sandbox"]) == 0
    shown = capsys.readouterr()
    assert sample.stat().st_mtime_ns == touched
    assert shown.out == ""
    assert "already" in shown.err


def test_dry_run_shows_and_writes_nothing(client: Client, sample: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The whole change can be seen before it is made, in both directions."""
    before = sample.read_bytes()
    assert main(["install", client.name, "--dry-run"]) == 0
    assert "capgo" in capsys.readouterr().out
    assert sample.read_bytes() == before
    assert main(["install", client.name]) == 0
    installed = sample.read_bytes()
    assert main(["uninstall", client.name, "--dry-run"]) == 0
    assert sample.read_bytes() == installed


@pytest.mark.parametrize("broken", BROKEN)
def test_broken_files_are_refused_untouched(broken: str, machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that cannot be read, or changed without a guess, is left as it is, with a sentence that names it."""
    source = SAMPLES / "broken" / broken
    client = named("codex" if source.suffix == ".toml" else "cursor")
    place = client.path(machine)
    place.parent.mkdir(parents=True)
    shutil.copyfile(source, place)
    assert main(["install", client.name]) == 2
    assert place.read_bytes() == source.read_bytes()
    assert list(place.parent.iterdir()) == [place]
    told = capsys.readouterr().err
    assert str(place) in told
    assert told.count("\n") == 1


@pytest.mark.parametrize("name", ["claude-desktop", "claude-code", "copilot"])
def test_comments_are_refused_where_the_client_does_not_read_them(name: str, machine: Machine) -> None:
    """A comment breaks these clients' files, so the user hears of it instead of getting a second problem."""
    place = named(name).path(machine)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text('{\n  // mine\n  "mcpServers": {}\n}\n', encoding="utf-8")
    assert main(["install", name]) == 2


def test_unknown_client_is_told_the_nearest(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    """A misspelt client is answered with the one that was meant."""
    assert machine.home.exists()
    assert main(["install", "curser"]) == 2
    assert "did you mean cursor?" in capsys.readouterr().err


def test_overview_tells_which_clients_are_here(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a client the command lists them: not here, here, with the server, unreadable."""
    (machine.home / ".gemini").mkdir()
    broken = named("zed").path(machine)
    broken.parent.mkdir(parents=True)
    broken.write_text("{", encoding="utf-8")
    main(["install", "codex"])
    capsys.readouterr()
    assert main(["install"]) == 0
    told = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert told.keys() == {client.name for client in CLIENTS}
    assert "not found here" in told["cursor"]
    assert "without the server" in told["gemini"]
    assert "has the server, in ~/.codex/config.toml" in told["codex"]
    assert "cannot be read" in told["zed"]


def test_link_to_a_file_stays_a_link(machine: Machine, tmp_path: Path) -> None:
    """People keep their settings in a repository of their own and link to them."""
    real = tmp_path / "dotfiles" / "mcp.json"
    real.parent.mkdir()
    real.write_text("{}\n", encoding="utf-8")
    place = named("cursor").path(machine)
    place.parent.mkdir()
    place.symlink_to(real)
    assert main(["install", "cursor"]) == 0
    assert place.is_symlink()
    assert "capgo" in real.read_text(encoding="utf-8")


@pytest.mark.parametrize("rights", [0o600, 0o644, 0o664])
def test_rights_of_a_file_stay(machine: Machine, rights: int) -> None:
    """Neither the file nor its backup can be read by more people than before."""
    place = named("claude-code").path(machine)
    place.write_text("{}\n", encoding="utf-8")
    place.chmod(rights)
    assert main(["install", "claude-code"]) == 0
    assert stat.S_IMODE(place.stat().st_mode) == rights
    assert stat.S_IMODE(ConfigFile(place).backups()[0].path.stat().st_mode) == rights
    place.chmod(0o600)
    assert main(["uninstall", "claude-code"]) == 0
    assert stat.S_IMODE(place.stat().st_mode) == rights


def test_unwritable_folder_is_told(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """When the system refuses, the user hears which file could not be written."""

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    assert main(["install", "cursor"]) == 2
    assert "cannot be written: Permission denied" in capsys.readouterr().err
    assert not named("cursor").path(machine).exists()
