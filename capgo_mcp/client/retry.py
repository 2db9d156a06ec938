"""How long a call may take, and which failed requests may be sent again, and when: decisions without I/O.

What was only read can be read again. What writes is sent again only when it certainly was not done: Capgo was not
reached, or refused it for the number of calls. HTTP 500 is never repeated, because Capgo answers wrong input so.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

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
