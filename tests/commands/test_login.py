"""A key that is saved can be read by its owner only, and is found again between sessions."""

import io
import logging
import stat
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import anyio
import httpx2
import pytest

from capgo_mcp.api.errors import KeyMissing
from capgo_mcp.client import bounds
from capgo_mcp.client.key import StaticKey
from capgo_mcp.commands.cli import main
from capgo_mcp.config.credentials import KeyFile, SavedKey
from capgo_mcp.config.keystore import saved
from capgo_mcp.config.machine import Machine
from capgo_mcp.config.settings import Settings
from capgo_mcp.sandbox import ADMIN_KEY, State, create_app
from tests.support.faulty import VirtualClock

AGAINST: Final = "another user of this machine"
ATTACKER: Final = "a program on this machine"
ASSET: Final = "the key"

KEY: Final = "5ec4e700-0000-4000-8000-00000000f00d"
OTHER: Final = "07e40000-0000-4000-8000-00000000f00d"


@dataclass
class FakeKeyring:
    """What the package keyring offers, in memory."""

    kept: dict[tuple[str, str], str] = field(default_factory=dict)
    locked: bool = False

    def get_password(self, service: str, account: str) -> str | None:
        """The password of an account."""
        self._open()
        return self.kept.get((service, account))

    def set_password(self, service: str, account: str, password: str) -> None:
        """Keep the password of an account."""
        self._open()
        self.kept[service, account] = password

    def delete_password(self, service: str, account: str) -> None:
        """Forget the password of an account, which must be there."""
        self._open()
        del self.kept[service, account]

    def _open(self) -> None:
        if self.locked:
            raise RuntimeError("no way in")


