"""Client programs that can list and check their servers without an account, set up by `capgo-mcp install`."""

import json
import subprocess
from pathlib import Path
from typing import Final

import pytest

from capgo_mcp.commands.cli import main
from scripts import npm
from tests.support.limits import GENEROUS

PROGRAMS: Final = {
    "claude": "@anthropic-ai/claude-code",
    "codex": "@openai/codex",
    "copilot": "@github/copilot",
    "gemini": "@google/gemini-cli",
    "opencode": "opencode-ai",
}
NPM: Final = tuple(PROGRAMS.values())


def told(program: str, *words: str) -> str:
    """What a program prints; some speak on the other stream only."""
    command: list[str | Path] = [npm.program(PROGRAMS[program], program), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=GENEROUS, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout or done.stderr


def test_claude_code_connects(home: Path) -> None:
    """Claude Code finds the entry, starts the server and lists it as connected; afterwards it knows nothing of it."""
    told("claude", "mcp", "list")
    before = (home / ".claude.json").read_bytes()
    assert main(["install", "claude-code", "--sandbox"]) == 0
    shown = told("claude", "mcp", "get", "capgo")
    assert "Connected" in shown
    assert "--sandbox" in shown
    assert main(["uninstall", "claude-code"]) == 0
    assert json.loads(before).keys() <= json.loads((home / ".claude.json").read_bytes()).keys()
    assert "capgo" not in told("claude", "mcp", "list")


def test_claude_code_writes_the_same_entry(home: Path, server: list[str]) -> None:
    """What its own command writes, `install` writes as well, but for an empty environment."""
    told("claude", "mcp", "add", "-s", "user", "capgo", "--", server[0], "--sandbox")
    theirs = json.loads((home / ".claude.json").read_text(encoding="utf-8"))["mcpServers"]["capgo"]
    assert main(["install", "claude-code", "--sandbox"]) == 0
    ours = json.loads((home / ".claude.json").read_text(encoding="utf-8"))["mcpServers"]["capgo"]
    assert ours == {name: value for name, value in theirs.items() if value != {}}


def test_codex_reads_the_entry(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Codex understands every line of the entry, among them the variables it hands on; its list starts no server."""
    monkeypatch.setenv("CAPGO_API_KEY", "5ec4e700-0000-4000-8000-00000000f00d")
    (home / ".codex").mkdir()
    (home / ".codex" / "config.toml").write_text('# mine\nmodel = "gpt-5" # the one\n', encoding="utf-8")
    assert main(["install", "codex", "--read-only"]) == 0
    entry = json.loads(told("codex", "mcp", "get", "capgo", "--json"))
    assert entry["enabled"]
    assert entry["transport"]["args"] == ["--read-only"]
    assert entry["transport"]["env_vars"] == ["CAPGO_API_KEY"]
    assert entry["startup_timeout_sec"] == 60
    told("codex", "mcp", "remove", "capgo")
    assert main(["install", "codex", "--sandbox"]) == 0
    assert main(["uninstall", "codex"]) == 0
    assert "# the one" in (home / ".codex" / "config.toml").read_text(encoding="utf-8")


def test_gemini_connects(home: Path) -> None:
    """Gemini CLI reads the entry beside a comment, starts the server and lists it as connected."""
    (home / ".gemini").mkdir()
    (home / ".gemini" / "trustedFolders.json").write_text(json.dumps({str(home): "TRUST_FOLDER"}), encoding="utf-8")
    settings = home / ".gemini" / "settings.json"
    settings.write_text('{\n  // mine\n  "ui": { "theme": "GitHub" }\n}\n', encoding="utf-8")
    assert main(["install", "gemini", "--sandbox"]) == 0
    assert "capgo" in (shown := told("gemini", "mcp", "list"))
    assert "Connected" in shown
    assert "// mine" in settings.read_text(encoding="utf-8")


def test_opencode_connects(home: Path) -> None:
    """The program opencode reads the entry, starts the server and lists it as connected."""
    assert main(["install", "opencode", "--sandbox"]) == 0
    assert "capgo" in (shown := told("opencode", "mcp", "list"))
    assert "connected" in shown
    assert home.exists()


def test_copilot_reads_the_entry(home: Path) -> None:
    """Copilot CLI understands the entry and would offer every tool; its list starts no server."""
    assert main(["install", "copilot", "--sandbox"]) == 0
    shown = told("copilot", "mcp", "get", "capgo")
    assert "Enabled" in shown
    assert "--sandbox" in shown
    assert "* (all)" in shown
    assert home.exists()
