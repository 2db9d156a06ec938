"""How the server comes by its key when a client starts it, and what a client's file is told of it."""

import json
import stat
from pathlib import Path
from typing import Final

import pytest

from capgo_mcp.commands.cli import main
from capgo_mcp.config.machine import Machine, System
from capgo_mcp.install.clients import CLIENTS, named

KEY: Final = "5ec4e700-0000-4000-8000-00000000f00d"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """An account of its own with a key in its environment."""
    for name in ("XDG_CONFIG_HOME", "CODEX_HOME", "CLAUDE_CONFIG_DIR", "COPILOT_HOME", "CAPGO_API_URL", "CAPGO_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CAPGO_API_KEY", KEY)
    return Machine.here()


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_key_is_not_written_unless_told_to(
    client: object, machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    """By default no client's file, backup or output holds the key."""
    name = client.name  # type: ignore[attr-defined]  # parametrize hides the type
    place = named(name).path(machine)
    assert main(["install", name]) == 0
    shown = capsys.readouterr()
    assert KEY not in place.read_text(encoding="utf-8") + shown.out + shown.err


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_written_key_is_for_the_users_eyes_only(
    client: object, machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --write-key it stands in the file, which is closed to others then; the diff does not show it."""
    name = client.name  # type: ignore[attr-defined]  # parametrize hides the type
    place = named(name).path(machine)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("", encoding="utf-8")
    place.chmod(0o644)
    assert main(["install", name, "--write-key"]) == 0
    shown = capsys.readouterr()
    assert KEY in place.read_text(encoding="utf-8")
    assert KEY not in shown.out + shown.err
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert main(["install", name]) == 0
    shown = capsys.readouterr()
    assert KEY not in place.read_text(encoding="utf-8") + shown.out + shown.err


@pytest.mark.parametrize(
    ("name", "told"),
    [("cursor", "${env:CAPGO_TOKEN}"), ("codex", 'env_vars = ["CAPGO_TOKEN"]'), ("zed", "may not hand CAPGO_TOKEN on")],
)
def test_the_variable_of_the_capgo_cli_is_handed_on(
    name: str, told: str, machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who has the key there alone is not sent to another variable, and where it cannot be handed on they hear so."""
    monkeypatch.delenv("CAPGO_API_KEY")
    monkeypatch.setenv("CAPGO_TOKEN", KEY)
    assert main(["install", name]) == 0
    shown = capsys.readouterr()
    assert told in named(name).path(machine).read_text(encoding="utf-8") + shown.err
    assert KEY not in shown.out + shown.err


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("claude-code", "${CAPGO_API_KEY:-}"),
        ("cursor", "${env:CAPGO_API_KEY}"),
        ("vscode", "${env:CAPGO_API_KEY}"),
        ("windsurf", "${env:CAPGO_API_KEY}"),
        ("gemini", "$CAPGO_API_KEY"),
        ("opencode", "{env:CAPGO_API_KEY}"),
        ("codex", 'env_vars = ["CAPGO_API_KEY"]'),
    ],
)
def test_files_refer_to_the_environment(name: str, reference: str, machine: Machine) -> None:
    """A client that can read its environment is told to, in its own words."""
    assert main(["install", name]) == 0
    assert reference in named(name).path(machine).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["claude-desktop", "zed", "copilot"])