@pytest.fixture
def keyring(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> FakeKeyring:
    """The system's keyring, on that account."""
    assert machine.home.exists()
    fake = FakeKeyring()
    module = ModuleType("keyring")
    for name in ("get_password", "set_password", "delete_password"):
        setattr(module, name, getattr(fake, name))
    monkeypatch.setitem(sys.modules, "keyring", module)
    return fake


def login(key: str, monkeypatch: pytest.MonkeyPatch, *options: str) -> int:
    """Run the command with a key on its standard input, as a script would, without asking Capgo."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{key}\n"))
    return main(["login", "--no-check", *options])


def saved_key() -> str:
    """The key as a server would find it."""
    return anyio.run(Settings.read({}).key.read)


def key_file(machine: Machine) -> Path:
    """Where the key is saved without a keyring."""
    return machine.settings / "capgo-mcp" / "key"


def test_key_is_saved_in_a_private_file(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a keyring only the user can read the file, and the server finds it."""
    assert login(f" '{KEY}' ", monkeypatch) == 0
    assert stat.S_IMODE(key_file(machine).stat().st_mode) == 0o600
    assert stat.S_IMODE(key_file(machine).parent.stat().st_mode) == 0o700
    assert saved_key() == KEY


def test_file_that_others_could_read_is_closed(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Saving anew does not inherit the rights of an open file."""
    key_file(machine).parent.mkdir(parents=True)
    key_file(machine).write_text("old", encoding="utf-8")
    key_file(machine).chmod(0o644)
    assert login(KEY, monkeypatch) == 0
    assert stat.S_IMODE(key_file(machine).stat().st_mode) == 0o600


def test_key_is_saved_in_the_keyring(machine: Machine, keyring: FakeKeyring, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is a keyring, the key goes there and nowhere else."""
    assert login(KEY, monkeypatch, "--file") == 0
    assert login(OTHER, monkeypatch) == 0
    assert list(keyring.kept.values()) == [OTHER]
    assert not key_file(machine).exists()
    assert saved_key() == OTHER


def test_file_can_be_preferred_to_the_keyring(
    machine: Machine, keyring: FakeKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--file takes the key out of the keyring, so that there is one key only."""
    assert login(OTHER, monkeypatch) == 0
    assert login(KEY, monkeypatch, "--file") == 0
    assert keyring.kept == {}
    assert key_file(machine).exists()
    assert saved_key() == KEY


def test_locked_keyring_is_passed_over(machine: Machine, keyring: FakeKeyring, monkeypatch: pytest.MonkeyPatch) -> None:
    """A keyring that fails, in whatever way, is as none."""
    keyring.locked = True
    assert login(KEY, monkeypatch) == 0
    assert key_file(machine).exists()
    assert saved_key() == KEY


def test_logout_forgets(machine: Machine, keyring: FakeKeyring, monkeypatch: pytest.MonkeyPatch) -> None:
    """After it no key is found, and a second time does no harm."""
    login(KEY, monkeypatch)
    assert main(["logout"]) == 0
    assert keyring.kept == {}
    with pytest.raises(KeyMissing):
        saved_key()
    assert main(["logout"]) == 0
    login(KEY, monkeypatch, "--file")
    assert main(["logout"]) == 0
    assert not key_file(machine).exists()


@pytest.mark.parametrize("typed", ["", "two words", "<your key>", "short"])
def test_what_cannot_be_a_key_is_not_saved(
    typed: str, machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A slip while pasting does not overwrite a good key, and is not repeated on the screen."""
    login(KEY, monkeypatch)
    capsys.readouterr()
    assert login(typed, monkeypatch) == 1
    shown = capsys.readouterr()
    assert saved_key() == KEY
    assert not typed or typed not in shown.out + shown.err
    assert machine.home.exists()


@pytest.fixture
def wired(state: State, monkeypatch: pytest.MonkeyPatch) -> list[httpx2.Request]:
    """The network leads to a sandbox; what was sent."""
    sent: list[httpx2.Request] = []
    sandbox = httpx2.ASGITransport(app=create_app(state))
    usual = httpx2.AsyncClient.__init__

    class Wire(httpx2.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
            sent.append(request)
            return await sandbox.handle_async_request(request)

    def wire(self: httpx2.AsyncClient, **options: Any) -> None:
        usual(self, **(options | {"transport": Wire()}))

    monkeypatch.setattr(httpx2.AsyncClient, "__init__", wire)
    return sent


def tried(key: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Run the command as people do, with its question to Capgo."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{key}\n"))
    return main(["login"])


def test_key_is_tried_before_it_is_saved(
    machine: Machine,
    wired: list[httpx2.Request],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A key that works is saved with what it sees; one that Capgo refuses is asked about once and not saved."""
    assert tried(ADMIN_KEY, monkeypatch) == 0
    assert "sees 3 apps and 2 organizations" in capsys.readouterr().err
    assert saved_key() == ADMIN_KEY
    wired.clear()
    assert tried(KEY, monkeypatch) == 1
    assert len(wired) == 1
    shown = capsys.readouterr()
    assert "does not accept the API key" in shown.err
    assert "Nothing saved" in shown.err
    assert KEY not in shown.out + shown.err
    assert saved_key() == ADMIN_KEY
    assert machine.home.exists()


def test_placeholder_is_not_tried(
    machine: Machine,
    wired: list[httpx2.Request],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What a page has in the place of a key is called so, and Capgo never sees it."""
    assert tried("your-api-key", monkeypatch) == 1
    assert "placeholder" in capsys.readouterr().err
    assert wired == []
    assert machine.home.exists()


def test_key_that_cannot_be_tried_is_not_saved(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a network the user learns why, and how to save it all the same."""
    monkeypatch.setenv("CAPGO_API_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(bounds, "_BACKOFF", 0)  # nobody waits for it to come back
    assert tried(KEY, monkeypatch) == 1
    assert "--no-check" in capsys.readouterr().err
    assert not key_file(machine).exists()


def test_saved_file_that_cannot_be_read_is_told(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A garbled file is not passed over for another key, nor taken for no key."""
    login(KEY, monkeypatch)
    (machine.home / ".capgo").write_text(OTHER, encoding="utf-8")
    key_file(machine).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(KeyMissing) as caught:
        saved_key()
    assert str(key_file(machine)) in caught.value.sentence
    assert "it is not text" in caught.value.sentence
    assert main(["install", "zed"]) == 2


def test_typed_key_does_not_show(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """At a terminal the key is read without an echo, and nothing that is printed holds it."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("capgo_mcp.commands.login.getpass", lambda _: KEY)
    assert main(["login", "--no-check"]) == 0
    shown = capsys.readouterr()
    assert KEY not in shown.out + shown.err
    assert key_file(machine).exists()


def test_key_of_the_capgo_cli_is_used_and_told(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What `npx @capgo/cli login` saved serves when nothing else does; the log says so, without the key."""
    (machine.home / ".capgo").write_text(f"{KEY}\n", encoding="utf-8")
    with caplog.at_level(logging.INFO, "capgo_mcp"):
        assert saved_key() == KEY
    assert "~/.capgo" in caplog.text
    assert KEY not in caplog.text
    login(OTHER, monkeypatch)
    assert saved_key() == OTHER
    main(["logout"])
    assert (machine.home / ".capgo").exists()


def test_variable_of_the_capgo_cli_is_used_after_what_was_saved_here(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CAPGO_TOKEN goes before ~/.capgo, as in the CLI, and after `login`: that key may have fewer rights on purpose."""
    (machine.home / ".capgo").write_text(f"{OTHER}\n", encoding="utf-8")
    theirs = replace(machine, environment={**machine.environment, "CAPGO_TOKEN": f" {KEY}\n"})
    assert anyio.run(SavedKey(theirs).read) == KEY
    assert KEY not in repr(SavedKey(theirs)) + repr(saved(theirs))
    unfilled = replace(machine, environment={"CAPGO_TOKEN": "${CAPGO_TOKEN}"})
    assert anyio.run(SavedKey(unfilled).read) == OTHER
    login(OTHER, monkeypatch)
    assert anyio.run(SavedKey(theirs).read) == OTHER


def test_a_folder_chooses_no_key(machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Capgo CLI reads .capgo where it is started; a project that somebody else made has no say here."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / ".capgo").write_text(f"{KEY}\n", encoding="utf-8")
    monkeypatch.chdir(folder)
    assert saved(machine) is None


def test_environment_comes_before_what_is_saved(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """CAPGO_API_KEY, then CAPGO_API_KEY_FILE, then what is saved."""
    login(KEY, monkeypatch)
    path = machine.home / "file"
    assert isinstance(Settings.read({}, {}).key, SavedKey)
    assert Settings.read({}, {"CAPGO_API_KEY_FILE": str(path)}).key == KeyFile(path)
    assert Settings.read({}, {"CAPGO_API_KEY_FILE": str(path), "CAPGO_API_KEY": OTHER}).key == StaticKey(OTHER)


@pytest.mark.parametrize("left", ["${CAPGO_API_KEY}", "${env:CAPGO_API_KEY}", "${user_config.api_key}", " ", ""])
def test_unfilled_placeholders_count_as_not_set(left: str, machine: Machine) -> None:
    """Clients hand on their own placeholder when its value is missing; that is no key."""
    settings = Settings.read({}, {"CAPGO_API_KEY": left, "CAPGO_MCP_APP": left, "CAPGO_MCP_SANDBOX": left})
    assert settings.key == SavedKey(
        Machine.here({"CAPGO_API_KEY": left, "CAPGO_MCP_APP": left, "CAPGO_MCP_SANDBOX": left})
    )
    assert settings.app is None
    assert not settings.sandbox
    assert machine.home.exists()


async def test_key_can_be_saved_while_the_server_runs(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call without a key says how to save one, and the next call finds it without a restart."""
    source = SavedKey(machine)
    with pytest.raises(KeyMissing) as caught:
        await source.read()
    assert "capgo-mcp login" in caught.value.hint
    login(KEY, monkeypatch)
    assert await source.read() == KEY


async def test_saved_key_is_looked_for_again_after_a_while(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, clock: VirtualClock
) -> None:
    """Within some seconds the key is not read again; after them another `login` counts."""
    login(KEY, monkeypatch)
    source = SavedKey(machine, clock)
    assert await source.read() == KEY
    login(OTHER, monkeypatch)
    clock.advance(15)
    assert await source.read() == KEY
    clock.advance(1)
    assert await source.read() == OTHER


def test_starting_does_not_look_for_the_key(machine: Machine, keyring: FakeKeyring) -> None:
    """A keyring may ask its user to unlock it, which must not happen before a call needs the key."""
    keyring.locked = True
    assert "SavedKey" in repr(Settings.read({}))
    assert machine.home.exists()


def test_saved_key_is_not_shown(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """No representation shows it, before or after it was read."""
    login(KEY, monkeypatch)
    source = SavedKey(machine)
    assert anyio.run(source.read) == KEY
    assert KEY not in repr(source)


def test_folder_that_cannot_be_written_is_told(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """When the file cannot be made, the user hears why."""
    machine.settings.parent.mkdir(parents=True, exist_ok=True)
    machine.settings.write_text("a file in the way", encoding="utf-8")
    assert login(KEY, monkeypatch) == 2
    assert "cannot be saved" in capsys.readouterr().err
