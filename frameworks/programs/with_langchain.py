"""LangChain, over its adapters; schemas as its OpenAI models send them."""

import asyncio
from typing import Any

from checks import ARGUMENTS, COMMAND, report
from langchain_core.utils.function_calling import convert_to_openai_tool
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_mcp_adapters.tools import load_mcp_tools


async def main() -> None:
    """List, convert, call."""
    servers = {"capgo": {"command": COMMAND, "args": ARGUMENTS, "transport": "stdio"}}
    async with MultiServerMCPClient(servers).session("capgo") as session:
        tools = await load_mcp_tools(session)
        by_name = {tool.name: tool for tool in tools}

        async def call(name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
            asked = {"type": "tool_call", "id": "1", "name": name, "args": arguments}
            message = await by_name[name].ainvoke(asked)
            return str(message.content), message.status == "error"

        await report("langchain-mcp-adapters", list(by_name), [convert_to_openai_tool(tool) for tool in tools], call)


asyncio.run(main())
