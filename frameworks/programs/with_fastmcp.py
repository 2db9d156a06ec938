"""FastMCP's client."""

import asyncio
from typing import Any

from checks import ARGUMENTS, COMMAND, report
from fastmcp import Client


async def main() -> None:
    """List, convert, call."""
    async with Client({"mcpServers": {"capgo": {"command": COMMAND, "args": ARGUMENTS}}}) as client:
        tools = await client.list_tools()

        async def call(name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
            result = await client.call_tool(name, arguments, raise_on_error=False)
            return result.content[0].text, result.is_error

        schemas = [getattr(tool, "inputSchema", None) or getattr(tool, "input_schema", None) for tool in tools]
        await report("fastmcp", [tool.name for tool in tools], schemas, call)


asyncio.run(main())
