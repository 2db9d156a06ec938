"""Microsoft Agent Framework; its functions, with the parameters that it sends."""

import asyncio
from typing import Any

from agent_framework import MCPStdioTool
from checks import ARGUMENTS, COMMAND, report


async def main() -> None:
    """List, convert, call."""
    async with MCPStdioTool(name="capgo", command=COMMAND, args=ARGUMENTS, request_timeout=120) as tool:

        async def call(name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
            result = await tool.call_tool(name, **arguments)
            return str(result[0].text if isinstance(result, list) else result), False

        functions = [one for one in tool.functions if one.name.startswith("capgo_")]  # not its prompts
        await report(
            "agent-framework-core", [one.name for one in functions], [one.parameters() for one in functions], call
        )


asyncio.run(main())