def test_clients_that_cannot_refer_are_led_to_login(
    name: str, machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where only the server itself can find the key, the user hears how to save it."""
    assert machine.environment["CAPGO_API_KEY"] == KEY
    assert main(["install", name]) == 0
    assert "capgo-mcp login" in capsys.readouterr().err


def test_key_file_is_handed_on_with_its_full_path(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client starts the server in a folder of its own, so that a relative path would lead nowhere."""
    monkeypatch.delenv("CAPGO_API_KEY")
    monkeypatch.setenv("CAPGO_API_KEY_FILE", "~/secret/key")
    assert main(["install", "claude-desktop"]) == 0
    entry = json.loads(named("claude-desktop").path(machine).read_text(encoding="utf-8"))["mcpServers"]["capgo"]
    assert entry["env"] == {"CAPGO_API_KEY_FILE": str(machine.home / "secret" / "key")}


def test_address_of_a_self_hosted_capgo_is_handed_on(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's server talks to the same Capgo as this shell's."""
    monkeypatch.setenv("CAPGO_API_URL", "https://capgo.example.com/functions/v1")
    assert main(["install", "zed"]) == 0
    entry = json.loads(named("zed").path(machine).read_text(encoding="utf-8"))["context_servers"]["capgo"]
    assert entry["env"] == {"CAPGO_API_URL": "https://capgo.example.com/functions/v1"}


def test_sandbox_gets_neither_key_nor_address(machine: Machine) -> None:
    """The sandbox needs nothing from the environment."""
    assert main(["install", "cursor", "--sandbox"]) == 0
    entry = json.loads(named("cursor").path(machine).read_text(encoding="utf-8"))["mcpServers"]["capgo"]
    assert "env" not in entry


def test_no_key_to_write_is_an_error(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """--write-key without a key changes nothing."""
    monkeypatch.delenv("CAPGO_API_KEY")
    assert main(["install", "cursor", "--write-key"]) == 2
    assert not named("cursor").path(machine).exists()


@pytest.mark.parametrize(
    ("name", "system", "place"),
    [
        ("claude-desktop", "macos", "Library/Application Support/Claude/claude_desktop_config.json"),
        ("claude-desktop", "windows", "AppData/Roaming/Claude/claude_desktop_config.json"),
        ("claude-desktop", "linux", ".config/Claude/claude_desktop_config.json"),
        ("claude-code", "windows", ".claude.json"),
        ("cursor", "macos", ".cursor/mcp.json"),
        ("vscode", "macos", "Library/Application Support/Code/User/mcp.json"),
        ("vscode", "windows", "AppData/Roaming/Code/User/mcp.json"),
        ("vscode", "linux", ".config/Code/User/mcp.json"),
        ("windsurf", "linux", ".codeium/windsurf/mcp_config.json"),
        ("codex", "linux", ".codex/config.toml"),
        ("gemini", "windows", ".gemini/settings.json"),
        ("copilot", "linux", ".copilot/mcp-config.json"),
        ("zed", "macos", ".config/zed/settings.json"),
        ("zed", "windows", "AppData/Roaming/Zed/settings.json"),
        ("opencode", "macos", ".config/opencode/opencode.json"),
    ],
)
def test_files_are_where_the_clients_look(name: str, system: System, place: str, tmp_path: Path) -> None:
    """Each client on each system has its own place."""
    assert named(name).path(Machine(system, tmp_path, {})) == tmp_path / place


@pytest.mark.parametrize(
    ("name", "system", "variable", "place"),
    [
        ("codex", "linux", "CODEX_HOME", "config.toml"),
        ("claude-code", "macos", "CLAUDE_CONFIG_DIR", ".claude.json"),
        ("copilot", "linux", "COPILOT_HOME", "mcp-config.json"),
        ("zed", "linux", "XDG_CONFIG_HOME", "zed/settings.json"),
        ("vscode", "windows", "APPDATA", "Code/User/mcp.json"),
    ],
)
def test_environment_moves_the_files(name: str, system: System, variable: str, place: str, tmp_path: Path) -> None:
    """Where a client lets its user move the file, so does this program."""
    moved = tmp_path / "moved"
    assert named(name).path(Machine(system, tmp_path, {variable: str(moved)})) == moved / place


def test_opencode_keeps_the_file_that_is_there(tmp_path: Path) -> None:
    """A file with the other ending is used when it is the one that exists."""
    there = tmp_path / ".config" / "opencode" / "opencode.jsonc"
    there.parent.mkdir(parents=True)
    there.touch()
    assert named("opencode").path(Machine("linux", tmp_path, {})) == there
