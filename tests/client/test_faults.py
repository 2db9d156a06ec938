"""Whatever goes wrong on the way, a call ends in one clear error, and no write is made twice."""

import random
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final, NamedTuple

import anyio
import httpx2
import pytest

from capgo_mcp.api.errors import (
    CapgoError,
    KeyRefused,
    OutcomeUnknown,
    RateLimited,
    ServerFault,
    UnexpectedAnswer,
    Unreachable,
)
from capgo_mcp.api.operation import Effect, Operation
from capgo_mcp.client import bounds
from capgo_mcp.client import capgo as client_module
from capgo_mcp.client.bounds import TRIES
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.client.circuit_breaker import PROBE_INTERVAL
from capgo_mcp.client.clock import SystemClock
from capgo_mcp.client.network import Network
from capgo_mcp.operations import every
from capgo_mcp.operations.apps import GetApp, ListApps
from capgo_mcp.operations.bundles import SetBundleChannel
from capgo_mcp.operations.channels import ListChannels
from capgo_mcp.sandbox import ADMIN_KEY
from capgo_mcp.sandbox.seed.people import DEMO_APP
from tests.support import faulty as f
from tests.support import samples
from tests.support.limits import GENEROUS

AGAINST: Final = "a network that fails in any way"
HOLDS: Final = ("No second write", "A write is never sent twice")
ATTACKER: Final = "someone on the way"
ASSET: Final = "the account"


class End(NamedTuple):
    """How many requests reach the server, and the error in which the call ends."""

    requests: int
    error: type[CapgoError]


class Case(NamedTuple):
    """A fault, and how reads and writes end under it."""

    fault: f.Fault
    read: End
    write: End


def _lost(fault: f.Fault, requests: int = TRIES) -> Case:
    """The request may have been received: a read is repeated, a write leaves something open."""
    return Case(fault, End(requests, Unreachable), End(1, OutcomeUnknown))


def _told(fault: f.Fault, error: type[CapgoError], requests: int = 1) -> Case:
    """An answer came: both end alike."""
    return Case(fault, End(requests, error), End(requests, error))


CASES: Final = {
    "reset before the request is read": _lost(f.RESET_UNREAD),
    "reset after the request is read": _lost(f.RESET),
    "closed in the status line": _lost(f.CLOSED),
    "truncated body": _lost(f.TRUNCATED),
    "garbage": _lost(f.GARBAGE),
    "endless headers": _lost(f.ENDLESS_HEADERS),
    "hang": _lost(f.HANG, requests=2),
    "slow drip": _lost(f.DRIP, requests=2),
    "html page": _told(f.HTML, UnexpectedAnswer),
    "empty body": _told(f.EMPTY, UnexpectedAnswer),
    "wrong shape": _told(f.WRONG_SHAPE, UnexpectedAnswer),
    "wrong charset": _told(f.WRONG_CHARSET, UnexpectedAnswer),
    "deep nesting": _told(f.DEEP, UnexpectedAnswer),
    "bad gzip": _told(f.BAD_GZIP, UnexpectedAnswer),
    "gzip bomb": _told(f.GZIP_BOMB, UnexpectedAnswer),
    "oversized": _told(f.OVERSIZED, UnexpectedAnswer),
    "redirect": _told(f.REDIRECT, UnexpectedAnswer),
    "500": _told(f.BROKEN, ServerFault),
    "500 as html page": _told(f.HTML_ERROR, ServerFault),
    "502": Case(f.BAD_GATEWAY, End(TRIES, ServerFault), End(1, OutcomeUnknown)),
    "503": Case(f.UNAVAILABLE, End(TRIES, ServerFault), End(1, OutcomeUnknown)),
    "504": Case(f.GATEWAY_TIMEOUT, End(TRIES, ServerFault), End(1, OutcomeUnknown)),
    "429 with a short wait": _told(f.BUSY, RateLimited, requests=TRIES),
    "429 with a long wait": _told(f.BUSY_FOR_LONG, RateLimited),
    "429 without a wait": _told(f.BUSY_UNTOLD, RateLimited),
    "429 of one device": Case(f.BUSY_DEVICE, End(TRIES, RateLimited), End(1, RateLimited)),
    "bad key": _told(f.BAD_KEY, KeyRefused),
}

