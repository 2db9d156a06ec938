"""Forty seeded releases, failing, healthy, too few to tell and unknown, and what the tool says of each."""

from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple

import httpx2

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.insights.health import GetUpdateHealth
from capgo_mcp.insights.insight import Context
from capgo_mcp.sandbox import ADMIN_KEY, State, create_app, seeded
from capgo_mcp.sandbox.rows import new_event
from capgo_mcp.server.tools import unheard
from evals.jobs.script import APP

Verdict = Literal["failing", "healthy", "too_few", "unknown"]
Fault = Callable[[httpx2.Request], httpx2.Response]

RELEASE: Final = "2.3.0"
BEFORE: Final = "2.2.8"


class Case(NamedTuple):
    """A release as its devices report it, and what is so.

    Attributes:
        what: What happened.
        so: The verdict that a person gives who knows all of it.
        took: Devices that installed the release.
        failed: Devices that report a failure of it.
        took_before: Devices that installed the one before.
        failed_before: Devices that report a failure of that.
        code: What fails.
        behaviour: Which Capgo counts.
        fault: What Capgo answers in place of counts.
    """

    what: str
    so: Verdict
    took: int = 0
    failed: int = 0
    took_before: int = 0
    failed_before: int = 0
    code: str = "update_fail"
    behaviour: Behaviour = Behaviour.NOVEMBER
    fault: Fault | None = None


_JULY: Final = Behaviour.JULY


def _answers(status: int, body: Any) -> Fault:
    return lambda _: httpx2.Response(status, json=body)


CASES: Final = (
    Case("a third falls back", "failing", 300, 100, 900, 9),
    Case("one in five falls back", "failing", 200, 40, 400, 4),
    Case("all of the first thirty fall back", "failing", 30, 30, 500, 5),
    Case("one in ten crashes, hardly any before", "failing", 500, 50, 800, 4, "app_crash_native"),
    Case("half cannot download it", "failing", 120, 60, 600, 6, "download_fail"),
    Case("a quarter gets a wrong checksum", "failing", 160, 40, 700, 7, "checksum_fail"),
    Case("no bundle before, one in five fails", "failing", 250, 50),
    Case("as bad as the one before, and both intolerable", "failing", 400, 160, 400, 150),
    Case("a third falls back, counted by July's Capgo", "failing", 300, 100, 900, 9, behaviour=_JULY),
    Case("a twelfth does not respond, hardly any before", "failing", 600, 50, 900, 5, "app_anr"),
    Case("nobody reports anything", "healthy", 400, 0, 400, 0),
    Case("one in a hundred, as before", "healthy", 500, 5, 500, 5),
    Case("better than the one before", "healthy", 500, 2, 500, 25),
    Case("as many crashes as before", "healthy", 600, 30, 600, 30, "app_crash"),
    Case("few full disks", "healthy", 300, 3, 300, 2, "insufficient_disk_space"),
    Case("no bundle before, hardly any failure", "healthy", 800, 8),
    Case("a handful of broken networks", "healthy", 1000, 12, 1000, 10, "download_fail"),
    Case("nobody reports anything to July's Capgo", "healthy", 400, 0, 400, 1, behaviour=_JULY),
    Case("one in a hundred, counted by July's Capgo", "healthy", 500, 5, 500, 5, behaviour=_JULY),
    Case("just enough devices, none fails", "healthy", 60, 0, 600, 6),
    Case("nobody took it yet", "too_few", 0, 0, 500, 5),
    Case("one device, which is fine", "too_few", 1, 0, 500, 5),
    Case("three devices, one fails", "too_few", 3, 1, 500, 5),
    Case("ten devices, none fails", "too_few", 10, 0, 500, 5),
    Case("twenty devices, two fail", "too_few", 20, 2, 500, 5),
    Case("forty devices, none fails", "too_few", 40, 0, 400, 4),
    Case("four devices, all fail", "too_few", 4, 4, 500, 5),
    Case("twelve devices, one crashes", "too_few", 12, 1, 300, 3, "app_crash"),
    Case("sixty devices, three fail: chance or not", "too_few", 60, 3, 600, 6),
    Case("ten devices, counted by July's Capgo", "too_few", 10, 0, 500, 5, behaviour=_JULY),
    Case("the store of events is out of reach", "unknown", fault=_answers(200, {"summary": {"total": 0}})),
    Case("no app of this kind sends events", "unknown"),
    Case("an older Capgo without the route", "unknown", 300, 100, fault=_answers(404, {"error": "not_found"})),
    Case("Capgo stumbles", "unknown", 300, 100, fault=_answers(500, {"error": "unknown_error"})),
    Case("a gateway answers", "unknown", 300, 100, fault=lambda _: httpx2.Response(502, text="<html>")),
    Case("the key may not read logs", "unknown", 300, 100, fault=_answers(400, {"error": "app_access_denied"})),
    Case("counts in another form", "unknown", 300, 100, fault=_answers(200, {"summary": "many", "actions": 3})),
    Case("a list in place of counts", "unknown", 300, 100, fault=_answers(200, [])),
    Case("an empty answer", "unknown", 300, 100, fault=_answers(200, {})),
    Case("no events at all, from July's Capgo", "unknown", behaviour=_JULY),
)
"""Every case, ten of each verdict."""


async def verdict(case: Case) -> str:
    """What the tool says of a case."""
    transport = _Reports(httpx2.ASGITransport(app=create_app(_seeded(case))), case.fault)
    async with Capgo(ADMIN_KEY, url="http://sandbox.invalid", transport=transport, rate=1e6, timeout=3) as capgo:
        context = Context(capgo, unheard, 5, capgo.clock)
        return (await GetUpdateHealth(app_id=APP, version=RELEASE).gather(context)).verdict


def _seeded(case: Case) -> State:
    """A sandbox in which devices report this and nothing else."""
    state = seeded(behaviour=case.behaviour)
    state.events.clear()
    state.bundle_days.clear()
    for version, took, failed in ((RELEASE, case.took, case.failed), (BEFORE, case.took_before, case.failed_before)):
        for action, devices in (("set", took), (case.code, failed)):
            names = (f"{version}-{number}" for number in range(devices))
            state.events += [new_event(APP, name, action, version, state.now()) for name in names]
    return state


class _Reports(httpx2.AsyncBaseTransport):
    """The sandbox, with a fault in place of what its devices report."""

    def __init__(self, sandbox: httpx2.AsyncBaseTransport, fault: Fault | None) -> None:
        self._sandbox = sandbox
        self._fault = fault

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer, or fail where counts are asked for."""
        if self._fault is not None and request.url.path.startswith("/private/"):
            return self._fault(request)
        return await self._sandbox.handle_async_request(request)
