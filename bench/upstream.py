"""A sandbox with many keys that can be slow, or away, and tells what reached it: PORT [--blocks]."""

import sys
from typing import Any, Final

import anyio
import uvicorn
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from capgo_mcp.sandbox import Limits, create_app, seeded
from capgo_mcp.sandbox.rights import binding
from capgo_mcp.sandbox.rows import new_key
from capgo_mcp.sandbox.seed.people import DEMO_APP, LIGHTHOUSE, MIRA

CALLERS: Final = 640
APP: Final = DEMO_APP
SEEN: Final = "/seen"
"""Where it tells what reached it, and where it is told how to behave."""


def key(number: int) -> str:
    """The key of one of the callers."""
    return f"be4c0000-0000-4000-8000-{number:012d}"


class Watched:
    """Counts what reaches an application, and makes it slow or keeps it away.

    Args:
        app: The application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._delay = 0.0
        self._away = False
        self._seen: dict[str, Any] = {"requests": 0, "refused": 0, "blocked": 0}
        self._clients: set[tuple[str, int]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] == SEEN:
            await self._told(Request(scope))(scope, receive, send)
        else:
            await self._count(scope, receive, send)

    def _told(self, request: Request) -> Response:
        self._delay = float(request.query_params.get("delay", self._delay))
        self._away = request.query_params.get("away", str(self._away)) == "True"
        return JSONResponse(self._seen | {"connections": len(self._clients)})

    async def _count(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._clients.add(tuple(scope["client"]))
        self._seen["requests"] += 1
        await anyio.sleep(self._delay)

        async def counted(message: Any) -> None:
            if message["type"] == "http.response.start":
                self._seen["refused"] += message["status"] == 401  # noqa: PLR2004 - a failed login
                self._seen["blocked"] += message["status"] == 429  # noqa: PLR2004 - of the address, here
            await send(message)

        await (Response(status_code=503) if self._away else self._app)(scope, receive, counted)


def main() -> None:
    """Serve on the port that the command line names; with `--blocks`, failed logins block the address as at Capgo."""
    state = seeded()
    state.limits = Limits(key_window=0, device_window=0, same_channel_window=0, address_window=0)
    if "--blocks" not in sys.argv:
        state.limits.failed_logins = sys.maxsize
    rights = [binding("org_super_admin", LIGHTHOUSE)]
    for number in range(CALLERS):
        row = new_key(state, f"Caller {number}", key(number), MIRA, rights)
        state.keys[row["id"]] = row
    uvicorn.run(Watched(create_app(state)), port=int(sys.argv[1]), log_level="warning", timeout_keep_alive=600)


if __name__ == "__main__":
    main()
