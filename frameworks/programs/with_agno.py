"""Agno; its functions, with the parameters that it sends."""

import asyncio
import shlex
from typing import Any

from agno.tools.mcp import MCPTools
from checks import ARGUMENTS, COMMAND, report


async def main() -> None:
    """List, convert, call."""
    command = shlex.join(["env", COMMAND, *ARGUMENTS])
    async with MCPTools(command=command, timeout_seconds=120) as tools:

        async def call(name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
            result = await tools.functions[name].entrypoint(**arguments)
            text = str(getattr(result, "content", result))
            return text, text.startswith("Error")

        await report("agno", list(tools.functions), [one.parameters for one in tools.functions.values()], call)


asyncio.run(main())
