"""The pool of callers: one seat for each key, given up when idle, never while in use."""

from contextlib import AsyncExitStack
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, Final

import anyio
import pytest

from capgo_mcp.api.errors import CapgoError, KeyRefused
from capgo_mcp.client.clock import SystemClock
from capgo_mcp.config.credentials import NoKey
from capgo_mcp.config.settings import Settings
from capgo_mcp.http.pool import CallerPool
from capgo_mcp.operations.apps import ListApps
from capgo_mcp.sandbox import ADMIN_KEY, READER_KEY
from capgo_mcp.server.tools import Toolbox
from tests.support.safety import text

AGAINST: Final = "another caller, who takes all places"
ATTACKER: Final = "another caller"
ASSET: Final = "the service"
LEAVES: Final = ("A team's server is no shield for its network",)


class FakeClock(SystemClock):
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.time = 1000.0
        self._ticks = anyio.Event()

    def now(self) -> float:
        """What the test says."""
        return self.time

    async def sleep(self, _: float) -> None:
        """Until the test lets time pass."""
        await self._ticks.wait()

    async def advance(self, seconds: float) -> None:
        """Let time pass, and everyone who waited go on."""
        await anyio.wait_all_tasks_blocked()
        self.time += seconds
        self._ticks.set()
        self._ticks = anyio.Event()
        await anyio.wait_all_tasks_blocked()


def pool(*, capacity: int = 3, clock: FakeClock | None = None, **settings: Any) -> CallerPool:
    """A pool over the sandbox, for callers with keys of their own unless settings say otherwise."""
    chosen = Settings(**{"key": NoKey(), "sandbox": True, **settings})
    return CallerPool(chosen, bearer_is_key=True, capacity=capacity, idle=600, clock=clock)


def came(key: str = "", **headers: str) -> Any:
    """What the pool sees of a request."""
    return SimpleNamespace(request=SimpleNamespace(headers={"x-capgo-api-key": key, **headers}))


async def seen(callers: CallerPool, context: Any) -> Toolbox:
    """The tools a caller gets."""
    async with callers.toolbox(context) as toolbox:
        return toolbox


async def test_gives_each_key_tools_of_its_own() -> None:
    """The same key comes back to the same tools, another one never to them."""
    callers = pool()
    async with callers.open(None):
        first = await seen(callers, came(ADMIN_KEY))
        assert await seen(callers, came(READER_KEY)) is not first
        assert await seen(callers, came()) is not first
        assert await seen(callers, came(authorization=f"Bearer {ADMIN_KEY}")) is first


async def test_forgets_whoever_was_idle_longest_when_it_is_full() -> None:
    """A newcomer takes the seat that was not used for the longest time."""
    callers = pool(capacity=2)
    async with callers.open(None):
        first, second = [await seen(callers, came(name * 8)) for name in "ab"]
        assert await seen(callers, came("a" * 8)) is first
        await seen(callers, came("c" * 8))
        assert await seen(callers, came("a" * 8)) is first
        assert await seen(callers, came("b" * 8)) is not second


async def test_never_takes_a_seat_in_use() -> None:
    """When every seat is in use a newcomer is told to come back, and the server says that it is not ready."""
    callers = pool(capacity=2)
    async with callers.open(None), AsyncExitStack() as visits:
        for name in "ab":
            await visits.enter_async_context(callers.toolbox(came(name * 8)))
        assert not callers.has_room
        async with callers.toolbox(came("c" * 8)) as toolbox:
            result: Any = await toolbox.call("capgo_list_apps", {})
        assert text(result).startswith("[server_busy] ")
        await visits.aclose()
        assert callers.has_room


async def test_refusing_again_and_again_leaves_nothing_behind() -> None:
    """Each refusal is an error of its own: its traceback does not grow by those before, and is freed with it."""
    callers = pool(capacity=1)
    frames: list[int] = []
    async with callers.open(None), callers.toolbox(came("a" * 8)):
        for _ in range(100):
            async with callers.toolbox(came("b" * 8)) as toolbox:
                with pytest.raises(CapgoError, match="server_busy") as caught:
                    await toolbox.send(ListApps())
                frames.append(len(caught.traceback))
    assert len(set(frames)) == 1


async def test_forgets_whoever_stays_away() -> None:
    """Some minutes after its last call a caller's tools and key are gone, one whose call still runs keeps them."""
    clock = FakeClock()
    callers = pool(clock=clock)
    async with callers.open(None):
        first = await seen(callers, came("a" * 8))
        async with callers.toolbox(came("b" * 8)) as second:
            await clock.advance(300)
            assert await seen(callers, came("a" * 8)) is first
            await clock.advance(599)
            assert await seen(callers, came("a" * 8)) is first
            await clock.advance(601)
            assert await seen(callers, came("a" * 8)) is not first
            assert await seen(callers, came("b" * 8)) is second


