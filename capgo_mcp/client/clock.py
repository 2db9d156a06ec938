"""Time as the client sees it: a clock that can be replaced."""

import time
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import partial
from typing import Protocol

import anyio


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

    now = staticmethod(time.monotonic)
    moment = staticmethod(partial(datetime.now, UTC))
    sleep = staticmethod(anyio.sleep)
    fail_after = staticmethod(anyio.fail_after)
