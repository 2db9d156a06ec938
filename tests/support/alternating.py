"""A front that sends each request to another server than the one before, as one may that knows nothing of sessions."""

from collections.abc import AsyncIterator, Sequence
from itertools import cycle
from typing import Final

import httpx2
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from tests.support.limits import GENEROUS

_OF_ONE_CONNECTION: Final = {"connection", "content-length", "transfer-encoding", "keep-alive"}


def alternating(servers: Sequence[str]) -> Starlette:
    """The front of some servers.

    Args:
        servers: Their addresses, each with the path.
    """
    turns = cycle(servers)
    # It keeps no connection: a server may end between two requests.
    limits = httpx2.Limits(max_keepalive_connections=0)

    async def forward(request: Request) -> StreamingResponse:
        http = httpx2.AsyncClient(timeout=GENEROUS, limits=limits)
        headers = [(name, text) for name, text in request.headers.items() if name not in _OF_ONE_CONNECTION]
        passed = http.build_request(request.method, next(turns), headers=headers, content=await request.body())
        answer = await http.send(passed, stream=True)

        async def parts() -> AsyncIterator[bytes]:
            async for part in answer.aiter_raw():
                yield part

        kept = {name: text for name, text in answer.headers.items() if name not in _OF_ONE_CONNECTION}
        return StreamingResponse(parts(), answer.status_code, kept, background=BackgroundTask(http.aclose))

    return Starlette(routes=[Route("/mcp", forward, methods=["GET", "POST", "DELETE"])])
