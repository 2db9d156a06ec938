"""Calls one tool from the command line and prints what an agent would read, with hints for the person instead."""

import json
import sys
from difflib import get_close_matches

import mcp_types as t

from capgo_mcp.api.audience import to_person
from capgo_mcp.config.settings import Settings
from capgo_mcp.server.tools import Toolbox


async def call(settings: Settings, name: str, arguments: str) -> int:
    """Call a tool and print its answer to stdout, or its error to stderr.

    Returns:
        0 for an answer, 1 for an error the tool tells, 2 for a call that cannot be made.
    """
    async with settings.connect() as capgo:
        toolbox = Toolbox(capgo, settings)
        names = [tool.name for tool in toolbox.definitions()]
        if name not in toolbox:
            near = get_close_matches(name, names, n=1)
            return _wrong(f"there is no tool {name!r}" + (f"; did you mean {near[0]}?" if near else "."))
        try:
            given = json.loads(arguments)
        except ValueError as error:
            return _wrong(f"the arguments are not JSON: {error}.")
        if not isinstance(given, dict):
            return _wrong('the arguments must be a JSON object, e.g. \'{"app_id": "com.demo.app"}\'.')
        result = await toolbox.call(name, given)
    text = "\n".join(block.text for block in result.content if isinstance(block, t.TextContent))
    if result.is_error:
        said, hint, then = text.partition("\nHint: ")
        print(f"{said}{hint}{to_person(then)}", file=sys.stderr)
        return 1
    print(json.dumps(result.structured_content, ensure_ascii=False, indent=2))
    return 0


def _wrong(sentence: str) -> int:
    print(f"capgo-mcp: {sentence}", file=sys.stderr)
    return 2
