"""The SDK's own server with tools that pass the question on, with the caller's key: `PORT API` or `stdio API`."""

import os
import sys
from functools import cache
from typing import Any, Final

import anyio
import httpx2
import mcp_types as t
import uvicorn
from mcp.server import Server, ServerRequestContext
from mcp.server.stdio import stdio_server

Context = ServerRequestContext[Any]
PATHS: Final = {"capgo_get_channel": "/channel", "capgo_list_devices": "/device", "capgo_list_bundles": "/bundle"}
_ARGUMENTS: Final = {name: {"type": "string"} for name in ("app_id", "channel", "limit")}


@cache
def _capgo() -> httpx2.AsyncClient:
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=200)
    return httpx2.AsyncClient(base_url=sys.argv[2], limits=limits, timeout=60)


async def _list(_: Context, __: t.PaginatedRequestParams | None) -> t.ListToolsResult:
    schema = {"type": "object", "properties": _ARGUMENTS}
    return t.ListToolsResult(tools=[t.Tool(name=name, input_schema=schema) for name in PATHS])


async def _call(context: Context, params: t.CallToolRequestParams) -> t.CallToolResult:
    headers = context.request.headers if context.request is not None else {}
    key = headers.get("x-capgo-api-key") or os.environ["CAPGO_API_KEY"]
    path = PATHS[params.name]
    answer = await _capgo().get(path, params=params.arguments, headers={"authorization": key})
    text = t.TextContent(type="text", text=answer.text)
    read = answer.raise_for_status().json()
    return t.CallToolResult(content=[text], structured_content=read if isinstance(read, dict) else {"items": read})


async def _over_stdio(server: Server[Any]) -> None:
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())


if __name__ == "__main__":
    bare = Server[Any]("bare", on_list_tools=_list, on_call_tool=_call)
    if sys.argv[1] == "stdio":
        anyio.run(_over_stdio, bare)
    else:
        app = bare.streamable_http_app(stateless_http=True)
        uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False, ws="none")
