"""mcp-use; the tools that it makes for LangChain, with the schemas that it sends."""

import asyncio
from typing import Any

from checks import ARGUMENTS, COMMAND, report
from mcp_use import MCPClient
from mcp_use.agents.adapters.langchain_adapter import LangChainAdapter


async def main() -> None:
    """List, convert, call."""
    client = MCPClient.from_dict({"mcpServers": {"capgo": {"command": COMMAND, "args": ARGUMENTS}}})
    await client.create_session("capgo")
    adapter = LangChainAdapter()
    await adapter.create_all(client)
    by_name = {tool.name: tool for tool in adapter.tools if tool.name.startswith("capgo_")}

    async def call(name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
        answer = await by_name[name].ainvoke(arguments)
        return str(answer), isinstance(answer, dict) and "error" in answer

    schemas = [tool.args_schema.model_json_schema() for tool in by_name.values()]
    await report("mcp-use", list(by_name), schemas, call)
    await client.close_all_sessions()


asyncio.run(main())
