"""The MCP clients whose configuration this program can write: where it lies and what an entry looks like."""

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from capgo_mcp.config.machine import Machine
from capgo_mcp.config.options import SettingsError
from capgo_mcp.install.jsonc import Jsonc
from capgo_mcp.install.launch import Launch
from capgo_mcp.install.text import Editor, Keys
from capgo_mcp.install.toml import Toml

NAME: Final = "capgo"
"""What the server is called in every client, unless another server has the name."""
BESIDE: Final = "capgo-mcp"
"""What it is called then."""


@dataclass(frozen=True)
class Client:
    """An MCP client.

    Attributes:
        name: What it is called on the command line.
        title: What its makers call it.
        places: The files it may read its servers from on a machine; the first is the usual one.
        editor: The format of that file.
        under: The object in which the servers stand.
        entry: An entry in its own form.
        reference: How the file refers to a variable NAME of the client's environment; empty where it cannot.
        hands_on: Whether the file lists variables that the client hands on from its environment instead.
        projects: The way to the projects in the file that may have servers of their own; empty where none can.
    """

    name: str
    title: str
    places: Callable[[Machine], tuple[Path, ...]]
    editor: Editor
    under: str
    entry: Callable[[Launch], dict[str, Any]]
    reference: str = ""
    hands_on: bool = False
    projects: Keys = ()

    def keys(self, name: str) -> Keys:
        """The way to the entry of a server."""
        return (self.under, name)

    def path(self, machine: Machine) -> Path:
        """The file to change: the first that is there, else the usual one."""
        places = self.places(machine)
        return next((place for place in places if place.exists()), places[0])

    def lives_on(self, machine: Machine) -> bool:
        """Whether the client has left traces on a machine."""
        return any(
            # The home folder is there whatever is installed.
            place.exists() or (place.parent != machine.home and place.parent.exists())
            for place in self.places(machine)
        )


def _plain(launch: Launch) -> dict[str, Any]:
    environment = {"env": dict(launch.environment)} if launch.environment else {}
    return {"command": launch.command, "args": list(launch.arguments), **environment}


def _typed(launch: Launch) -> dict[str, Any]:
    return {"type": "stdio", **_plain(launch)}


def _copilot(launch: Launch) -> dict[str, Any]:
    return {**_typed(launch), "tools": ["*"]}


def _codex(launch: Launch) -> dict[str, Any]:
    inherited = {"env_vars": list(launch.inherited)} if launch.inherited else {}
    # The first start fetches the package when uvx does it, which takes longer than Codex waits by default.
    return {**_plain(launch), **inherited, "startup_timeout_sec": 60}


def _opencode(launch: Launch) -> dict[str, Any]:
    environment = {"environment": dict(launch.environment)} if launch.environment else {}
    return {"type": "local", "command": [launch.command, *launch.arguments], **environment, "enabled": True}


def _zed(machine: Machine) -> tuple[Path, ...]:
    folder = machine.settings / "Zed" if machine.system == "windows" else machine.xdg / "zed"
    return (folder / "settings.json",)


def _opencode_places(machine: Machine) -> tuple[Path, ...]:
    folder = machine.xdg / "opencode"
    return (folder / "opencode.json", folder / "opencode.jsonc")


CLIENTS: Final = (
    Client(
        "claude-desktop",
        "Claude Desktop",
        lambda machine: (machine.settings / "Claude" / "claude_desktop_config.json",),
        Jsonc(strict=True),
        "mcpServers",
        _plain,
    ),
    Client(
        "claude-code",
        "Claude Code",
        lambda machine: (machine.named("CLAUDE_CONFIG_DIR", machine.home) / ".claude.json",),
        Jsonc(strict=True),
        "mcpServers",
        _typed,
        reference="${NAME:-}",
        projects=("projects",),
    ),
    Client(
        "cursor",
        "Cursor",
        lambda machine: (machine.home / ".cursor" / "mcp.json",),
        Jsonc(),
        "mcpServers",
        _typed,
        reference="${env:NAME}",
    ),
    Client(
        "vscode",
        "VS Code",
        lambda machine: (machine.settings / "Code" / "User" / "mcp.json",),
        Jsonc(),
        "servers",
        _typed,
        reference="${env:NAME}",
    ),
    Client(
        "windsurf",
        "Windsurf",
        lambda machine: (machine.home / ".codeium" / "windsurf" / "mcp_config.json",),
        Jsonc(),
        "mcpServers",
        _plain,
        reference="${env:NAME}",
    ),
    Client(
        "codex",
        "Codex",
        lambda machine: (machine.named("CODEX_HOME", machine.home / ".codex") / "config.toml",),
        Toml(),
        "mcp_servers",
        _codex,
        hands_on=True,
    ),
    Client(
        "gemini",
        "Gemini CLI",
        lambda machine: (machine.home / ".gemini" / "settings.json",),
        Jsonc(),
        "mcpServers",
        _plain,
        reference="$NAME",
    ),
    Client(
        "copilot",
        "Copilot CLI",
        lambda machine: (machine.named("COPILOT_HOME", machine.home / ".copilot") / "mcp-config.json",),
        Jsonc(strict=True),
        "mcpServers",
        _copilot,
    ),
    Client("zed", "Zed", _zed, Jsonc(), "context_servers", _plain),
    Client("opencode", "opencode", _opencode_places, Jsonc(), "mcp", _opencode, reference="{env:NAME}"),
)
"""Every client, the most used first."""


def named(name: str) -> Client:
    """The client of a name.

    Raises:
        SettingsError: There is none.
    """
    names = {client.name: client for client in CLIENTS}
    if name not in names:
        near = get_close_matches(name, names, n=1)
        raise SettingsError(
            f"There is no client {name!r}; "
            + (f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}.")
        )
    return names[name]
