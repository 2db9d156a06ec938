"""A clock for many who wait at the same time: it moves to the next moment at which anybody goes on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import asynccontextmanager
from typing import Final, Self

import anyio

from tests.support.faulty import VirtualClock

_TURNS: Final = 200
"""Turns of the event loop that whoever is not waiting for the clock needs at most, to come to wait for it."""


class SteppedClock(VirtualClock):
    """A clock that stands still while anybody works, and leaves nobody out on its way."""

    def __init__(self) -> None:
        super().__init__()
        self._sleepers: list[tuple[float, anyio.Event]] = []

    async def sleep(self, seconds: float) -> None:
        """Return when the clock has come that far."""
        self.slept.append(seconds)
        event = anyio.Event()
        sleeper = (self.time + seconds, event)
        self._sleepers.append(sleeper)
        try:
            await event.wait()
        finally:
            self._sleepers.remove(sleeper)

    def advance(self, seconds: float) -> None:
        """Move the clock, and wake whoever has slept enough."""
        super().advance(seconds)
        for at, event in self._sleepers:
            if at <= self.time:
                event.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """A block in which the clock moves by itself."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._run)
            yield self
            tasks.cancel_scope.cancel()

    async def together(self, calls: Iterable[Awaitable[None]]) -> None:
        """Let everybody begin at the same moment, and return when all are done."""
        async with self.running():
            await asyncio.gather(*calls)

    async def _run(self) -> None:
        while True:
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            moments = [at for at, _ in (*self._sleepers, *self._limits)]
            if moments:
                self.advance(min(moments) - self.time)
