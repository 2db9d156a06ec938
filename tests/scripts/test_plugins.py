"""The plugin: what each program looks for is there, and its skills are those of the server."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any, Final

import pytest

from capgo_mcp import __version__
from capgo_mcp.catalog import every_tool
from capgo_mcp.install.source import Provenance
from capgo_mcp.server.recipes import RECIPES
from capgo_mcp.server.skills import Skills
from scripts.docs import ROOT
from scripts.plugins import FOLDER, ICON, files

PLUGIN: Final = ROOT / FOLDER
MANIFESTS: Final = (
    "plugin.json",
    ".claude-plugin/plugin.json",
    ".codex-plugin/plugin.json",
    ".cursor-plugin/plugin.json",
    "gemini-extension.json",
)
CATALOGUES: Final = (
    ".claude-plugin/marketplace.json",
    ".cursor-plugin/marketplace.json",
    ".agents/plugins/marketplace.json",
)
CURSOR: Final = {
    "name": str,
    "displayName": str,
    "description": str,
    "version": str,
    "author": dict,
    "homepage": str,
    "repository": str,
    "license": str,
    "keywords": list,
    "category": str,
    "logo": str,
    "skills": str,
    "mcpServers": dict,
}
"""Of what Cursor takes, what may stand here: a name that it does not know makes it refuse the plugin."""
OPEN: Final = {
    *("$schema", "name", "version", "description", "author", "homepage", "repository", "license", "keywords"),
}
"""The same of the open format."""


def read(path: Path) -> Any:
    """A JSON file."""
    return json.loads(path.read_text(encoding="utf-8"))


def test_nothing_else_lies_there() -> None:
    """Every file of the plugin is written by the generator, and none is missing."""
    there = {path.relative_to(ROOT) for path in PLUGIN.rglob("*") if path.is_file()}
    assert there == {path for path in files() if path.is_relative_to(FOLDER)} | {ICON}
    assert (ROOT / ICON).read_bytes() == (ROOT / "icon.png").read_bytes()


@pytest.mark.parametrize("name", MANIFESTS)
def test_manifests_agree(name: str) -> None:
    """Each program reads the same name and version, the version of the server."""
    manifest = read(PLUGIN / name)
    assert (manifest["name"], manifest["version"]) == ("capgo", __version__)
    assert manifest["description"]


@pytest.mark.parametrize("name", CATALOGUES)
def test_catalogues_lead_to_the_plugin(name: str) -> None:
    """What a program finds in a checkout is the folder with its description."""
    (entry,) = read(ROOT / name)["plugins"]
    source = entry["source"]["path"] if isinstance(entry["source"], dict) else entry["source"]
    assert source.startswith("./")
    assert ROOT / source == PLUGIN


def test_skills_are_the_server_s() -> None:
    """Every file has the digest that the server tells for it, when nothing is switched off."""
    tools = [tool.spec.name for tool in every_tool()]
    for skill in Skills(tools, None).listed().skills:
        for file in skill.resources:
            path = PLUGIN / "skills" / file.uri.removeprefix("skill://capgo/")
            assert file.digest == f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    assert len(list(PLUGIN.glob("skills/*/SKILL.md"))) == len(RECIPES)


def test_cursor_takes_it() -> None:
    """What Cursor reads has only names that it knows, with values of the kind that it expects."""
    manifest = read(PLUGIN / ".cursor-plugin/plugin.json")
    assert {name for name, value in manifest.items() if not isinstance(value, CURSOR.get(name, ()))} == set()
    assert re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", manifest["name"])
    assert manifest["author"].keys() <= {"name", "email"}


def test_open_format_takes_it() -> None:
    """What the open format reads has only its names, since it is closed, and lies where it looks."""
    manifest, servers = read(PLUGIN / "plugin.json"), read(PLUGIN / "mcp.json")
    assert manifest.keys() <= OPEN
    assert manifest["author"].keys() <= {"name", "email", "url"}
    assert [one["$schema"].rsplit("/", 2)[1:] for one in (manifest, servers)] == [
        ["1.0.0", "plugin.schema.json"],
        ["1.0.0", "mcp.schema.json"],
    ]
    assert servers["mcpServers"]["capgo"]["type"] == "stdio"


def test_every_program_starts_the_same_server() -> None:
    """Each finds the server where it looks; an installer is named only once the package is ours."""
    told = [read(PLUGIN / name)["mcpServers"]["capgo"] for name in (".mcp.json", "mcp.json", "gemini-extension.json")]
    assert [(one["command"], one["args"]) for one in told] == [("capgo-mcp", [])] * 3
    released = files(Provenance(released=True))[FOLDER / ".mcp.json"]
    assert json.loads(released)["mcpServers"]["capgo"] == {"command": "uvx", "args": ["capgo-mcp"]}
