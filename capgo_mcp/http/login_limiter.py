"""Keeps a few callers with wrong keys from shutting everyone out.

Capgo blocks an address for a quarter of an hour after twenty failed logins, and all callers of one server share its
address. Each failure makes Capgo remember those before for another quarter of an hour, so twenty in a whole day are
too many if they never pause for so long. Keys that Capgo has not accepted yet are therefore tried a few at a time, and
after some have failed not at all until Capgo has forgotten them; callers whose keys were accepted notice nothing.
"""

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import anyio

from capgo_mcp.api.errors import CapgoError
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.client.circuit_breaker import Standing
from capgo_mcp.client.clock import Clock

_FAILURES: Final = 12
"""Failed logins after which no further key is tried; Capgo counts to twenty."""
_AT_ONCE: Final = 4
"""Keys that are tried at the same time, any of which may fail yet."""
_REMEMBERED: Final = 15 * 60.0
"""Seconds after the last failure for which Capgo remembers all of them."""
_PATIENCE: Final = 10.0
"""Seconds for which a caller waits to be tried."""


class Newcomers:
    """Tries keys that are not known to be good.

    Args:
        clock: What tells the time.
        processes: How many processes share the address, each of which may try as many keys as its share.
    """

    def __init__(self, clock: Clock, processes: int = 1) -> None:
        self._clock = clock
        self._most = max(1, _FAILURES // processes)
        self._places = anyio.Semaphore(max(1, _AT_ONCE // processes))
        self._failures = 0
        self._forgotten_at = 0.0

    @asynccontextmanager
    async def trial(self, capgo: Capgo) -> AsyncIterator[CapgoError | None]:
        """A block in which a key may be used although Capgo may not have accepted it yet; or why it may not be."""
        known = capgo.standing is not Standing.UNTRIED
        if known:
            yield None
            return
        try:
            with self._clock.fail_after(_PATIENCE):
                await self._places.acquire()
        except TimeoutError:
            yield CapgoError(
                "server_busy", "Too many callers come at once; nothing was sent.", "Try again in a minute."
            )
            return
        try:
            yield self._pause()
        finally:
            self._places.release()
            if capgo.standing is Standing.REFUSED:
                self._failures += 1
                self._forgotten_at = self._clock.now() + _REMEMBERED

    def _pause(self) -> CapgoError | None:
        """Why no key is tried at present."""
        wait = self._forgotten_at - self._clock.now()
        if wait <= 0:
            self._failures = 0
        if self._failures < self._most:
            return None
        minutes = math.ceil(wait / 60)
        return CapgoError(
            "logins_paused",
            "Several callers of this server came with keys that Capgo refused; it would block them all if there were "
            "more, so no further key is tried for now.",
            f"Try again in {minutes} minutes; whoever runs the server should find out who sends wrong keys.",
        )
