"""The plugin in the programs that take it: each checks it, installs it from this checkout, and finds all its skills."""

import json
import subprocess
from pathlib import Path
from typing import Final

import pytest

from capgo_mcp.server.recipes import RECIPES
from capgo_mcp.server.skills import name_of
from scripts import npm
from scripts.docs import ROOT
from scripts.plugins import FOLDER
from tests.support.limits import GENEROUS

PROGRAMS: Final = {
    "claude": "@anthropic-ai/claude-code",
    "codex": "@openai/codex",
    "gemini": "@google/gemini-cli",
}
NPM: Final = tuple(PROGRAMS.values())
SKILLS: Final = {name_of(recipe) for recipe in RECIPES}


def told(program: str, *words: str | Path) -> str:
    """What a program prints, on either stream."""
    command: list[str | Path] = [npm.program(PROGRAMS[program], program), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=GENEROUS, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("path", "further"), [(ROOT / FOLDER, ("--profile", "directory")), (ROOT, ())], ids=["plugin", "catalogue"]
)
def test_claude_code_finds_no_fault(path: Path, further: tuple[str, ...], home: Path) -> None:
    """Its own checks, those before a submission as well, have no complaint and no warning."""
    assert "Validation passed" in told("claude", "plugin", "validate", "--strict", *further, path)
    assert home.exists()


def test_claude_code_installs_it(home: Path) -> None:
    """Claude Code installs it from the checkout, and counts every skill and the server."""
    told("claude", "plugin", "marketplace", "add", ROOT)
    told("claude", "plugin", "install", "capgo@capgo-mcp")
    shown = told("claude", "plugin", "details", "capgo")
    assert f"Skills ({len(SKILLS)})" in shown
    assert "MCP servers (1)  capgo" in shown
    assert all(name in shown for name in SKILLS)
    assert home.exists()


def test_codex_installs_it(home: Path) -> None:
    """Codex installs it from the checkout, has its skills on disk and its server among its own."""
    told("codex", "plugin", "marketplace", "add", ROOT)
    told("codex", "plugin", "add", "capgo@capgo-mcp")
    (folder,) = home.glob(".codex/plugins/cache/capgo-mcp/capgo/*/skills")
    assert {path.name for path in folder.iterdir()} == SKILLS
    assert '"command": "capgo-mcp"' in told("codex", "mcp", "get", "capgo", "--json")


def test_gemini_installs_it(home: Path) -> None:
    """Gemini CLI finds no fault, installs it, and lists its skills and its server."""
    assert "successfully validated" in told("gemini", "extensions", "validate", ROOT / FOLDER)
    (home / ".gemini").mkdir(exist_ok=True)
    trusted = {str(home): "TRUST_FOLDER", str(ROOT): "TRUST_FOLDER"}
    (home / ".gemini" / "trustedFolders.json").write_text(json.dumps(trusted), encoding="utf-8")
    told("gemini", "extensions", "install", ROOT / FOLDER, "--consent")
    shown = told("gemini", "extensions", "list")
    assert "MCP servers:\n  capgo" in shown
    assert all(f"  {name}: " in shown for name in SKILLS)
