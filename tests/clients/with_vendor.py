"""Capgo's own command line, by which a skill uploads: every command and flag that is named there exists."""

import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

from capgo_mcp.server.recipes import RECIPES
from capgo_mcp.server.skills import files
from scripts import npm
from tests.support.limits import GENEROUS

NPM: Final = ("@capgo/cli",)
TEXT: Final = "\n".join(text for recipe in RECIPES for text in files(recipe).values())
COMMANDS: Final = sorted({match.strip() for match in re.findall(r"npx @capgo/cli@latest((?: [a-z]+)+)", TEXT)})


def helped(*command: str) -> str:
    """What the command line says about one of its commands."""
    words: list[str | Path] = [npm.program(NPM[0], "capgo"), *command, "--help"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=GENEROUS, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_skills_name_commands() -> None:
    """The upload, the comparison before it and the login are there, so that the next test looks at them."""
    assert COMMANDS == ["bundle compatibility", "bundle upload", "login"]


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_exist(command: str, home: Path) -> None:
    """Each command that a skill names is one, and takes the flags that stand behind it."""
    page = helped(*command.split())
    assert f"Usage: @capgo/cli {command}" in page
    flags = {
        flag
        for line in re.findall(rf"npx @capgo/cli@latest {command}\b([^`\n]*)", TEXT)
        for flag in re.findall(r"--[a-z0-9-]+", line)
    }
    assert flags <= set(re.findall(r"--[a-z0-9-]+", page))
    assert home.exists()


def test_flags_of_the_upload_exist(home: Path) -> None:
    """Every flag of the page about the upload is one of the upload's."""
    flags = set(re.findall(r"`(--[a-z0-9-]+)`", TEXT))
    assert {"--channel", "--bundle", "--path", "--fail-on-incompatible"} <= flags
    assert flags <= set(re.findall(r"--[a-z0-9-]+", helped("bundle", "upload")))
    assert home.exists()
