"""Programs from npm, in the versions this project was tested with, in a folder of its own."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parents[1] / "build" / "npm"
VERSIONS: Final = {
    "@anthropic-ai/claude-code": "2.1.330",
    "@anthropic-ai/mcpb": "2.1.2",
    "@capgo/cli": "8.68.1",
    "@github/copilot": "1.0.102",
    "@google/gemini-cli": "0.61.0",
    "@modelcontextprotocol/client": "2.4.0",
    "@modelcontextprotocol/ext-apps": "2.0.4",
    "@modelcontextprotocol/inspector": "2.12.0",
    "@modelcontextprotocol/sdk": "1.32.2",
    "@openai/codex": "0.169.0",
    "axe-core": "4.14.1",
    "esbuild": "0.28.2",
    "opencode-ai": "1.18.33",
    "pixelmatch": "8.0.0",
}


def available() -> bool:
    """Whether there is npm, and node to run what it installs."""
    return shutil.which("npm") is not None and shutil.which("node") is not None


def program(package: str, name: str) -> Path:
    """A program of a package, which is installed if it is not yet.

    Raises:
        CalledProcessError: npm cannot install it; its own words are on stderr.
    """
    install(package)
    return FOLDER / "node_modules" / ".bin" / name


def install(package: str) -> None:
    """Install a package in its version, unless it is there.

    Raises:
        CalledProcessError: npm cannot install it; its own words are on stderr.
    """
    version = VERSIONS[package]
    described = FOLDER / "node_modules" / package / "package.json"
    if described.exists() and json.loads(described.read_text(encoding="utf-8"))["version"] == version:
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    options = ("--no-audit", "--no-fund", "--no-package-lock", "--save-exact", "--loglevel=error")
    subprocess.run(
        ["npm", "install", "--prefix", FOLDER, *options, f"{package}@{version}"], check=True, stdout=subprocess.DEVNULL
    )
