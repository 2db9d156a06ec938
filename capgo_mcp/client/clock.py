"""Time as the client sees it: a clock that can be replaced, and the moment by which a call must be over."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Final, Protocol

import anyio

_ROOM: Final = 0.1
"""Share of a call's time that must be left for the request itself after a wait."""


class Clock(Protocol):
    """What tells the time and lets it pass."""

    def now(self) -> float:
        """Seconds since some fixed moment; never goes back, so that it is what waits are measured by."""
        ...

    def moment(self) -> datetime:
        """The date and time of day, in UTC; a machine may be set back, so that it is only compared with other dates."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after some seconds."""
        ...

    def fail_after(self, seconds: float) -> AbstractContextManager[object]:
        """A block that is cancelled, and ends in TimeoutError, when it takes longer."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> float:
        """Seconds since the machine started, or some such moment."""
        return time.monotonic()

    def moment(self) -> datetime:
        """The date and time of day, in UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Return after some seconds."""
        await anyio.sleep(seconds)

    def fail_after(self, seconds: float) -> AbstractContextManager[object]:
        """A block that is cancelled, and ends in TimeoutError, when it takes longer."""
        return anyio.fail_after(seconds)


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
