"""Callers with wrong keys are kept from getting the address blocked, for which everyone would pay."""

from collections.abc import Callable
from contextlib import suppress
from itertools import cycle, islice
from typing import Final
from uuid import UUID

import httpx2
import pytest

from capgo_mcp.api.errors import CapgoError
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.http.login_limiter import Newcomers
from capgo_mcp.operations.apps import ListApps
from capgo_mcp.sandbox import ADMIN_KEY, create_app, seeded
from tests.support.faulty import VirtualClock

_NOON: Final = 1_800_000_000.0
_HOURS: Final = 3
_PAUSE: Final = 61.0
"""Seconds between calls of the good key, after which Capgo has forgotten the one before."""


@pytest.fixture
def caller(clock: VirtualClock) -> Callable[[str], Capgo]:
    """Makes callers of one sandbox, which counts the failed logins of the address they share."""
    transport = httpx2.ASGITransport(app=create_app(seeded(lambda: _NOON + clock.now())))
    return lambda key: Capgo(key, transport=transport, clock=clock)


async def tried(newcomers: Newcomers, wrong: Capgo) -> CapgoError | None:
    """Let someone with a wrong key come; why that was not let in, if it was not."""
    async with newcomers.trial(wrong) as refusal:
        if refusal is None:
            with suppress(CapgoError):
                await wrong.send(ListApps())
    return refusal


@pytest.mark.parametrize("strangers", [3, 30, 1000])
@pytest.mark.parametrize("every", [5, 74, 290, 890])
async def test_wrong_keys_shut_nobody_out(
    every: float, strangers: int, clock: VirtualClock, caller: Callable[[str], Capgo]
) -> None:
    """However often they come, and however many they are, a good key is served for hours."""
    newcomers = Newcomers(clock)
    wrong = [caller(str(UUID(int=number))) for number in range(strangers)]
    due = 0.0
    async with caller(ADMIN_KEY) as good:
        for stranger in islice(cycle(wrong), int(_HOURS * 3600 / every)):
            clock.advance(every)
            await tried(newcomers, stranger)
            if clock.now() >= due:
                assert (await good.send(ListApps())).items
                due = clock.now() + _PAUSE


async def test_keys_are_tried_again_after_a_quiet_quarter_of_an_hour(
    clock: VirtualClock, caller: Callable[[str], Capgo]
) -> None:
    """Nobody waits longer than Capgo remembers, and the sentence tells how long that is."""
    newcomers = Newcomers(clock)
    for number in range(1, 13):
        assert await tried(newcomers, caller(str(UUID(int=number)))) is None
        clock.advance(60)
    good = caller(ADMIN_KEY)
    async with newcomers.trial(good) as refusal:
        assert refusal is not None
        assert refusal.code == "logins_paused"
        assert "14 minutes" in refusal.hint
    clock.advance(14 * 60)
    async with newcomers.trial(good) as refusal:
        assert refusal is None
        assert (await good.send(ListApps())).items
