"""Ways to add the server to a client without `install`: buttons that a page can have, and lines for a shell."""

import base64
import json
import shlex
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode

from capgo_mcp.install.clients import NAME, named
from capgo_mcp.install.launch import Launch
from capgo_mcp.install.source import PACKAGE, SOURCE, Provenance
from scripts.markdown import table

_BUTTONS: Final[dict[str, tuple[str, Callable[[dict[str, Any]], dict[str, str]]]]] = {
    "vscode": ("https://vscode.dev/redirect/mcp/install", lambda entry: {"name": NAME, "config": _json(entry)}),
    "cursor": ("https://cursor.com/en/install-mcp", lambda entry: {"name": NAME, "config": _base64(entry)}),
}
"""Where a client's makers take an entry in its own form, and how it is written there."""
_LM_STUDIO: Final = "https://lmstudio.ai/install-mcp"
_SHELL: Final = {
    "claude-code": ("claude", "mcp", "add", "--scope", "user", NAME, "--"),
    "codex": ("codex", "mcp", "add", NAME, "--"),
    "gemini": ("gemini", "mcp", "add", "--scope", "user", NAME),
}
"""How a client is told to add a server; the server's own command follows."""


def launch(source: Provenance = SOURCE) -> Launch:
    """How a client starts the server where it is installed, or fetches it once it can be had."""
    if source.released:
        return Launch("uvx", (PACKAGE,))
    return Launch("uvx", ("--from", source.requirement(), PACKAGE)) if source.git else Launch(PACKAGE, ())


def buttons(source: Provenance = SOURCE) -> dict[str, str]:
    """The address of each button, by the title of its client."""
    start = launch(source)
    found = {
        named(name).title: f"{address}?{urlencode(written(named(name).entry(start)))}"
        for name, (address, written) in _BUTTONS.items()
    }
    plain = {"command": start.command, "args": list(start.arguments)}
    found["LM Studio"] = f"{_LM_STUDIO}?{urlencode({'name': NAME, 'config': _base64(plain)})}"
    if start.command == "uvx":  # Goose takes no other command of a button
        words = [("cmd", start.command), *(("arg", word) for word in start.arguments)]
        found["Goose"] = f"goose://extension?{urlencode([*words, ('id', NAME), ('name', 'Capgo'), ('timeout', '300')])}"
    return found


def lines(source: Provenance = SOURCE) -> dict[str, str]:
    """The line for a shell, by the title of its client."""
    start = launch(source)
    command = (start.command, *start.arguments)
    found = {named(name).title: shlex.join([*words, *command]) for name, words in _SHELL.items()}
    entry = {"name": NAME, **named("vscode").entry(start)}
    found["VS Code"] = shlex.join(["code", "--add-mcp", _json(entry)])
    found["Goose"] = shlex.join(["goose", "session", "--with-extension", shlex.join(command)])
    return found


def button_table() -> str:
    """The buttons, as a page has them."""
    pressed = [(title, f"[add to {title}]({address})") for title, address in buttons().items()]
    return table(("client", "one click"), pressed)


def shell_lines() -> str:
    """The lines for a shell, as a page has them."""
    typed = "\n".join(f"{line}    # {title}" for title, line in lines().items())
    return f"```sh\n{typed}\n```"


def _json(entry: dict[str, Any]) -> str:
    return json.dumps(entry, separators=(",", ":"))


def _base64(entry: dict[str, Any]) -> str:
    return base64.b64encode(_json(entry).encode()).decode()
