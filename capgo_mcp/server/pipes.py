"""stdin and stdout on the event loop where they are pipes, which spares two changes of thread for each message."""

import asyncio
import os
import stat
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, cast

import anyio
from mcp.server.stdio import stdio_server

from capgo_mcp.server.lines import LONGEST, Lines

MOST_UNREAD: Final = 2**20
"""Bytes that wait for a client to read them before nothing more is read of what it sends."""

_STDIN, _STDOUT, _STDERR = range(3)
_PARTING: Final = 2.0
"""Seconds that a client which has closed stdin has left to read the last answers."""


@asynccontextmanager
async def messages() -> AsyncIterator[tuple[Any, Any]]:
    """The messages of the client and what takes the answers, for the SDK's server.

    Meanwhile whoever else reads stdin is at its end, and what others print goes to stderr.
    """
    if not _are_pipes():
        async with stdio_server() as streams:
            yield streams
        return
    loop = asyncio.get_running_loop()
    stream = asyncio.StreamReader(LONGEST)
    outlet = PipeOutlet(stream)
    with _taken(_STDIN, os.open(os.devnull, os.O_RDONLY)) as stdin, _taken(_STDOUT, os.dup(_STDERR)) as stdout:
        reading, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(stdin, "rb"))
        await loop.connect_write_pipe(lambda: outlet, os.fdopen(stdout, "wb", 0))
        try:
            # The SDK asks of a file no more than the lines of the one and `write` and `flush` of the other.
            async with stdio_server(cast("Any", Lines(stream, outlet)), cast("Any", outlet)) as streams:
                yield streams
        finally:
            reading.close()
            with anyio.move_on_after(_PARTING, shield=True):
                await outlet.aclose()


class PipeOutlet(asyncio.BaseProtocol):
    """A pipe to write into, with bounds.

    Args:
        stream: What the client sends; it ends when nothing more can be written.
    """

    def __init__(self, stream: asyncio.StreamReader) -> None:
        self._stream = stream
        self._transport: asyncio.WriteTransport | None = None
        self._has_room = asyncio.Event()
        self._lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The pipe is open."""
        self._transport = cast("asyncio.WriteTransport", transport)
        self._transport.set_write_buffer_limits(MOST_UNREAD)
        self._has_room.set()

    def pause_writing(self) -> None:
        """The client does not keep up."""
        self._has_room.clear()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._has_room.set()

    def connection_lost(self, _: Exception | None) -> None:
        """The client reads no more, so there is nobody to serve; how that came about is none of our concern."""
        self._lost.set()
        self._has_room.set()
        self._stream.feed_eof()

    async def write(self, text: str) -> None:
        """Send a line.

        Raises:
            anyio.ClosedResourceError: The client reads no more.
        """
        if self._transport is None or self._transport.is_closing():
            raise anyio.ClosedResourceError
        self._transport.write(text.encode())

    async def flush(self) -> None:
        """Wait until the client has read all but a bounded rest.

        Raises:
            anyio.ClosedResourceError: It reads no more.
        """
        await self._has_room.wait()
        if self._lost.is_set():
            raise anyio.ClosedResourceError

    async def aclose(self) -> None:
        """Wait until the client has read everything, and close the pipe; at once, if this is cancelled."""
        if self._transport is None:
            return
        try:
            self._transport.close()
            await self._lost.wait()
        finally:
            if not self._lost.is_set():
                self._transport.abort()


def _are_pipes() -> bool:
    """Whether the event loop can wait for both, and nobody else writes into what would no longer make them wait."""
    if sys.platform == "win32":
        return False
    kinds = [os.fstat(one) for one in (_STDIN, _STDOUT)]
    shared = os.path.sameopenfile(_STDIN, _STDOUT) or os.path.sameopenfile(_STDOUT, _STDERR)
    return not shared and all(stat.S_ISFIFO(kind.st_mode) or stat.S_ISSOCK(kind.st_mode) for kind in kinds)


@contextmanager
def _taken(standard: int, instead: int) -> Iterator[int]:
    """A descriptor of its own for a standard stream, which leads elsewhere meanwhile."""
    kept = os.dup(standard)
    os.dup2(instead, standard)
    os.close(instead)
    try:
        yield os.dup(kept)
    finally:
        # The event loop has made the pipe non-blocking, for all who hold it: the shell as well.
        os.set_blocking(kept, True)
        os.dup2(kept, standard)
        os.close(kept)
