"""Callers with wrong keys are kept from getting the address blocked, for which everyone would pay."""

from collections.abc import Callable
from itertools import cycle, islice
from typing import Final
from uuid import UUID

import anyio
import anyio.lowlevel
import httpx2
import pytest

from capgo_mcp.api.errors import CapgoError
from capgo_mcp.client.bounds import Deadline
from capgo_mcp.client.capgo import Capgo, Connections
from capgo_mcp.client.login_limiter import BUDGET, SPARE, LocalLoginLimiter
from capgo_mcp.operations.apps import GetApp, ListApps
from capgo_mcp.sandbox import ADMIN_KEY, READER_KEY, State, create_app, seeded
from capgo_mcp.sandbox.rights import binding
from capgo_mcp.sandbox.rows import new_key
from capgo_mcp.sandbox.seed.people import LIGHTHOUSE, MIRA
from tests.support.faulty import VirtualClock
from tests.support.stepped import SteppedClock

AGAINST: Final = "another caller, with wrong keys"
ATTACKER: Final = "another caller"
ASSET: Final = "the service"

_NOON: Final = 1_800_000_000.0
_HOURS: Final = 3
_PAUSE: Final = 61.0
"""Seconds between calls of the good key, after which Capgo has forgotten the one before."""
_BLOCKED_AT: Final = 20


