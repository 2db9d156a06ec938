"""What FastMCP makes of an OpenAPI file, in an environment of its own: `PORT API FILE` or `stdio API FILE`."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
from fastmcp import FastMCP  # type: ignore[import-not-found]  # in an environment of its own
from fastmcp.server.dependencies import get_http_headers  # type: ignore[import-not-found]  # the same


class CallersKey(httpx2.Auth):
    """Passes the caller's key on; over stdio that of the environment."""

    def auth_flow(self, request: httpx2.Request) -> Iterator[httpx2.Request]:  # type: ignore[override]  # none is sent
        """The request with the key."""
        headers = get_http_headers(include_all=True)
        request.headers["authorization"] = headers.get("x-capgo-api-key") or os.environ.get("CAPGO_API_KEY", "")
        yield request


if __name__ == "__main__":
    port, api, file = sys.argv[1:]
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=200)
    client = httpx2.AsyncClient(base_url=api, auth=CallersKey(), limits=limits, timeout=60)
    description = json.loads(Path(file).read_text(encoding="utf-8"))
    server = FastMCP.from_openapi(openapi_spec=description, client=client, name="openapi")
    if port == "stdio":
        server.run(transport="stdio", show_banner=False, log_level="warning")
    else:
        server.run(
            transport="http", port=int(port), path="/mcp", stateless_http=True, show_banner=False, log_level="warning",
            uvicorn_config={"access_log": False},
        )  # fmt: skip
