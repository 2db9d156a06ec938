"""Strands; schemas as its specifications of tools."""

import asyncio
from typing import Any

from checks import ARGUMENTS, COMMAND, report
from mcp import StdioServerParameters, stdio_client
from strands.tools.mcp import MCPClient

with MCPClient(lambda: stdio_client(StdioServerParameters(command=COMMAND, args=ARGUMENTS))) as client:
    tools = client.list_tools_sync()

    def call(name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
        """What a model reads, and whether it is a failure."""
        result = client.call_tool_sync("1", name, arguments)
        return str(result["content"][0]["text"]), result["status"] == "error"

    specifications = [tool.tool_spec for tool in tools]
    asyncio.run(report("strands-agents", [tool.tool_name for tool in tools], specifications, call))
