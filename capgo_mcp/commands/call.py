"""Calls one tool from the command line: a person sees tables and bars, a program reads what an agent would read."""

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

import mcp_types as t

from capgo_mcp.api.audience import to_person
from capgo_mcp.api.text import visible
from capgo_mcp.commands.picture import picture
from capgo_mcp.commands.terminal import Progress, Terminal
from capgo_mcp.config.settings import Settings
from capgo_mcp.server.tools import Toolbox

_EXAMPLE: Final = '\'{"app_id": "com.demo.app"}\''


async def call(settings: Settings, name: str, arguments: Sequence[str], *, as_json: bool = False) -> int:
    """Call a tool and print its answer to stdout, or its error to stderr.

    Args:
        settings: Which tools there are, and where they are answered.
        name: The tool.
        arguments: Its arguments, as the words of one JSON object.
        as_json: Whether a person gets JSON as well.

    Returns:
        0 for an answer, 1 for an error the tool tells, 2 for a call that cannot be made.
    """
    async with settings.connect() as capgo:
        toolbox = Toolbox(capgo, settings)
        if name not in toolbox:
            near = get_close_matches(name, toolbox, n=1)
            return _wrong(f"there is no tool {name!r}" + (f"; did you mean {near[0]}?" if near else "."))
        try:
            given = json.loads(" ".join(arguments) or "{}")
        except ValueError as error:
            pairs = dict(word.split("=", 1) for word in arguments if "=" in word)
            meant = _EXAMPLE if len(pairs) < len(arguments) else shlex.quote(json.dumps(pairs, ensure_ascii=False))
            return _wrong(f"the arguments are not JSON, such as {meant}: {error}.")
        if not isinstance(given, dict):
            return _wrong(f"the arguments must be a JSON object, such as {_EXAMPLE}.")
        terminal = None if as_json else Terminal.of(sys.stdout)
        progress = Progress(terminal and Terminal.of(sys.stderr), sys.stderr)
        try:
            result = await toolbox.call(name, given, report=progress)
        finally:
            progress.clear()
    if result.is_error:
        print(told(result), file=sys.stderr)
        return 1
    show(result.structured_content or {}, terminal)
    return 0


def told(result: t.CallToolResult) -> str:
    """The error of a tool, with its hint for the person."""
    text = "\n".join(block.text for block in result.content if isinstance(block, t.TextContent))
    said, hint, then = text.partition("\nHint: ")
    return "\n".join(visible(line) for line in f"{said}{hint}{to_person(then)}".split("\n"))


def show(facts: Mapping[str, Any], terminal: Terminal | None) -> None:
    """Print an answer: as a picture in a window, as JSON elsewhere."""
    if terminal is None:
        print(json.dumps(facts, ensure_ascii=False, indent=2))
        return
    for line in picture(facts, terminal):
        print(line)


def _wrong(sentence: str) -> int:
    print(f"capgo-mcp: {sentence}", file=sys.stderr)
    return 2