class Upstream(httpx2.ASGITransport):
    """A sandbox that takes its time, counts the requests that it works on, and can be out of order.

    Attributes:
        state: What is in it.
        seconds: How long an answer takes, on the clock.
        fault: What is answered or raised instead of the sandbox's answer.
        arrived: The keys that came.
        most: How many requests were under way at the same time.
        leaving: Who goes away as soon as the request has arrived.
    """

    def __init__(self, clock: VirtualClock) -> None:
        self.state: State = seeded(lambda: _NOON + clock.now())
        super().__init__(app=create_app(self.state))
        self.seconds = 0.0
        self.fault: httpx2.Response | Exception | None = None
        self.arrived: list[str] = []
        self.most = 0
        self.leaving: anyio.CancelScope | None = None
        self._clock = clock
        self._running = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer, as late as told."""
        self.arrived.append(request.headers["authorization"])
        self._running += 1
        self.most = max(self.most, self._running)
        try:
            if self.leaving:
                self.leaving.cancel()
                await anyio.lowlevel.checkpoint()
            if self.seconds:
                await self._clock.sleep(self.seconds)
            if isinstance(self.fault, Exception):
                raise self.fault
            return self.fault or await super().handle_async_request(request)
        finally:
            self._running -= 1


@pytest.fixture
def upstream(clock: VirtualClock) -> Upstream:
    """A Capgo, which counts the failed logins of the address that all callers share."""
    return Upstream(clock)


@pytest.fixture
def logins(clock: VirtualClock) -> LocalLoginLimiter:
    """The login limiter of a server."""
    return LocalLoginLimiter(clock)


@pytest.fixture
def caller(clock: VirtualClock, upstream: Upstream, logins: LocalLoginLimiter) -> Callable[[str], Capgo]:
    """Makes callers of one server."""
    connections = Connections("http://sandbox.invalid", 30, upstream)
    return lambda key: Capgo(key, connections=connections, clock=clock, logins=logins)


def wrong(number: int) -> str:
    """A key that nobody has issued."""
    return str(UUID(int=0xBAD << 96 | number))


async def outcome(capgo: Capgo) -> str:
    """The code in which a read ends."""
    try:
        await capgo.send(ListApps())
    except CapgoError as error:
        return error.code
    return "ok"


@pytest.mark.parametrize("strangers", [3, 30, 1000])
@pytest.mark.parametrize("every", [5, 74, 290, 890])
async def test_wrong_keys_shut_nobody_out(
    every: float, strangers: int, clock: VirtualClock, caller: Callable[[str], Capgo]
) -> None:
    """However often they come, and however many they are, a good key is served for hours."""
    all_wrong = [caller(wrong(number)) for number in range(strangers)]
    due = 0.0
    good = caller(ADMIN_KEY)
    assert await outcome(good) == "ok"
    for stranger in islice(cycle(all_wrong), int(_HOURS * 3600 / every)):
        clock.advance(every)
        assert await outcome(stranger) != "too_many_requests"
        if clock.now() >= due:
            assert await outcome(good) == "ok"
            due = clock.now() + _PAUSE


async def test_keys_are_tried_again_after_a_quiet_quarter_of_an_hour(
    clock: VirtualClock, caller: Callable[[str], Capgo]
) -> None:
    """Nobody waits longer than Capgo remembers, and the sentence tells how long that is."""
    for number in range(BUDGET):
        assert await outcome(caller(wrong(number))) == "invalid_apikey"
        clock.advance(60)
    good = caller(ADMIN_KEY)
    with pytest.raises(CapgoError, match="logins_paused") as caught:
        await good.send(ListApps())
    assert "14 minutes" in caught.value.hint
    clock.advance(14 * 60)
    assert await outcome(good) == "ok"


def team(state: State, size: int) -> list[str]:
    """The keys of so many engineers."""
    rights = [binding("org_admin", LIGHTHOUSE)]
    texts = [f"ca11e400-0000-4000-8000-{number:012d}" for number in range(size)]
    keys = [new_key(state, f"Key {text}", text, MIRA, rights) for text in texts]
    state.keys.update((key["id"], key) for key in keys)
    return [key["key"] for key in keys]


@pytest.fixture
def stepped() -> SteppedClock:
    """A clock for a crowd."""
    return SteppedClock()


async def crowd(clock: SteppedClock, size: int, seconds: float) -> tuple[list[str], int]:
    """How so many engineers fare who come at once to a Capgo that is so slow, and how many it had at a time."""
    upstream, logins = Upstream(clock), LocalLoginLimiter(clock)
    upstream.seconds = seconds
    connections = Connections("http://sandbox.invalid", 30, upstream)
    outcomes: list[str] = []

    async def come(key: str) -> None:
        outcomes.append(await outcome(Capgo(key, connections=connections, clock=clock, logins=logins)))

    await clock.together(come(key) for key in team(upstream.state, size))
    return outcomes, upstream.most


async def test_a_whole_team_that_comes_at_once_is_let_in(stepped: SteppedClock) -> None:
    """After a restart 500 engineers come to a Capgo that takes 300 ms: each is served within the time of a call."""
    outcomes, most = await crowd(stepped, 500, 0.3)
    assert outcomes == ["ok"] * 500
    assert most == BUDGET
    assert stepped.now() < 30


async def test_whoever_would_wait_too_long_is_told_so(stepped: SteppedClock) -> None:
    """The wait ends in time for the caller to read why."""
    logins = LocalLoginLimiter(stepped)
    async with stepped.running():
        for number in range(BUDGET):
            assert await logins.admit(bytes([number]), Deadline(stepped, 30))
        with pytest.raises(CapgoError, match="server_busy"):
            await logins.admit(b"one too many", Deadline(stepped, 30))
    assert stepped.now() == 27


@pytest.mark.parametrize("status", [429, 500, 502, 503, 404])
async def test_an_outage_proves_no_key(
    status: int, clock: VirtualClock, upstream: Upstream, caller: Callable[[str], Capgo]
) -> None:
    """Wrong keys that came while Capgo answered nothing of use are as untried afterwards as before."""
    upstream.fault = httpx2.Response(status, json={"error": "unknown_error", "message": "No"})
    strangers = [caller(wrong(number)) for number in range(40)]
    for stranger in strangers:
        await outcome(stranger)
    upstream.fault = None
    upstream.arrived.clear()
    for stranger in strangers:
        await outcome(stranger)
        clock.advance(1)
    assert len(upstream.arrived) <= BUDGET
    assert {await outcome(stranger) for stranger in strangers} <= {"key_blocked_locally", "logins_paused"}


async def test_requests_without_an_answer_may_all_have_failed(
    clock: VirtualClock, upstream: Upstream, caller: Callable[[str], Capgo]
) -> None:
    """While answers are lost on their way, no more keys leave than Capgo bears: at first many, then one at a time."""
    upstream.fault = httpx2.ReadError("lost")
    for number in range(40):
        assert await outcome(caller(wrong(number))) in {"unreachable", "logins_paused"}
    assert len(upstream.arrived) == BUDGET
    for number in range(20):
        clock.advance(31)
        await outcome(caller(wrong(number)))
    assert len(upstream.arrived) == BUDGET + SPARE < _BLOCKED_AT


async def test_a_short_break_shuts_nobody_out_for_long(
    clock: VirtualClock, upstream: Upstream, caller: Callable[[str], Capgo]
) -> None:
    """When Capgo is back, whoever lost answers is let in within a minute, and then everybody."""
    everybody = [caller(key) for key in team(upstream.state, 40)]
    upstream.fault = httpx2.ReadError("lost")
    for one in everybody:
        await outcome(one)
    upstream.fault = None
    clock.advance(31)
    assert [await outcome(one) for one in everybody] == ["ok"] * 40


async def test_a_caller_who_leaves_gets_no_further_try(upstream: Upstream, caller: Callable[[str], Capgo]) -> None:
    """A request whose caller went away before the answer counts as failed, or wrong keys would be tried for ever."""
    for number in range(40):
        with anyio.CancelScope() as upstream.leaving:
            await outcome(caller(wrong(number)))
    assert len(upstream.arrived) == BUDGET


async def test_a_key_that_was_withdrawn_counts(upstream: Upstream, caller: Callable[[str], Capgo]) -> None:
    """Keys that were good before and are refused now leave less for new ones."""
    known = [caller(key) for key in team(upstream.state, BUDGET)]
    for one in known:
        assert await outcome(one) == "ok"
    for key in upstream.state.keys.values():
        key["expires_at"] = "2026-01-01T00:00:00Z" if key["name"].startswith("Key ") else None
    for one in known:
        assert await outcome(one) == "invalid_apikey"
    assert await outcome(caller(ADMIN_KEY)) == "logins_paused"


@pytest.mark.parametrize("hours", [1, 14, 23])
async def test_known_callers_stay_known_for_a_day(
    hours: int, clock: VirtualClock, caller: Callable[[str], Capgo]
) -> None:
    """Whoever was served within a day is served while no new key is tried."""
    assert await outcome(caller(ADMIN_KEY)) == "ok"
    clock.advance(hours * 3600)
    for number in range(BUDGET):
        await outcome(caller(wrong(number)))
    assert await outcome(caller(READER_KEY)) == "logins_paused"
    assert await outcome(caller(ADMIN_KEY)) == "ok"


async def test_a_refusal_for_want_of_rights_proves_a_key(
    upstream: Upstream, caller: Callable[[str], Capgo], logins: LocalLoginLimiter
) -> None:
    """A key that may not do what was asked is a good key: its place is free for the next one."""
    for key in team(upstream.state, 2 * BUDGET):
        with pytest.raises(CapgoError, match="cannot_access_app"):
            await caller(key).send(GetApp(app_id="com.other.app"))
    assert await outcome(caller(ADMIN_KEY)) == "ok"
    assert len(logins._known) == 2 * BUDGET + 1  # noqa: SLF001 - nothing public counts them
