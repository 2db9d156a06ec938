"""The client: what reaches the network, once, and how each way to fail is told."""

import json
from typing import Any, Final

import anyio
import httpx2
import pytest

from capgo_mcp.api.errors import (
    ApiError,
    CapgoError,
    KeyMissing,
    KeyRefused,
    NotAllowed,
    OutcomeUnknown,
    ServerFault,
    UnexpectedAnswer,
    Unreachable,
)
from capgo_mcp.api.operation import Operation
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.client.key import StaticKey
from capgo_mcp.config.credentials import NoKey
from capgo_mcp.operations.apps import App, GetApp, ListApps
from capgo_mcp.operations.bundles import DeleteAllBundles
from capgo_mcp.operations.channels import GetChannel, SetChannel
from capgo_mcp.operations.devices import ListDevices
from capgo_mcp.operations.organizations import CreateOrganization
from capgo_mcp.sandbox import ADMIN_KEY, DEVELOPER_KEY, EXPIRED_KEY, READER_KEY, State, create_app
from capgo_mcp.sandbox.seed.people import DEMO_APP

READ: Final = GetApp(app_id=DEMO_APP)
WRITES: Final[list[Operation[Any]]] = [
    SetChannel(app_id=DEMO_APP, channel="beta", version="2.3.0"),
    CreateOrganization(name="Acme"),
    DeleteAllBundles(app_id=DEMO_APP),
]
SHORT: Final = 0.3
"""Seconds of a call that is not meant to be repeated for long."""


class Wire(httpx2.AsyncBaseTransport):
    """A transport that notes each request and answers, fails or hangs as told."""

    def __init__(self, outcome: httpx2.Response | Exception | None = None) -> None:
        self.requests: list[httpx2.Request] = []
        self._outcome = outcome

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Note the request."""
        self.requests.append(request)
        if self._outcome is None:
            await anyio.sleep_forever()
        if isinstance(self._outcome, Exception):
            raise self._outcome
        assert self._outcome is not None
        return httpx2.Response(
            self._outcome.status_code, headers=self._outcome.headers, content=self._outcome.content, request=request
        )


def answer(status: int, body: Any = None, *, content: bytes | None = None) -> httpx2.Response:
    """An answer of the wire."""
    return httpx2.Response(status, content=json.dumps(body).encode() if content is None else content)


async def failure(operation: Operation[Any], wire: Wire, key: str = ADMIN_KEY) -> CapgoError:
    """The error in which a call ends."""
    async with Capgo(key, url="https://x.example", transport=wire, timeout=SHORT) as capgo:
        with pytest.raises(CapgoError) as caught:
            await capgo.send(operation)
    return caught.value


async def test_answers_are_typed(capgo: Capgo) -> None:
    """What comes back is an object of the declared type, not JSON."""
    app = await capgo.send(READ)
    assert isinstance(app, App)
    assert app.app_id == DEMO_APP
    channel = await capgo.send(GetChannel(app_id=DEMO_APP, channel="production"))
    assert channel.version is not None
    assert channel.version.name == "2.2.8"


async def test_no_key_sends_nothing() -> None:
    """Without a key the call ends before the network."""
    wire = Wire(answer(200, {}))
    async with Capgo(NoKey(), transport=wire) as capgo:
        with pytest.raises(KeyMissing):
            await capgo.send(READ)
    assert wire.requests == []


@pytest.mark.parametrize(
    ("key", "header", "other"),
    [(ADMIN_KEY, "authorization", "capgkey"), ("legacy.key:1", "capgkey", "authorization")],
)
async def test_one_header_carries_the_key(key: str, header: str, other: str) -> None:
    """The key is sent raw, in one header, and neither in the address nor in the body."""
    wire = Wire(answer(200, {"status": "ok"}))
    async with Capgo(key, url="https://x.example", transport=wire) as capgo:
        await capgo.send(SetChannel(app_id=DEMO_APP, channel="beta"))
    (request,) = wire.requests
    assert request.headers[header] == key
    assert other not in request.headers
    assert "x-api-key" not in request.headers
    assert key not in str(request.url) + request.content.decode()


@pytest.mark.parametrize("url", ["https://x.example/functions/v1", "https://x.example/functions/v1/"])
async def test_prefix_of_the_address_is_kept(url: str) -> None:
    """A self-hosted Capgo stands under a path."""
    wire = Wire(answer(200, {"status": "ok"}))
    async with Capgo(ADMIN_KEY, url=url, transport=wire) as capgo:
        await capgo.send(READ)
    assert str(wire.requests[0].url) == "https://x.example/functions/v1/app/com.demo.app"


async def test_requests_carry_json_only_where_there_is_a_body() -> None:
    """A read has no body and no content type; a write is JSON."""
    wire = Wire(answer(200, {"status": "ok"}))
    async with Capgo(ADMIN_KEY, url="https://x.example", transport=wire) as capgo:
        await capgo.send(READ)
        await capgo.send(WRITES[0])
    read, write = wire.requests
    assert "content-type" not in read.headers
    assert write.headers["content-type"] == "application/json"
    assert json.loads(write.content) == {"app_id": DEMO_APP, "channel": "beta", "version": "2.3.0"}
    assert read.headers["user-agent"].startswith("capgo-mcp/")


@pytest.mark.parametrize("operation", [READ, *WRITES], ids=lambda operation: operation.spec.name)
async def test_refused_connection_means_nothing_was_sent(operation: Operation[Any]) -> None:
    """When Capgo was not reached, reads and writes alike say that nothing has changed."""
    error = await failure(operation, Wire(httpx2.ConnectError("refused")))
    assert type(error) is Unreachable
    assert "nothing was sent" in error.sentence
    assert "CAPGO_API_URL" in error.hint


@pytest.mark.parametrize("broken", [httpx2.ReadError("x"), httpx2.WriteError("x"), httpx2.RemoteProtocolError("x")])
@pytest.mark.parametrize("operation", WRITES, ids=lambda operation: operation.spec.name)
async def test_broken_connection_leaves_a_write_open(operation: Operation[Any], broken: Exception) -> None:
    """A write that may have arrived is sent exactly once, and its outcome is said to be unknown."""
    wire = Wire(broken)
    error = await failure(operation, wire)
    assert type(error) is OutcomeUnknown
    assert len(wire.requests) == 1
    assert "read back" in error.hint


@pytest.mark.parametrize("broken", [httpx2.ReadError("x"), httpx2.RemoteProtocolError("x")])
async def test_broken_connection_of_a_read_changes_nothing(broken: Exception) -> None:
    """A read that got no answer is told as such."""
    error = await failure(READ, Wire(broken))
    assert type(error) is Unreachable


@pytest.mark.parametrize("operation", [READ, ListApps()], ids=["read", "list"])
async def test_deadline_ends_a_read(operation: Operation[Any]) -> None:
    """A Capgo that never answers does not hold a read for ever."""
    error = await failure(operation, Wire())
    assert type(error) is Unreachable
    assert "0.3 seconds" in error.sentence


@pytest.mark.parametrize("operation", WRITES, ids=lambda operation: operation.spec.name)
async def test_deadline_leaves_a_write_open(operation: Operation[Any]) -> None:
    """A write that got no answer in time is not repeated."""
    wire = Wire()
    assert type(await failure(operation, wire)) is OutcomeUnknown
    assert len(wire.requests) == 1


async def test_deadline_holds_for_all_pages_together() -> None:
    """A list may need many requests, which share the time of one call."""
    pages = 0

    async def slow(request: httpx2.Request) -> httpx2.Response:
        nonlocal pages
        pages += 1
        await anyio.sleep(SHORT / 2)
        rows = [{"device_id": f"{pages}-{row}"} for row in range(10)]
        return httpx2.Response(200, json={"data": rows, "nextCursor": str(pages), "hasMore": True}, request=request)

    transport = httpx2.MockTransport(slow)
    async with Capgo(ADMIN_KEY, url="https://x.example", transport=transport, timeout=SHORT) as capgo:
        with pytest.raises(Unreachable):
            await capgo.send(ListDevices(app_id=DEMO_APP, limit=1000))
    assert pages < 10


BODIES: Final = {
    "empty": b"",
    "text": b"OK",
    "html": b"<!doctype html><title>Sign in</title>",
    "number": b"7",
    "null": b"null",
    "list": b"[1, 2]",
    "cut": b'{"app_id": "com.de',
    "not utf-8": b"\xff\xfe\x00",
    "deep": b"[" * 100_000,
}


@pytest.mark.parametrize("content", BODIES.values(), ids=BODIES)
async def test_success_that_cannot_be_read_is_unexpected(content: bytes) -> None:
    """A proxy's page or a cut body is no answer, and the error points at the address."""
    error = await failure(READ, Wire(answer(200, content=content)))
    assert type(error) is UnexpectedAnswer
    assert error.sentence.endswith(".")
    assert "Sign in" not in str(error)


