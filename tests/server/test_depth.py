"""What an agent waits for asks Capgo at once for all that does not depend on each other: counted in round trips."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx2
import pytest

from capgo_mcp.api.errors import NotAllowed
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.client.reads import Ahead
from capgo_mcp.operations.apps import GetApp
from capgo_mcp.operations.channels import ListChannels
from capgo_mcp.sandbox import create_app
from capgo_mcp.sandbox.seed.people import DEMO_APP, LIGHTHOUSE
from tests.support.safety import Desk, Facts, desk, unlimited


class RoundTrips(httpx2.AsyncBaseTransport):
    """Carries the requests of a round trip together: all that were made before anybody waits for one of them."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner
        self._leave = anyio.Event()
        self._waiting = 0
        self.made = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Let a request wait for the others of its round trip."""
        self._waiting += 1
        await self._leave.wait()
        return await self._inner.handle_async_request(request)

    async def run(self) -> None:
        """Make a round trip whenever everybody waits."""
        while True:
            await anyio.wait_all_tasks_blocked()
            if self._waiting:
                self.made, self._waiting = self.made + 1, 0
                leave, self._leave = self._leave, anyio.Event()
                leave.set()
            await anyio.lowlevel.checkpoint()


@asynccontextmanager
async def counted() -> AsyncIterator[tuple[Desk, RoundTrips]]:
    """A toolbox whose requests travel in round trips."""
    state = unlimited()
    trips = RoundTrips(httpx2.ASGITransport(create_app(state)))
    async with desk(inner=trips) as here, anyio.create_task_group() as tasks:
        tasks.start_soon(trips.run)
        yield here, trips
        tasks.cancel_scope.cancel()


CALLS: dict[str, tuple[str, Facts, int]] = {
    "release status": ("capgo_get_release_status", {"app_id": DEMO_APP}, 4),
    "update health": ("capgo_get_update_health", {"app_id": DEMO_APP}, 3),
    "delete an app": ("capgo_delete_app", {"app_id": DEMO_APP}, 2),
    "delete an organization": ("capgo_delete_organization", {"org_id": LIGHTHOUSE}, 2),
    "delete a bundle": ("capgo_delete_bundle", {"app_id": DEMO_APP, "version": "2.2.0"}, 2),
    "delete all bundles": ("capgo_delete_all_bundles", {"app_id": DEMO_APP}, 2),
    "delete a channel": ("capgo_delete_channel", {"app_id": DEMO_APP, "channel": "beta"}, 2),
    "edit a channel": ("capgo_set_channel", {"app_id": DEMO_APP, "channel": "beta", "version": "2.2.7"}, 3),
    "make a channel the default": ("capgo_set_channel", {"app_id": DEMO_APP, "channel": "beta", "public": True}, 3),
    "edit a rollout": ("capgo_set_rollout", {"app_id": DEMO_APP, "channel": "production", "action": "pause"}, 3),
}
"""What is asked, and how many round trips it may be deep; of an edit: what is there before, the change, and after it.

The channels of the app have two pages, and its bundles three.
"""


@pytest.mark.parametrize(("tool", "arguments", "most"), CALLS.values(), ids=CALLS.keys())
async def test_independent_reads_are_made_at_once(tool: str, arguments: Facts, most: int) -> None:
    """A call is not deeper than what it reads depends on each other."""
    async with counted() as (here, trips):
        assert await here.facts(tool, **arguments)
        assert 1 <= trips.made <= most


async def test_what_is_read_ahead_is_told_as_if_it_were_read_then(capgo: Capgo) -> None:
    """An answer or an error comes when it is sent for, once; what was not read ahead is read then."""
    asked: list[Any] = []

    class Noted:
        async def send(self, operation: Any) -> Any:
            asked.append(operation)
            return await capgo.send(operation)

    ahead = Ahead(Noted())
    here, gone = GetApp(app_id=DEMO_APP), GetApp(app_id="com.gone.app")
    await ahead.read(here, gone)
    await ahead.read(here)
    assert asked == [here, gone]
    assert (await ahead.send(here)).app_id == DEMO_APP
    with pytest.raises(NotAllowed):
        await ahead.send(gone)
    assert asked == [here, gone]
    await ahead.send(here)
    await ahead.send(ListChannels(app_id=DEMO_APP))
    assert len(asked) == 4
