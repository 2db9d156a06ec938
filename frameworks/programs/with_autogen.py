"""AutoGen; the tools of its workbench, with the schemas that it sends."""

import asyncio
from typing import Any

from autogen_ext.tools.mcp import McpWorkbench, StdioServerParams
from checks import ARGUMENTS, COMMAND, report


async def main() -> None:
    """List, convert, call."""
    server = StdioServerParams(command=COMMAND, args=ARGUMENTS, read_timeout_seconds=120)
    async with McpWorkbench(server) as workbench:
        tools = await workbench.list_tools()

        async def call(name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
            result = await workbench.call_tool(name, arguments)
            return result.to_text(), result.is_error

        await report("autogen-ext", [tool["name"] for tool in tools], [tool["parameters"] for tool in tools], call)


asyncio.run(main())
