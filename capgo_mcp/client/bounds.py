"""What a call may take: how long, how many requests, and how much memory for their answers.

What was only read can be read again. What writes is sent again only when it certainly was not done: Capgo was not
reached, or refused it for the number of calls. HTTP 500 is never repeated, because Capgo answers wrong input so.

A host decides how large its answers are, and a client how many it asks for at once; together they could ask for more
memory than there is. So small answers come in as they come, of the large ones so few at once as memory can bear.
"""

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from concurrent import futures
from contextlib import asynccontextmanager, contextmanager
from traceback import clear_frames
from typing import Final, TypeVar

from anyio import CapacityLimiter

from capgo_mcp.api.errors import CapgoError, RateLimited, ServerFault, Unreachable
from capgo_mcp.api.operation import Effect
from capgo_mcp.client.clock import Clock

TRIES: Final = 4
"""Requests that one exchange may take."""
GATEWAY: Final = frozenset({502, 503, 504})
"""HTTP statuses of something in front of Capgo: whether Capgo got the request, they do not say."""

_BACKOFF: Final = 0.5
_LONGEST: Final = 8.0
_SHORT: Final = 1.0
"""Seconds a read about a device that is asked about too often waits; a write about it is not repeated at all."""
_ROOM: Final = 0.1
"""Share of a call's time that must be left for the request itself after a wait."""
MAX_ANSWER: Final = 4 * 2**20
"""Bytes of an answer, decoded, that are read; Capgo's longest pages have two fifths of that."""

_SMALL: Final = 2**16
"""Bytes of an answer that can be read in a few hundredths of a second, whatever they are."""
_PLACES: Final = 3
"""Large answers that are kept at once; Capgo's own come in half a second."""
_TAIL: Final = 2**18
"""Bytes of a stream that are kept, from its end."""

R = TypeVar("R")


class Deadline:
    """The moment by which a call must be over, however many requests and waits it takes.

    Args:
        clock: What tells the time.
        seconds: How long the call may take from now on.
        reads: Share of it that reads may use up; the rest is kept for the write that they are made for.
    """

    def __init__(self, clock: Clock, seconds: float, *, reads: float = 1.0) -> None:
        self._clock = clock
        self._at = clock.now() + seconds
        self._room = seconds * _ROOM
        self._kept = seconds * (1 - reads)

    @property
    def left(self) -> float:
        """Seconds that remain."""
        return max(0.0, self._at - self._clock.now())

    @property
    def left_for_reads(self) -> float:
        """Seconds that remain to reads."""
        return max(0.0, self.left - self._kept)

    @property
    def left_for_waits(self) -> float:
        """Seconds that a request can be waited for and still be made."""
        return max(0.0, self.left - self._room)

    def allows(self, wait: float) -> bool:
        """Whether a request can still be made after a wait of so many seconds."""
        return wait + self._room <= self.left

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """A block whose time does not count, such as a person's thinking."""
        since = self._clock.now()
        try:
            yield
        finally:
            self._at += self._clock.now() - since


def pause(effect: Effect, error: CapgoError, tries: int) -> float | None:
    """Seconds to wait before a failed request is sent again; None when it must not be.

    Args:
        effect: What the operation does.
        error: How the request ended.
        tries: Requests made so far, this one included.
    """
    if tries >= TRIES:
        return None
    match error:
        # A write that may have left ends in OutcomeUnknown instead.
        case Unreachable():
            return _backoff(tries)
        case ServerFault(status=status) if effect is Effect.READ and status in GATEWAY:
            return _backoff(tries)
        # Capgo counts the calls of a key before it looks at them, so that a write was certainly not done.
        case RateLimited(scope="key"):
            return error.retry_after
        case RateLimited(scope="device") if effect is Effect.READ and error.retry_after <= _SHORT:
            return error.retry_after
        case _:
            return None


def time_for_answer(effect: Effect, tries: int, left: float) -> float:
    """Seconds to wait for an answer: a read that hangs leaves half of its time for another try.

    Args:
        effect: What the operation does.
        tries: Requests made so far, this one included.
        left: Seconds until the call must be over.
    """
    return left / 2 if effect is Effect.READ and tries == 1 else left


def _backoff(tries: int) -> float:
    """Exponential, and anywhere below that, so that many clients do not come back at the same moment."""
    return random.uniform(0, min(_LONGEST, _BACKOFF * 2**tries))  # noqa: S311 - spreads load, guards no secret


class AnswerTooLarge(Exception):
    """There is more of an answer than is read."""


class Intake:
    """Where the answers of one Capgo come in."""

    def __init__(self) -> None:
        self._places = CapacityLimiter(_PLACES)
        # Always the same thread: each keeps to itself what memory its largest answer took.
        self._reader = futures.ThreadPoolExecutor(1, "capgo-answers")

    def close(self) -> None:
        """Let the thread go that reads them."""
        self._reader.shutdown(wait=False)

    @asynccontextmanager
    async def body(self) -> AsyncIterator["Body"]:
        """A body to be taken in, for as long as the block runs."""
        body = Body(self._places, self._reader)
        try:
            yield body
        except BaseException as error:
            clear_frames(error.__traceback__)  # for as long as somebody had the error, they would hold the body
            raise
        finally:
            body.release()


class Body:
    """The body of an answer. A large one waits for a place, and the host with it."""

    def __init__(self, places: CapacityLimiter, reader: futures.Executor) -> None:
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
        return reader(self._taken())

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
