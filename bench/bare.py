"""The least an MCP server in Python can be: one tool on the SDK's own server, nothing else."""

from typing import Any

import anyio
import mcp_types as t
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server

Context = ServerRequestContext[Any]
_TOOL = t.Tool(name="nothing", description="Does nothing.", input_schema={"type": "object", "properties": {}})


async def _list(_: Context, __: t.PaginatedRequestParams | None) -> t.ListToolsResult:
    return t.ListToolsResult(tools=[_TOOL])


async def _call(_: Context, __: t.CallToolRequestParams) -> t.CallToolResult:
    return t.CallToolResult(content=[])


async def _serve() -> None:
    server = Server[Any]("bare", on_list_tools=_list, on_call_tool=_call)
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


if __name__ == "__main__":
    anyio.run(_serve)
