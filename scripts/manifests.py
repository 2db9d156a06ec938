"""How the server presents itself to the MCP Registry (`server.json`) and to Claude Desktop (`manifest.json`).

Everything that stands elsewhere already (version, options, tools) is taken from there.
"""

from typing import Any, Final

from capgo_mcp import __version__
from capgo_mcp.catalog import DEFAULT_TOOLSETS, every_tool
from capgo_mcp.config.options import OPTIONS, VARIABLES, Option
from capgo_mcp.install.source import PACKAGE, SOURCE, Provenance
from capgo_mcp.server.identity import DESCRIPTION, NAME, REPOSITORY, TITLE

MARKER: Final = f"<!-- mcp-name: {NAME} -->"
"""What the README must hold so that the registry accepts the package as the owner's."""

_ARGUMENTS: Final = ("app", "org", "toolsets")
_SWITCHES: Final = ("sandbox", "read_only")
_TITLES: Final = {"sandbox": "Sandbox", "read_only": "Read only", "app": "One app only"}
_KEY: Final = "CAPGO_API_KEY"


def server(source: Provenance = SOURCE) -> dict[str, Any]:
    """What `server.json` holds; it names a package only when the name is ours.

    Args:
        source: Where the program can be had.
    """
    return {
        "$schema": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
        "name": NAME,
        "title": TITLE,
        "description": DESCRIPTION,
        "version": __version__,
        "websiteUrl": REPOSITORY,
        "repository": {"url": REPOSITORY, "source": "github"},
        "icons": [{"src": f"{REPOSITORY}/raw/HEAD/icon.png", "mimeType": "image/png", "sizes": ["512x512"]}],
        **({"packages": [_package()]} if source.released else {}),
    }


def manifest(requires_python: str) -> dict[str, Any]:
    """What `manifest.json` of the Claude Desktop bundle holds.

    Args:
        requires_python: The versions of Python that the package runs on.
    """
    return {
        "manifest_version": "0.4",
        "name": PACKAGE,
        "display_name": TITLE,
        "version": __version__,
        "description": DESCRIPTION,
        "author": {"name": "The capgo-mcp contributors", "url": REPOSITORY},
        "repository": {"type": "git", "url": f"{REPOSITORY}.git"},
        "homepage": REPOSITORY,
        "support": f"{REPOSITORY}/issues",
        "icon": "icon.png",
        "privacy_policies": [f"{REPOSITORY}/blob/HEAD/PRIVACY.md"],
        "server": {
            "type": "uv",
            "entry_point": "capgo_mcp/__main__.py",
            "mcp_config": {
                "command": "uv",
                "args": ["run", "--directory", "${__dirname}", "python", "-m", "capgo_mcp"],
                "env": {_KEY: "${user_config.api_key}"}
                | {option.variable: f"${{user_config.{option.name}}}" for option in _options(_TITLES)},
            },
        },
        "tools": [
            {"name": tool.spec.name, "description": tool.spec.description.partition("\n")[0]}
            for tool in every_tool()
            if tool.spec.toolset in DEFAULT_TOOLSETS
        ],
        "keywords": ["capgo", "capacitor", "live-updates"],
        "license": "MIT",
        "compatibility": {"platforms": ["darwin", "win32", "linux"], "runtimes": {"python": requires_python}},
        "user_config": {"api_key": _key_setting()} | {option.name: _setting(option) for option in _options(_TITLES)},
    }


def _package() -> dict[str, Any]:
    return {
        "registryType": "pypi",
        "identifier": PACKAGE,
        "version": __version__,
        "runtimeHint": "uvx",
        "transport": {"type": "stdio"},
        "packageArguments": [_argument(option) for option in _options(_ARGUMENTS)],
        "environmentVariables": [
            *(_variable(name) for name in VARIABLES),
            *(_switch(option) for option in _options(_SWITCHES)),
        ],
    }


def _options(names: Any) -> list[Option]:
    return [option for option in OPTIONS if option.name in names]


def _argument(option: Option) -> dict[str, Any]:
    default = {"default": option.default} if option.default else {}
    return {
        "type": "named",
        "name": option.flag,
        "description": _sentence(option.help),
        "placeholder": option.metavar,
        **default,
    }


def _variable(name: str) -> dict[str, Any]:
    form = {"format": "filepath"} if name.endswith("_FILE") else {}
    return {"name": name, "description": _sentence(VARIABLES[name]), "isSecret": name == _KEY, **form}


def _switch(option: Option) -> dict[str, Any]:
    # A switch as a variable: clients do not agree on how to pass a flag that takes no value.
    return {
        "name": option.variable,
        "description": _sentence(option.help),
        "format": "boolean",
        "default": "false",
    }


def _key_setting() -> dict[str, Any]:
    return {
        "type": "string",
        "title": "API key",
        "description": f"{VARIABLES[_KEY]}. Not needed for the sandbox, nor after capgo-mcp login.",
        "sensitive": True,
        "required": False,
    }


def _setting(option: Option) -> dict[str, Any]:
    kind = {"type": "string"} if option.metavar else {"type": "boolean", "default": False}
    return {**kind, "title": _TITLES[option.name], "description": _sentence(option.help), "required": False}


def _sentence(phrase: str) -> str:
    return f"{phrase[0].upper()}{phrase[1:]}."
