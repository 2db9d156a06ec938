"""The connections to Capgo themselves, on the event loop's own transports.

What httpx2 brings asks the system about every idle connection twice a request, in a roundabout way, and lets the loop
turn once more for each write: with a hundred connections kept after a rush that is more work than the request itself.
"""

import asyncio
import ssl
from collections.abc import Iterable
from functools import cache
from typing import Any, Final, cast

import httpcore2
import httpx2

_MOST_UNREAD: Final = 2**18
"""Bytes that may have come and not be read yet, before the other side has to wait."""
_NEXT_ADDRESS: Final = 0.25
"""Seconds after which the next address of a name is tried beside the first (RFC 8305)."""
_NAMES: Final = {"client_addr": "sockname", "server_addr": "peername"}
"""What asyncio calls what httpcore2 asks for."""


@cache
def trusted() -> ssl.SSLContext:
    """The system's certificates, loaded once: each client of its own would take 30 ms and a megabyte for them."""
    return httpx2.create_ssl_context()


class Network(httpx2.AsyncHTTPTransport):
    """Carries requests over connections of this kind.

    Args:
        verify: The certificates to trust.
        limits: How many connections there may be, and for how long they are kept.
    """

    def __init__(self, verify: ssl.SSLContext, limits: httpx2.Limits) -> None:
        super().__init__(verify=verify, limits=limits)
        # In place of the pool that was made just now: httpx2 passes no backend on.
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=verify,
            max_connections=limits.max_connections,
            max_keepalive_connections=limits.max_keepalive_connections,
            keepalive_expiry=limits.keepalive_expiry,
            network_backend=_Backend(),
        )


class _Backend(httpcore2.AsyncNetworkBackend):
    """Opens connections."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore2's word
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """A connection.

        Raises:
            ConnectTimeout: It took too long.
            ConnectError: There is none.
        """
        try:
            async with asyncio.timeout(timeout):
                transport, line = await asyncio.get_running_loop().create_connection(
                    Line,
                    host,
                    port,
                    happy_eyeballs_delay=_NEXT_ADDRESS,
                    local_addr=(local_address, 0) if local_address else None,
                )
        except TimeoutError as error:
            raise httpcore2.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpcore2.ConnectError(str(error)) from error
        for option in socket_options or ():
            transport.get_extra_info("socket").setsockopt(*option)
        return line


class Line(asyncio.Protocol, httpcore2.AsyncNetworkStream):
    """One connection: what the loop reports of it, and what is done with it."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport
        self._came = bytearray()
        self._is_over = False
        self._error: Exception | None = None
        self._news: asyncio.Future[None] | None = None
        self._may_write = asyncio.Event()
        self._may_write.set()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # one of this kind
        """Keep what sends and receives."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Keep what came until it is read."""
        self._came += data
        if len(self._came) > _MOST_UNREAD:
            self._transport.pause_reading()
        self._tell()

    def eof_received(self) -> None:
        """Learn that no more will come."""
        self._is_over = True
        self._tell()

    def connection_lost(self, exc: Exception | None) -> None:
        """Learn that it is over, and why."""
        self._is_over, self._error = True, exc
        self._may_write.set()
        self._tell()

    def pause_writing(self) -> None:
        """Wait with what is to be sent: more than enough is on its way."""
        self._may_write.clear()

    def resume_writing(self) -> None:
        """Go on."""
        self._may_write.set()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore2's word
        """Some of what came, as soon as there is any; nothing when no more will come.

        Raises:
            ReadTimeout: It took too long.
            ReadError: The connection broke.
        """
        if not (self._came or self._is_over):
            self._news = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(timeout):
                    await self._news
            except TimeoutError as error:
                raise httpcore2.ReadTimeout(str(error)) from error
        if not self._came and self._error:
            raise httpcore2.ReadError(str(self._error)) from self._error
        taken = bytes(self._came[:max_bytes])
        del self._came[:max_bytes]
        self._transport.resume_reading()
        return taken

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore2's word
        """Send something.

        Raises:
            WriteTimeout: The other side takes nothing for too long.
            WriteError: The connection is over.
        """
        if not buffer:
            return
        if self._transport.is_closing():
            raise httpcore2.WriteError("the connection is closed")
        self._transport.write(buffer)
        if not self._may_write.is_set():
            try:
                async with asyncio.timeout(timeout):
                    await self._may_write.wait()
            except TimeoutError as error:
                raise httpcore2.WriteTimeout(str(error)) from error

    async def aclose(self) -> None:
        """End it at once: nothing that is still on its way matters any more."""
        self._transport.abort()
        await asyncio.sleep(0)  # in which the loop closes the socket

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore2's word
    ) -> httpcore2.AsyncNetworkStream:
        """The same connection, encrypted from now on.

        Raises:
            ConnectTimeout: It took too long.
            ConnectError: The other side is not who it should be, or does not know how to.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout):
                encrypted = await loop.start_tls(self._transport, self, ssl_context, server_hostname=server_hostname)
        except BaseException as error:
            self._transport.abort()
            if isinstance(error, TimeoutError):
                raise httpcore2.ConnectTimeout(str(error)) from error
            if isinstance(error, OSError):
                raise httpcore2.ConnectError(str(error)) from error
            raise
        self._transport = cast("asyncio.Transport", encrypted)  # None only of a transport that is closed, which raises
        return self

    def get_extra_info(self, info: str) -> Any:
        """A fact of the connection; whether an idle one has something to read, it knows without asking the system."""
        if info == "is_readable":
            return bool(self._came) or self._is_over
        return self._transport.get_extra_info(_NAMES.get(info, info))

    def _tell(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)