MAY_HAVE_HAPPENED: Final = [
    name for name, case in CASES.items() if case.write.error in {OutcomeUnknown, UnexpectedAnswer}
]
"""Faults after which nobody knows whether a write was done."""

READ: Final = GetApp(app_id=DEMO_APP)
WRITE: Final = SetBundleChannel(app_id=DEMO_APP, version_id=125, channel_id=2)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that are quickly broken, and waits of no length."""
    for module in (bounds, client_module):
        monkeypatch.setattr(module, "MAX_ANSWER", f.LIMIT)
    monkeypatch.setattr(random, "uniform", lambda low, _: low)


@pytest.fixture
async def server() -> AsyncIterator[f.Faulty]:
    """A server that answers as the sandbox does until it is told to fail."""
    async with f.faulty_server() as faulty:
        yield faulty


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that refuses connections."""
    with f.closed_port() as port:
        yield port


@pytest.mark.parametrize("operation", every(), ids=lambda operation: operation.spec.name)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_each_fault_ends_each_operation_as_its_effect_allows(
    server: f.Faulty, case: Case, operation: type[Operation[Any]]
) -> None:
    """Reads are repeated where that can help, a write never after it may have been received."""
    server.plan = [case.fault]
    end = case.read if operation.spec.effect is Effect.READ else case.write
    async with server.client() as capgo:
        with pytest.raises(end.error) as caught:
            await capgo.send(operation.model_validate(samples.required(operation)))
    assert len(server.arrived) == end.requests
    assert type(caught.value) is end.error
    assert ADMIN_KEY not in str(caught.value)


@pytest.mark.parametrize("operation", every(), ids=lambda operation: operation.spec.name)
async def test_refused_connection_changes_nothing(
    operation: type[Operation[Any]], closed_port: int, clock: f.VirtualClock
) -> None:
    """Reads and writes alike tell that nothing was sent."""
    transport = Network(f.TLS, httpx2.Limits())
    async with Capgo(ADMIN_KEY, url=f"http://127.0.0.1:{closed_port}", transport=transport, clock=clock) as capgo:
        with pytest.raises(Unreachable, match="nothing was sent") as caught:
            await capgo.send(operation.model_validate(samples.required(operation)))
    assert len(clock.slept) == TRIES - 1
    assert "CAPGO_API_URL" in caught.value.hint


class Flaky(httpx2.AsyncBaseTransport):
    """A network that fails to connect twice, and then answers."""

    def __init__(self, error: httpx2.TransportError) -> None:
        self.errors = [error, error]
        self.sent = 0

    async def handle_async_request(self, _: httpx2.Request) -> httpx2.Response:
        """Fail or answer."""
        if self.errors:
            raise self.errors.pop()
        self.sent += 1
        return httpx2.Response(200, json={"status": "ok"})


@pytest.mark.parametrize("error", [httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError])
async def test_write_that_never_left_is_sent_again(error: type[httpx2.TransportError], clock: f.VirtualClock) -> None:
    """Nothing was received while there was no connection, so the write is made, once."""
    network = Flaky(error("no connection"))
    async with Capgo(ADMIN_KEY, url="http://sandbox.invalid", transport=network, clock=clock) as capgo:
        assert (await capgo.send(WRITE)).status == "ok"
    assert network.sent == 1


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.read.requests > 1])
async def test_read_recovers_from_a_passing_fault(server: f.Faulty, name: str) -> None:
    """One repeat is enough when the fault is gone."""
    server.plan = [CASES[name].fault, f.HEALTHY]
    async with server.client() as capgo:
        assert (await capgo.send(READ)).app_id == DEMO_APP
    assert len(server.arrived) == 2


