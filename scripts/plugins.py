"""The plugin for programs that take skills: one folder, with the description that each of them wants.

The skills in it are those that the server itself offers; the catalogues beside it let the programs find it in a
checkout. `plugin.json` and `mcp.json` are what the open format of plugins wants, which several programs take; the
others are what single programs want. Everything is written by `make docs`.
"""

import json
from pathlib import Path
from typing import Any, Final

from capgo_mcp import __version__
from capgo_mcp.install.source import PACKAGE, SOURCE, Provenance
from capgo_mcp.server.identity import REPOSITORY, TITLE
from capgo_mcp.server.recipes import RECIPES
from capgo_mcp.server.skills import files as skill_files
from capgo_mcp.server.skills import name_of
from scripts.markdown import table

NAME: Final = "capgo"
FOLDER: Final = Path("plugins") / NAME
ICON: Final = FOLDER / "assets" / "icon.png"
"""A copy of the project's icon, since a plugin may not look outside its folder; the one file that nobody writes."""

_FORMAT: Final = "https://agent-plugins.org/schemas/1.0.0"
_CATALOGUE: Final = "capgo-mcp"
_DESCRIPTION: Final = "Ship, watch and roll back Capgo live updates of Capacitor apps, with consent before each change."
_AUTHORS: Final = "The capgo-mcp contributors"
_KEYWORDS: Final = ["capgo", "capacitor", "live-updates", "mcp"]
_CATEGORY: Final = "developer-tools"
_README: Final = """\
# Capgo, as a plugin

{description}

It brings the server [capgo-mcp]({repository}) and these skills:

{skills}

`{package}` has to be on the path, and `{package} login` has to have saved a key; `{package} doctor` tells what is
missing. How to add the plugin to Claude Code, Codex, Cursor and Gemini CLI stands in
[docs/skills.md]({repository}/blob/HEAD/docs/skills.md).

Written by `make docs`: change the recipes, not the files here.
"""


def files(source: Provenance = SOURCE) -> dict[Path, str]:
    """Every file of the plugin and of the catalogues, by its path from the root of the project.

    Args:
        source: Where the program can be had.
    """
    servers = {"mcpServers": {NAME: _command(source)}}
    portable = {"$schema": f"{_FORMAT}/mcp.schema.json", "mcpServers": {NAME: {"type": "stdio", **_command(source)}}}
    manifests = {
        "plugin.json": {"$schema": f"{_FORMAT}/plugin.schema.json"} | _manifest() | _authors(),
        ".claude-plugin/plugin.json": _manifest() | _authors(),
        ".codex-plugin/plugin.json": _codex(),
        ".cursor-plugin/plugin.json": _cursor(),
        "gemini-extension.json": {"name": NAME, "version": __version__, "description": _DESCRIPTION, **servers},
        ".mcp.json": servers,
        "mcp.json": portable,
    }
    skills = {
        f"skills/{name_of(recipe)}/{path}": text for recipe in RECIPES for path, text in skill_files(recipe).items()
    }
    inside = {name: _json(manifest) for name, manifest in manifests.items()} | skills | {"README.md": _readme()}
    return {FOLDER / name: text for name, text in inside.items()} | {
        Path(name): _json(catalogue) for name, catalogue in _catalogues().items()
    }


def _command(source: Provenance) -> dict[str, Any]:
    """How to start the server; by an installer only once the name is ours."""
    return {"command": "uvx", "args": [PACKAGE]} if source.released else {"command": PACKAGE, "args": []}


def _authors() -> dict[str, Any]:
    return {"author": {"name": _AUTHORS, "url": REPOSITORY}}


def _title() -> dict[str, Any]:
    return {"displayName": TITLE}


def _manifest() -> dict[str, Any]:
    """What all of them want to know."""
    return {
        "name": NAME,
        "version": __version__,
        "description": _DESCRIPTION,
        "homepage": REPOSITORY,
        "repository": REPOSITORY,
        "license": "MIT",
        "keywords": _KEYWORDS,
    }


def _cursor() -> dict[str, Any]:
    logo = ICON.relative_to(FOLDER).as_posix()
    return _manifest() | _title() | {"author": {"name": _AUTHORS}, "category": _CATEGORY, "logo": logo}


def _codex() -> dict[str, Any]:
    return {
        **_manifest(),
        **_authors(),
        "skills": "./skills/",
        "mcpServers": "./.mcp.json",
        "interface": {
            **_title(),
            "shortDescription": _DESCRIPTION,
            "longDescription": " ".join([_DESCRIPTION, *(recipe.description for recipe in RECIPES)]),
            "developerName": _AUTHORS,
            "logo": f"./{ICON.relative_to(FOLDER).as_posix()}",
            "category": "Developer Tools",
            "capabilities": ["Read", "Write"],
            "websiteURL": REPOSITORY,
            "privacyPolicyURL": f"{REPOSITORY}/blob/HEAD/PRIVACY.md",
            "defaultPrompt": [f"{recipe.title} with Capgo." for recipe in RECIPES[:3]],
        },
    }


def _catalogues() -> dict[str, dict[str, Any]]:
    """What tells each program which plugins a checkout has."""
    entry = {"name": NAME, "source": f"./{FOLDER.as_posix()}", "description": _DESCRIPTION}
    ours = {
        "name": _CATALOGUE,
        "owner": {"name": _AUTHORS},
        "metadata": {"description": _DESCRIPTION},
        "plugins": [entry],
    }
    codex = {
        "name": NAME,
        "source": {"source": "local", "path": entry["source"]},
        "policy": {"installation": "AVAILABLE", "authentication": "ON_INSTALL"},
        "category": "Developer Tools",
    }
    return {
        ".claude-plugin/marketplace.json": ours,
        ".cursor-plugin/marketplace.json": ours,
        ".agents/plugins/marketplace.json": {"name": _CATALOGUE, "interface": _title(), "plugins": [codex]},
    }


def _readme() -> str:
    skills = table(("skill", "what it is for"), [(f"`{name_of(recipe)}`", recipe.description) for recipe in RECIPES])
    return _README.format(description=_DESCRIPTION, repository=REPOSITORY, package=PACKAGE, skills=skills)


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
