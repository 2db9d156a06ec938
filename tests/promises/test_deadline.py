"""A call ends within the time that the settings give it, however many requests it makes and however slow they are."""

from dataclasses import dataclass
from typing import Final

import anyio.lowlevel
import httpx2
import mcp_types as t
import pytest

from capgo_mcp.api.operation import Effect
from capgo_mcp.catalog import every_tool
from capgo_mcp.client import bounds
from capgo_mcp.insights.batch import Batch
from capgo_mcp.insights.insight import Insight
from capgo_mcp.safety.elicitation import Question, Reply
from capgo_mcp.sandbox import create_app
from tests.support import samples
from tests.support.faulty import VirtualClock
from tests.support.safety import Facts, desk, text, unlimited

AGAINST: Final = "a host that answers slowly or never"
ATTACKER: Final = "a host in Capgo's place"
ASSET: Final = "the service"

TIMEOUT: Final = 2.0
WALK: Final = 4.0
SLACK: Final = 1e-6
SETTLED: Final = 100
"""Turns of the event loop after which all requests that are made at once are on their way."""
WRITERS: Final = [tool for tool in every_tool() if tool.spec.effect is not Effect.READ]


def name_of(tool: samples.AnyTool) -> str:
    """The name of a tool, to tell parametrised tests apart."""
    return tool.spec.name


def longest(tool: samples.AnyTool) -> float:
    """Seconds that a call may take; what looks at many rows and then writes does so twice."""
    walks = 2 if issubclass(tool, Batch) else 1 if issubclass(tool, Insight) else 0
    return TIMEOUT + walks * WALK


@pytest.fixture(autouse=True)
def no_thread_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read large answers on the event loop too: a clock that moves with its turns would not wait for a thread."""
    monkeypatch.setattr(bounds, "_SMALL", bounds.MAX_ANSWER)


class Hanging(httpx2.AsyncBaseTransport):
    """A network on which nothing ever answers."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    async def handle_async_request(self, _: httpx2.Request) -> httpx2.Response:
        """Wait until the caller's time has run out, which may be later than that of others who wait beside it."""
        while True:
            self._clock.run_out()
            await anyio.lowlevel.checkpoint()


@dataclass
class Slow(httpx2.AsyncBaseTransport):
    """A network that takes its time for each answer."""

    inner: httpx2.AsyncBaseTransport
    clock: VirtualClock
    seconds: float

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer late; requests that are made at once wait at the same time."""
        until = self.clock.now() + self.seconds
        for _ in range(SETTLED):
            await anyio.lowlevel.checkpoint()
        self.clock.advance(until - self.clock.now())
        return await self.inner.handle_async_request(request)


def asked(tool: samples.AnyTool, *, confirm: bool) -> Facts:
    """A call of a tool, one that destroys where it can."""
    more: dict[str, Facts] = {"capgo_set_channel": {"detach_bundle": True}, "capgo_update_app": {"retention": 30}}
    given = samples.required(tool) | more.get(tool.spec.name, {})
    return given | ({"confirm": True} if confirm and tool in WRITERS and tool.can_destroy() else {})


@pytest.mark.parametrize("tool", every_tool(), ids=name_of)
@pytest.mark.parametrize("confirm", [True, False])
async def test_no_call_outlasts_its_time_when_nothing_answers(
    tool: samples.AnyTool, *, confirm: bool, clock: VirtualClock
) -> None:
    """Previews and snapshots share the time of the call that they are made for."""
    async with desk(inner=Hanging(clock), clock=clock, timeout=TIMEOUT, insight_timeout=WALK) as here:
        await here.call(tool.spec.name, asked(tool, confirm=confirm))
    assert clock.time <= longest(tool) + SLACK


@pytest.mark.parametrize("tool", WRITERS, ids=name_of)
@pytest.mark.parametrize("seconds", [0.3, 0.7, 0.95, 1.5])
async def test_no_write_outlasts_its_time_when_all_is_slow(
    tool: samples.AnyTool, seconds: float, clock: VirtualClock
) -> None:
    """What could not be looked at in time is told; what is sent has the rest of the time."""
    slow = Slow(httpx2.ASGITransport(app=create_app(unlimited())), clock, seconds)
    async with desk(inner=slow, clock=clock, timeout=TIMEOUT, insight_timeout=WALK) as here:
        await here.call(tool.spec.name, asked(tool, confirm=True))
        assert len(here.wire.writes) <= 1
    assert clock.time <= longest(tool) + seconds + SLACK  # this network does not let itself be cut off


async def test_a_preview_tells_what_could_not_be_read_in_time(clock: VirtualClock) -> None:
    """The person who decides learns what nobody had the time to look at."""
    slow = Slow(httpx2.ASGITransport(app=create_app(unlimited())), clock, 0.7)
    async with desk(inner=slow, clock=clock, timeout=TIMEOUT) as here:
        facts = await here.facts("capgo_delete_channel", app_id="com.demo.app", channel="beta")
    assert "devices_pinned: The time of the call was over before this was sent." in facts["preview"]["unknown"]


class Thinking:
    """A person who takes an hour to agree."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    async def elicit(self, _: Question) -> Reply:
        """Agree, late."""
        self._clock.advance(3600)
        return Reply.AGREED


async def test_the_time_in_which_a_person_thinks_does_not_count(clock: VirtualClock) -> None:
    """Who agrees late is not told that the time is over."""
    async with desk(inner=httpx2.ASGITransport(app=create_app(unlimited())), clock=clock, ask=True) as here:
        call = {"app_id": "com.demo.app", "channel": "beta", "confirm": True}
        result = await here.tools.call("capgo_delete_channel", call, Thinking(clock))
    assert isinstance(result, t.CallToolResult)
    assert not result.is_error, text(result)
    assert here.wire.writes == ["DELETE /channel"]
