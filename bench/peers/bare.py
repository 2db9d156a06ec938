"""The SDK's own server over HTTP with one tool that passes the question on, with the caller's key: PORT API."""

import sys
from functools import cache
from typing import Any

import httpx2
import mcp_types as t
import uvicorn
from mcp.server import Server, ServerRequestContext

Context = ServerRequestContext[Any]
_TEXT = {"type": "string"}
_TOOL = t.Tool(
    name="capgo_get_channel",
    description="One channel.",
    input_schema={"type": "object", "properties": {"app_id": _TEXT, "channel": _TEXT}},
)


@cache
def _capgo() -> httpx2.AsyncClient:
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=200)
    return httpx2.AsyncClient(base_url=sys.argv[2], limits=limits, timeout=60)


async def _list(_: Context, __: t.PaginatedRequestParams | None) -> t.ListToolsResult:
    return t.ListToolsResult(tools=[_TOOL])


async def _call(context: Context, params: t.CallToolRequestParams) -> t.CallToolResult:
    assert context.request is not None
    headers = {"authorization": context.request.headers["x-capgo-api-key"]}
    answer = await _capgo().get("/channel", params=params.arguments, headers=headers)
    text = t.TextContent(type="text", text=answer.text)
    return t.CallToolResult(content=[text], structured_content=answer.raise_for_status().json())


if __name__ == "__main__":
    server = Server[Any]("bare", on_list_tools=_list, on_call_tool=_call)
    app = server.streamable_http_app(stateless_http=True)
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False, ws="none")
