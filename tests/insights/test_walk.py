"""While one page of devices is looked at the next one is read, and no more than that."""

from typing import Any

import anyio

from capgo_mcp.api.operation import A, Operation
from capgo_mcp.client.reads import CURSOR_ROWS
from capgo_mcp.insights.summary import SummarizeDevices
from capgo_mcp.insights.walk import Walk
from capgo_mcp.operations.devices import ListDevices
from tests.support.faulty import VirtualClock
from tests.support.fleet import FakeCapgo, Heard, context, devices

ALL = ListDevices(app_id="com.demo.app")


class HangingCapgo(FakeCapgo):
    """Never answers after its second page."""

    async def send(self, operation: Operation[A]) -> A:
        """A page, or nothing."""
        answer = await super().send(operation)
        if len(self.pages) > 2:
            await anyio.sleep_forever()
        return answer


async def test_one_page_is_read_ahead() -> None:
    """A request is on its way while a page is looked at: one, and none after the last page."""
    capgo = FakeCapgo(devices(700))
    async with Walk(context(capgo), ALL) as walk:
        ahead = [len(capgo.pages) - walk.pages async for _ in walk]
    assert ahead == [1, 1, 1, 1, 0]
    assert walk.seen == 700


async def test_nothing_is_read_ahead_of_the_end_that_is_known() -> None:
    """Who says how many devices are enough causes no request in vain."""
    capgo = FakeCapgo(devices(700))
    async with Walk(context(capgo), ALL, most=300) as walk:
        async for _ in walk:
            if walk.seen >= 300:
                break
    assert len(capgo.pages) == walk.pages == 2


async def test_a_walk_that_is_left_gives_up_what_it_reads() -> None:
    """Whoever leaves the loop does not wait for the page ahead, and hears nothing of it."""
    capgo: Any = HangingCapgo(devices(700))
    async with Walk(context(capgo), ALL) as walk:
        async for _ in walk:
            if walk.pages == 2:
                break
    assert len(capgo.pages) == 3
    assert walk.note is None


async def test_a_call_that_is_cancelled_ends_within_one_page() -> None:
    """A client that gives up waits for no page, and no further one is read."""
    capgo: Any = HangingCapgo(devices(10 * CURSOR_ROWS))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(SummarizeDevices(app_id="com.demo.app").gather, context(capgo))
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert len(capgo.pages) == 3


class SlowCapgo(FakeCapgo):
    """Takes nine seconds for each page."""

    clock = VirtualClock()

    async def send(self, operation: Operation[A]) -> A:
        """A page, in the end."""
        for _ in range(9):
            await self.clock.sleep(1)
            await anyio.wait_all_tasks_blocked()
        return await super().send(operation)


async def test_who_waits_hears_something_every_two_seconds() -> None:
    """While a page is on its way progress goes on, and grows each time as the protocol wants."""
    capgo: Any = SlowCapgo(devices(200))
    heard = Heard()
    async with Walk(context(capgo, report=heard, clock=SlowCapgo.clock), ALL) as walk:
        seen = [walk.seen async for _ in walk]
    assert seen == [150, 200]
    assert len(heard.figures) == 4 + 1 + 4 + 1
    assert heard.figures == sorted(set(heard.figures))