@pytest.mark.parametrize("content", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("status", [500, 520])
async def test_failure_that_cannot_be_read_is_a_fault(content: bytes, status: int) -> None:
    """An error page is told by its status, without its content."""
    error = await failure(READ, Wire(answer(status, content=content)))
    assert type(error) is ServerFault
    assert error.code == f"http_{status}"
    assert "<" not in str(error)


async def test_write_that_ended_in_a_fault_is_not_repeated() -> None:
    """500 after a write is told once, with the advice to read back."""
    wire = Wire(answer(500, {"error": "internal_error", "message": "x", "moreInfo": {}}))
    error = await failure(CreateOrganization(name="Acme"), wire)
    assert type(error) is ServerFault
    assert len(wire.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_redirect_is_not_followed(status: int) -> None:
    """A redirect could take the key elsewhere: it is an error."""
    response = httpx2.Response(status, headers={"location": "https://elsewhere.example/app"})
    wire = Wire(response)
    assert type(await failure(READ, wire)) is UnexpectedAnswer
    assert {request.url.host for request in wire.requests} == {"x.example"}


@pytest.mark.parametrize(
    ("key", "operation", "kind"),
    [
        (EXPIRED_KEY, READ, KeyRefused),
        ("00000000-0000-4000-8000-000000000000", READ, KeyRefused),
        (READER_KEY, WRITES[0], NotAllowed),
        (DEVELOPER_KEY, DeleteAllBundles(app_id=DEMO_APP), NotAllowed),
    ],
)
async def test_rights_are_told_by_the_sandbox(
    key: str, operation: Operation[Any], kind: type[ApiError], state: State
) -> None:
    """Expired, unknown and weak keys end in the error that says which it was, with the request's id."""
    transport = httpx2.ASGITransport(app=create_app(state))
    async with Capgo(StaticKey(key), url="http://sandbox.invalid", transport=transport) as capgo:
        with pytest.raises(ApiError) as caught:
            await capgo.send(operation)
    assert type(caught.value) is kind
    assert caught.value.request_id
    assert key not in str(caught.value)


async def test_client_may_be_closed_without_a_request() -> None:
    """Opening and closing costs and leaves nothing."""
    async with Capgo(ADMIN_KEY):
        pass
