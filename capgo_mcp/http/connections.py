"""Connections that may not be held for nothing: requests come whole, soon and short, or not at all.

Whoever sends slowly, or nothing, takes no place from others: where there are more connections than can be, the one goes
that has kept its request back for the longest time.
"""

import asyncio
import itertools
from typing import Any, Final

import h11
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

LONGEST_BODY: Final = 2**16
"""Bytes that a request may have; the longest call has a sixth of that."""
LONGEST_HEAD: Final = 2**14
"""Bytes of its headers, a token of the largest kind included."""
MOST_CONNECTIONS: Final = 2000
"""Connections of one process; a caller needs one, while a call runs."""

_REQUEST_WITHIN: Final = 10.0
"""Seconds in which a request must have come; it is a few packets."""


class BoundedConnection(H11Protocol):
    """A connection of uvicorn's that ends when a request is late, or when it is in the way of others.

    It ends without an answer: thousands of them at the same moment would hold up those who wait for theirs.
    """

    # Places in a line and no times: no two are the same.
    _order = itertools.count()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Wait for the first request, and let go whoever has kept others waiting, if need be."""
        super().connection_made(OneWrite(transport))
        self._begun = next(self._order)
        self._late: asyncio.TimerHandle | None = self.loop.call_later(_REQUEST_WITHIN, self.transport.abort)
        if len(self.connections) > MOST_CONNECTIONS:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._in_time()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read what came, and see whether it is a request as a whole."""
        idle = self.is_idle
        super().data_received(data)
        if self.conn.their_state not in {h11.IDLE, h11.SEND_BODY}:
            self._in_time()
        elif idle:
            self._begun = next(self._order)
            self._late = self.loop.call_later(_REQUEST_WITHIN, self.transport.abort)

    @property
    def is_idle(self) -> bool:
        """Whether it waits for a request of which nothing has come."""
        return self.conn.their_state is h11.IDLE and self._late is None

    @property
    def is_reading(self) -> bool:
        """Whether some of a request has come, but not all."""
        return self._late is not None

    def _in_time(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _make_room(self) -> None:
        all_of_them = [one for one in self.connections if isinstance(one, BoundedConnection) and one is not self]
        slow = [one for one in all_of_them if one.is_reading] or [one for one in all_of_them if one.is_idle]
        min(slow, key=lambda one: one._begun, default=self).transport.abort()  # noqa: SLF001 - it is of this class


class OneWrite(asyncio.Transport):
    """A transport that hands on in one go what is written in one go: to the system, each write is a piece of work.

    Args:
        transport: What sends it.
    """

    def __init__(self, transport: asyncio.Transport) -> None:
        super().__init__()
        self._transport = transport
        self._held: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send something at the end of this turn of the loop, with what else is written until then."""
        if data:
            if not self._held:
                asyncio.get_running_loop().call_soon(self._flush)
            self._held.append(bytes(data))

    def close(self) -> None:
        """Send what is held back, and end the connection."""
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        """End the connection at once."""
        self._held.clear()
        self._transport.abort()

    def is_closing(self) -> bool:
        """Whether it is ended or about to be."""
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        """Take in no more."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Take in more."""
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """A fact of the connection."""
        return self._transport.get_extra_info(name, default)

    def _flush(self) -> None:
        held, self._held = self._held, []
        if held and not self._transport.is_closing():
            self._transport.write(b"".join(held))


class WholeBodies:
    """Hands a request on when all of it has come; a client that leaves before that is no error.

    Args:
        app: What answers the requests.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # A length that is no number has been refused by h11.
        declared = int(Headers(scope=scope).get("content-length", "0"))
        body = b"" if declared > LONGEST_BODY else await _read(receive)
        if body is None:
            return
        if max(declared, len(body)) > LONGEST_BODY:
            why = {"error": f"A request may have {LONGEST_BODY:,} bytes."}
            await JSONResponse(why, 413, {"connection": "close"})(scope, receive, send)
            return
        whole: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def again() -> Message:
            return whole.pop() if whole else await receive()

        await self._app(scope, again, send)


async def _read(receive: Receive) -> bytes | None:
    """The body, or a bit more than what it may be at most; None if the client has left."""
    body = bytearray()
    more = True
    while more and len(body) <= LONGEST_BODY:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body)
