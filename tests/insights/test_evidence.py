"""The reads a plan is made from go side by side, and most of them may fail."""

from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from capgo_mcp.api.errors import CapgoError, RateLimited
from capgo_mcp.api.operation import A, Operation
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.client.reads import together
from capgo_mcp.insights.plan import PlanRelease
from capgo_mcp.operations.channels import ListChannels
from capgo_mcp.operations.devices import ListDevices
from capgo_mcp.sandbox.seed.people import DEMO_APP
from tests.support.fleet import context


class Watched:
    """Passes reads on, counts how many are on their way at once, and fails those it is told to."""

    def __init__(self, capgo: Capgo, fails: type[Operation[Any]] | None = None) -> None:
        self._capgo = capgo
        self._fails = fails
        self._now = 0
        self.most = 0

    async def send(self, operation: Operation[A]) -> A:
        """The answer."""
        if self._fails and isinstance(operation, self._fails):
            raise RateLimited("too_many_requests", "Capgo refuses more calls for now.", "Wait.")
        self._now += 1
        self.most = max(self.most, self._now)
        await checkpoint()  # as a network would, which the sandbox has not
        try:
            return await self._capgo.send(operation)
        finally:
            self._now -= 1


async def test_reads_go_side_by_side(capgo: Capgo) -> None:
    """Channels, bundles, devices and usage do not wait for each other."""
    watched = Watched(capgo)
    await PlanRelease(app_id=DEMO_APP, version="2.3.0").gather(context(watched))
    assert watched.most == 4


async def test_devices_that_cannot_be_read_are_not_known(capgo: Capgo) -> None:
    """Without devices there is still a plan."""
    answer = await PlanRelease(app_id=DEMO_APP, version="2.3.0").gather(context(Watched(capgo, ListDevices)))
    assert answer.unknown is not None
    assert "devices: Capgo refuses more calls for now." in answer.unknown
    assert answer.calls


async def test_read_that_fails_gives_the_others_up() -> None:
    """The error of one read is raised as it is, and the others end."""
    ended: list[str] = []

    async def fails() -> None:
        raise RateLimited("too_many_requests", "Capgo refuses more calls for now.", "Wait.")

    async def waits() -> None:
        try:
            await anyio.sleep_forever()
        finally:
            ended.append("waits")

    with pytest.raises(RateLimited):
        await together(waits, fails)
    assert ended == ["waits"]


async def test_bug_among_reads_is_not_hidden() -> None:
    """What is no error of Capgo's stays what it is."""

    async def breaks() -> None:
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup) as caught:
        await together(breaks)
    assert caught.value.split(CapgoError)[0] is None


async def test_plan_without_channels_is_their_error(capgo: Capgo) -> None:
    """What a plan cannot do without is told as it failed."""
    with pytest.raises(RateLimited):
        await PlanRelease(app_id=DEMO_APP, version="2.3.0").gather(context(Watched(capgo, ListChannels)))