async def test_refused_write_is_made_after_the_wait(server: f.Faulty) -> None:
    """A write that Capgo refused for the number of calls was not done, so it is sent once more."""
    server.plan = [f.BUSY, f.HEALTHY]
    async with server.client() as capgo:
        assert (await capgo.send(WRITE)).status == "success"
    assert server.arrived == ["PUT /bundle"] * 2
    assert server.clock.time == 3


async def test_repeats_stop_when_the_deadline_leaves_no_room(server: f.Faulty, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wait that would outlast the call is not begun."""
    monkeypatch.setattr(random, "uniform", lambda _, high: high)
    server.plan = [f.UNAVAILABLE]
    async with server.client(timeout=2.0) as capgo:
        with pytest.raises(ServerFault):
            await capgo.send(READ)
    assert server.clock.slept == [1.0]


@pytest.mark.parametrize("name", MAY_HAVE_HAPPENED)
async def test_write_that_may_have_happened_says_read_back(server: f.Faulty, name: str) -> None:
    """Whoever made it is told to look before doing it again."""
    server.plan = [CASES[name].fault]
    async with server.client() as capgo:
        with pytest.raises(CapgoError) as caught:
            await capgo.send(WRITE)
    assert "read back" in caught.value.hint


@pytest.mark.parametrize("fault", [f.OVERSIZED, f.GZIP_BOMB, f.ENDLESS_BODY], ids=["oversized", "bomb", "endless"])
async def test_answer_is_cut_off_while_it_comes(server: f.Faulty, fault: f.Fault) -> None:
    """No answer can fill the memory, however small it was on its way and whether or not it ends."""
    server.plan = [fault]
    with anyio.fail_after(GENEROUS):
        async with server.client() as capgo:
            with pytest.raises(UnexpectedAnswer, match="more than 65,536 bytes"):
                await capgo.send(READ)


async def test_redirect_is_not_followed_and_names_the_setting(server: f.Faulty) -> None:
    """The key goes to the configured address and nowhere else."""
    server.plan = [f.REDIRECT]
    async with server.client() as capgo:
        with pytest.raises(UnexpectedAnswer, match="redirect") as caught:
            await capgo.send(READ)
    assert "CAPGO_API_URL" in caught.value.hint
    assert server.arrived == [f"GET /app/{DEMO_APP}"]


async def test_walk_over_pages_ends_with_the_deadline(server: f.Faulty) -> None:
    """All pages together have the time of one call, and the error says how to ask for less."""
    full = f.Fault(f.http(200, b"[" + b",".join(b'{"id": %d}' % i for i in range(50)) + b"]"))
    server.plan = [full, f.HANG]
    async with server.client() as capgo:
        with pytest.raises(Unreachable, match="limit"):
            await capgo.send(ListChannels(app_id=DEMO_APP, limit=200))
    assert server.clock.time == 30
    assert {*server.arrived} == {"GET /channel"}
    assert len(server.arrived) == 1 + 3 * 2  # four pages at once, of which three are asked for once more


async def test_cancelled_call_closes_its_connection(server: f.Faulty) -> None:
    """Nobody at Capgo works on for a caller who has gone."""
    server.plan = [f.HOLD]
    with anyio.fail_after(GENEROUS):
        async with server.client() as capgo, anyio.create_task_group() as tasks:
            tasks.start_soon(capgo.send, READ)
            await server.held.acquire()
            tasks.cancel_scope.cancel()
        await server.left.wait()


async def test_hanging_calls_do_not_hold_up_others(server: f.Faulty, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many calls hang, the next one finds a connection and no lock."""
    monkeypatch.setenv("NO_PROXY", "*")
    many = 110  # more than the connections httpx2 allows by default
    server.plan = [f.HEALTHY, *[f.HOLD] * many, f.HEALTHY]
    with anyio.fail_after(GENEROUS):
        async with server.client(transport=None, rate=10_000) as capgo, anyio.create_task_group() as tasks:
            await capgo.send(READ)
            for _ in range(many):
                tasks.start_soon(capgo.send, READ)
            for _ in range(many):
                await server.held.acquire()
            assert (await capgo.send(READ)).app_id == DEMO_APP
            tasks.cancel_scope.cancel()


async def test_deadline_holds_on_the_clock_of_the_machine(server: f.Faulty) -> None:
    """Without a virtual clock, a call to a Capgo that hangs ends by itself."""
    server.plan = [f.HOLD]
    with anyio.fail_after(GENEROUS):
        async with server.client(clock=SystemClock(), timeout=0.2) as capgo:
            with pytest.raises(Unreachable, match=r"no answer within 0\.2 seconds"):
                await capgo.send(READ)


async def test_bad_key_is_not_sent_again(server: f.Faulty) -> None:
    """After the first refusal the client answers by itself and says what to do."""
    server.plan = [f.BAD_KEY, f.HEALTHY]
    async with server.client() as capgo:
        with pytest.raises(KeyRefused):
            await capgo.send(READ)
        with pytest.raises(KeyRefused, match="nothing was sent") as caught:
            await capgo.send(ListApps())
    assert caught.value.code == "key_blocked_locally"
    assert "replace the key" in caught.value.hint
    assert len(server.arrived) == 1


async def test_refused_key_is_probed_after_a_while(server: f.Faulty) -> None:
    """A key that was enabled in the meantime works again, without a restart."""
    server.plan = [f.BAD_KEY, f.HEALTHY]
    async with server.client() as capgo:
        with pytest.raises(KeyRefused):
            await capgo.send(READ)
        server.clock.advance(PROBE_INTERVAL)
        assert (await capgo.send(READ)).app_id == DEMO_APP
        assert (await capgo.send(READ)).app_id == DEMO_APP


class Replaceable:
    """A key that changes while the client runs."""

    def __init__(self) -> None:
        self.key = "00000000-0000-4000-8000-000000000000"

    async def read(self) -> str:
        """The key of this moment."""
        return self.key


async def test_replaced_key_is_sent_at_once(server: f.Faulty) -> None:
    """The block is on the key, not on the client."""
    source = Replaceable()
    transport = Network(f.TLS, httpx2.Limits())
    async with Capgo(source, url=server.url, transport=transport, clock=server.clock) as capgo:
        with pytest.raises(KeyRefused):
            await capgo.send(READ)
        source.key = ADMIN_KEY
        assert (await capgo.send(READ)).app_id == DEMO_APP


async def test_many_calls_with_a_bad_key_fail_a_few_logins_only(server: f.Faulty) -> None:
    """Twenty failed logins would block the address, so calls at once are not all tried."""
    server.plan = [f.BAD_KEY]
    codes: list[str] = []

    async def call(capgo: Capgo) -> None:
        with pytest.raises(KeyRefused) as caught:
            await capgo.send(READ)
        codes.append(caught.value.code)

    async with server.client() as capgo, anyio.create_task_group() as tasks:
        for _ in range(24):
            tasks.start_soon(call, capgo)
    assert len(codes) == 24
    assert len(server.arrived) <= 5


async def test_limit_of_a_key_stops_its_other_calls(server: f.Faulty) -> None:
    """While Capgo counts, each further call would start the wait anew, so none is sent."""
    server.plan = [f.BUSY_FOR_LONG, f.HEALTHY]
    async with server.client() as capgo:
        with pytest.raises(RateLimited):
            await capgo.send(READ)
        with pytest.raises(RateLimited, match="nothing was sent") as caught:
            await capgo.send(WRITE)
        assert caught.value.retry_after == 60
        server.clock.advance(55)
        assert (await capgo.send(WRITE)).status == "success"
    assert server.clock.time == 60
    assert len(server.arrived) == 2


@pytest.mark.parametrize("fault", [f.BUSY_UNTOLD, f.BUSY_DEVICE], ids=["without a wait", "of one device"])
async def test_other_limits_stop_no_other_call(server: f.Faulty, fault: f.Fault) -> None:
    """A limit of a plan or of one device says nothing about the next call."""
    server.plan = [fault, f.HEALTHY]
    async with server.client() as capgo:
        with pytest.raises(RateLimited):
            await capgo.send(WRITE)
        assert (await capgo.send(READ)).app_id == DEMO_APP
    assert server.clock.time == 0
