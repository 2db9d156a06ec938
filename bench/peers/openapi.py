"""What FastMCP makes of an OpenAPI file with the same operation, in an environment of its own: PORT API."""

import sys
from collections.abc import Iterator

import httpx2
from fastmcp import FastMCP  # type: ignore[import-not-found]  # in an environment of its own
from fastmcp.server.dependencies import get_http_headers  # type: ignore[import-not-found]  # the same

_PARAMETERS = [
    {"name": name, "in": "query", "required": True, "schema": {"type": "string"}} for name in ("app_id", "channel")
]
_ANSWER = {"200": {"description": "ok", "content": {"application/json": {"schema": {"type": "object"}}}}}
_OPERATION = {
    "operationId": "capgo_get_channel",
    "summary": "One channel.",
    "parameters": _PARAMETERS,
    "responses": _ANSWER,
}


class CallersKey(httpx2.Auth):
    """Passes the caller's key on."""

    def auth_flow(self, request: httpx2.Request) -> Iterator[httpx2.Request]:  # type: ignore[override]  # none is sent
        """The request with the key."""
        request.headers["authorization"] = get_http_headers(include_all=True).get("x-capgo-api-key", "")
        yield request


if __name__ == "__main__":
    port, api = int(sys.argv[1]), sys.argv[2]
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=200)
    client = httpx2.AsyncClient(base_url=api, auth=CallersKey(), limits=limits, timeout=60)
    description = {
        "openapi": "3.1.0",
        "info": {"title": "Capgo", "version": "1"},
        "servers": [{"url": api}],
        "paths": {"/channel": {"get": _OPERATION}},
    }
    server = FastMCP.from_openapi(openapi_spec=description, client=client, name="openapi")
    server.run(
        transport="http", port=port, path="/mcp", stateless_http=True, show_banner=False, log_level="warning",
        uvicorn_config={"access_log": False},
    )  # fmt: skip
