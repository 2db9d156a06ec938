"""Takes in the bodies of answers: small ones as they come, of the large ones so few at once as memory can bear.

A host decides how large its answers are, and a client how many it asks for at once; together they could ask for more
memory than there is, and for so much reading that nothing else is done meanwhile.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from traceback import clear_frames
from typing import Final, TypeVar

from anyio import CapacityLimiter

from capgo_mcp.api.errors import CapgoError

MAX_ANSWER: Final = 4 * 2**20
"""Bytes of an answer, decoded, that are read; Capgo's longest pages have two fifths of that."""

_SMALL: Final = 2**16
"""Bytes of an answer that can be read in a few hundredths of a second, whatever they are."""
_PLACES: Final = 4
"""Large answers that are kept at once; Capgo's own come in half a second."""
_TAIL: Final = 2**18
"""Bytes of a stream that are kept, from its end."""

R = TypeVar("R")


class AnswerTooLarge(Exception):
    """There is more of an answer than is read."""


class Intake:
    """Where the answers of one Capgo come in."""

    def __init__(self) -> None:
        self._places = CapacityLimiter(_PLACES)
        # Always the same thread: each keeps to itself what memory its largest answer took.
        self._reader = ThreadPoolExecutor(1, "capgo-answers")

    def close(self) -> None:
        """Let the thread go that reads them."""
        self._reader.shutdown(wait=False)

    @asynccontextmanager
    async def body(self) -> AsyncIterator["Body"]:
        """A body to be taken in, for as long as the block runs."""
        body = Body(self._places, self._reader)
        try:
            yield body
        finally:
            body.release()


class Body:
    """The body of an answer. A large one waits for a place, and the host with it."""

    def __init__(self, places: CapacityLimiter, reader: Executor) -> None:
        # In pieces: arrays that grow side by side would leave holes in memory that nobody can use.
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._places = places
        self._reader = reader
        self._has_place = False

    async def fill(self, pieces: AsyncIterable[bytes], *, stream: bool) -> None:
        """Take in all of it, of a stream only the end.

        Raises:
            AnswerTooLarge: There is no end of it.
        """
        async for piece in pieces:
            self._pieces.append(piece)
            self._size += len(piece)
            # A stream is read to its end all the same: leaving earlier can have effects at Capgo.
            while stream and self._size - len(self._pieces[0]) >= _TAIL:
                self._size -= len(self._pieces.popleft())
            if self._size > MAX_ANSWER:
                raise AnswerTooLarge
            if self._size > _SMALL and not self._has_place:
                await self._places.acquire_on_behalf_of(self)
                self._has_place = True

    async def read(self, reader: Callable[[bytes], R]) -> R:
        """What a reader makes of it: of a small one at once, of large ones beside the event loop, one by one."""
        if self._size <= _SMALL:
            return self._read(reader)
        return await asyncio.get_running_loop().run_in_executor(self._reader, self._read, reader)

    def _read(self, reader: Callable[[bytes], R]) -> R:
        try:
            return reader(self._taken())
        except CapgoError as error:
            clear_frames(error.__traceback__)  # for as long as somebody had the error, they would hold the body
            raise

    def _taken(self) -> bytes:
        content = b"".join(self._pieces)
        self._pieces.clear()
        return content

    def release(self) -> None:
        """Make place for another one."""
        self._pieces.clear()
        if self._has_place:
            self._places.release_on_behalf_of(self)
            self._has_place = False