async def test_keeps_no_key_where_it_looks_callers_up() -> None:
    """The names of the seats are keyed hashes, which differ from process to process."""
    names = []
    for callers in (pool(), pool()):
        async with callers.open(None):
            await seen(callers, came(ADMIN_KEY))
            names += list(callers._others._seats)  # noqa: SLF001 - nothing public tells the names
    assert len(set(names)) == 2
    assert not any(ADMIN_KEY.encode() in name for name in names)


def test_tells_callers_apart_in_every_process() -> None:
    """Who called is the same for every process that gets the next call, and another for every key."""
    one, other = pool(), pool()
    assert one.principal(came(ADMIN_KEY)) == other.principal(came(ADMIN_KEY))
    assert len({one.principal(came(key)) for key in (ADMIN_KEY, READER_KEY, "")}) == 3
    assert ADMIN_KEY not in str(one.principal(came(ADMIN_KEY)))


async def test_closes_what_it_opened() -> None:
    """The connections to Capgo are closed when the server stops: nothing is left to the collector."""
    callers = pool()
    async with callers.open(None):
        async with callers.toolbox(came(ADMIN_KEY)) as toolbox:
            assert not (await toolbox.call("capgo_list_apps", {})).is_error
        assert not callers._connections.http.is_closed  # noqa: SLF001 - nothing public leads to the connections
    assert callers._connections.http.is_closed  # noqa: SLF001 - as above


async def code(callers: CallerPool, key: str) -> str:
    """How a call with a key ends."""
    async with callers.toolbox(came(key)) as toolbox:
        result: Any = await toolbox.call("capgo_list_apps", {})
    return text(result).partition("]")[0].lstrip("[") if result.is_error else "ok"


def wrong(number: int) -> str:
    """A key that nobody has issued."""
    return f"bad00000-0000-4000-8000-{number:012d}"


async def test_any_number_of_wrong_keys_leaves_known_callers_known() -> None:
    """After ten thousand keys that nobody issued, who was known has the same tools, and the same pace."""
    callers = pool(capacity=20, rate=1)
    async with callers.open(None):
        assert [await code(callers, key) for key in (ADMIN_KEY, READER_KEY)] == ["ok", "ok"]
        before = [await seen(callers, came(key)) for key in (ADMIN_KEY, READER_KEY)]
        codes = {await code(callers, wrong(number)) for number in range(10_000)}
        assert codes == {"invalid_apikey", "logins_paused"}
        assert [await seen(callers, came(key)) for key in (ADMIN_KEY, READER_KEY)] == before
        assert [await code(callers, key) for key in (ADMIN_KEY, READER_KEY)] == ["paced_locally", "paced_locally"]
        assert callers.has_room


async def test_calls_of_strangers_take_no_seat_of_those_who_are_known() -> None:
    """While as many strangers call as can, whoever comes back after a pause is served."""
    clock = FakeClock()
    callers = pool(capacity=2, clock=clock)
    async with callers.open(None), AsyncExitStack() as visits:
        assert await code(callers, ADMIN_KEY) == "ok"
        await clock.advance(3600)
        for number in range(2):
            await visits.enter_async_context(callers.toolbox(came(wrong(number))))
        assert await code(callers, wrong(2)) == "server_busy"
        assert await code(callers, ADMIN_KEY) == "ok"


@pytest.mark.parametrize("minutes", [9, 11, 14, 16])
async def test_a_refused_key_is_remembered_until_it_is_tried_again(minutes: int) -> None:
    """A key that is polled at whatever pace is tried so seldom that Capgo forgets in between."""
    clock = FakeClock()
    callers = pool(clock=clock)
    async with callers.open(None):
        codes = []
        for _ in range(30):
            codes.append(await code(callers, wrong(1)))
            await clock.advance(minutes * 60)
        tried = [number * minutes for number, one in enumerate(codes) if one == "invalid_apikey"]
        assert len(tried) > 5
        assert min(later - earlier for earlier, later in pairwise(tried)) > 15
        assert await code(callers, ADMIN_KEY) == "ok"


async def test_a_key_that_is_withdrawn_gives_up_its_seat() -> None:
    """Whom Capgo refuses from some day on makes room for somebody else."""
    callers = pool(capacity=2)
    async with callers.open(None):
        assert await code(callers, ADMIN_KEY) == "ok"
        async with callers.toolbox(came(ADMIN_KEY)) as toolbox:
            toolbox._capgo._known(ADMIN_KEY).breaker.note(KeyRefused("invalid_apikey", "No.", "Ask."))  # noqa: SLF001 - the sandbox is out of reach
        assert await code(callers, READER_KEY) == "ok"
        assert len(list(callers._accepted)) == 1  # noqa: SLF001 - nothing public counts them
        assert await code(callers, ADMIN_KEY) == "key_blocked_locally"
