"""Slow and broken clients hold nothing that others need, and are no errors of the server's."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import anyio
import anyio.abc
import anyio.lowlevel
import anyio.to_thread
import httpx2
import pytest
import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from capgo_mcp.config.credentials import NoKey
from capgo_mcp.config.settings import Settings
from capgo_mcp.http import connections
from capgo_mcp.http.connections import LONGEST_BODY, BoundedConnection, OneWrite, WholeBodies
from capgo_mcp.http.serve import application
from capgo_mcp.http.settings import HttpSettings
from capgo_mcp.sandbox import ADMIN_KEY, create_app
from tests.support.limits import GENEROUS
from tests.support.serving import Caller, request, running, served, wait_until

HEAD: Final = b"POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n"


@asynccontextmanager
async def bounded(monkeypatch: pytest.MonkeyPatch, most: int) -> AsyncIterator[int]:
    """The port of a server that answers everything, on as many connections as told."""
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", most)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await Request(scope, receive).body()
        await PlainTextResponse("here")(scope, receive, send)

    config = uvicorn.Config(
        WholeBodies(answer), http=BoundedConnection, lifespan="off", ws="none", log_config=None, port=0
    )
    server = uvicorn.Server(config)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(server._serve)  # noqa: SLF001 - without its signals
        await anyio.to_thread.run_sync(wait_until, lambda: server.started)
        yield server.servers[0].sockets[0].getsockname()[1]
        server.should_exit = True


async def connected(stack: AsyncExitStack, port: int, sent: bytes = b"") -> anyio.abc.SocketStream:
    """A connection on which some bytes were sent."""
    line = await stack.enter_async_context(await anyio.connect_tcp("127.0.0.1", port))
    if sent:
        await line.send(sent)
    return line


async def is_closed(line: anyio.abc.SocketStream) -> bool:
    """Whether the server ends a connection, without an answer."""
    try:
        with anyio.fail_after(GENEROUS):
            return not await line.receive()
    except (anyio.EndOfStream, anyio.BrokenResourceError):
        return True


@pytest.mark.parametrize("sent", [b"", b"POST /mcp HT", HEAD, HEAD + b"{"])
async def test_a_request_must_come_soon(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    """A connection on which no request comes, or only a part of one, is closed."""
    monkeypatch.setattr(connections, "_REQUEST_WITHIN", 0.05)
    async with bounded(monkeypatch, 100) as port, AsyncExitStack() as stack:
        line = await connected(stack, port, sent)
        assert await is_closed(line)


async def test_a_second_head_must_come_soon_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that was used may be idle for long, but not send a head bit by bit."""
    async with bounded(monkeypatch, 100) as port, AsyncExitStack() as stack:
        line = await connected(stack, port, b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert (await line.receive()).startswith(b"HTTP/1.1 200")
        monkeypatch.setattr(connections, "_REQUEST_WITHIN", 0.05)
        await line.send(b"GET / HT")
        while not await is_closed(line):
            pass  # the rest of the answer before


async def test_the_slowest_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there are too many connections, those that keep a request back go first, the idle ones next."""
    async with bounded(monkeypatch, 3) as port, AsyncExitStack() as stack:
        idle = await connected(stack, port, b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert (await idle.receive()).startswith(b"HTTP/1.1 200")
        head = await connected(stack, port, b"POST /mcp")
        body = await connected(stack, port, HEAD + b"{")
        third = await connected(stack, port, HEAD + b"{")
        assert await is_closed(head)
        await third.send(b" " * 98 + b"}")
        assert (await third.receive()).startswith(b"HTTP/1.1 200")
        await connected(stack, port, b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert await is_closed(body)


async def answered(messages: list[Message], **headers: str) -> list[Message]:
    """What is answered to a request whose body comes in parts."""
    sent: list[Message] = []

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        body = await Request(scope, receive).body()
        await PlainTextResponse(str(len(body)))(scope, receive, send)

    raw = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    scope = {"type": "http", "method": "POST", "path": "/mcp", "headers": raw, "query_string": b""}
    await WholeBodies(app)(scope, receive, send)
    return sent


def part(size: int, *, more: bool = True) -> Message:
    """A part of a body."""
    return {"type": "http.request", "body": b" " * size, "more_body": more}


@pytest.mark.parametrize(
    ("messages", "headers", "status"),
    [
        ([part(LONGEST_BODY, more=False)], {}, 200),
        ([part(1), part(2), part(3, more=False)], {"content_length": "6"}, 200),
        ([part(LONGEST_BODY), part(1)], {}, 413),
        ([], {"content_length": str(LONGEST_BODY + 1)}, 413),
        ([part(1), {"type": "http.disconnect"}], {"content_length": "2"}, None),
    ],
)
async def test_a_body_comes_whole_and_short(
    messages: list[Message], headers: dict[str, str], status: int | None
) -> None:
    """What is too long is refused and ends its connection; whoever left is told nothing."""
    sent = await answered(messages, **headers)
    assert [message["status"] for message in sent[:1]] == ([] if status is None else [status])
    if status == 413:
        assert (b"connection", b"close") in sent[0]["headers"]


async def test_a_client_that_left_is_no_error(tmp_path: Path) -> None:
    """Whoever goes away in the middle of a head, a body or a call leaves no traceback in the log."""

    async def slowly(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await anyio.sleep(0.2)
            await sandbox(scope, receive, send)

    sandbox = create_app()
    body, headers = request("tools/call", {"name": "capgo_list_apps", "arguments": {}})
    content = json.dumps(body).encode()
    call = "".join(f"{name}: {text}\r\n" for name, text in {**headers, "x-capgo-api-key": ADMIN_KEY}.items()).encode()
    start = b"POST /mcp HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n" + call
    whole = start + b"content-length: %d\r\n\r\n" % len(content) + content
    with served(slowly) as capgo, running(tmp_path, CAPGO_API_URL=capgo) as server:
        port = httpx2.URL(server.url).port or 0
        for sent in (b"POST /mc", start, whole[:-5], whole):
            for _ in range(3):
                line = await anyio.connect_tcp("127.0.0.1", port)
                await line.send(sent)
                await anyio.sleep(0.05)
                await line.aclose()
        async with httpx2.AsyncClient(timeout=GENEROUS) as http:
            caller = Caller(http, server.url, {"x-capgo-api-key": ADMIN_KEY})
            assert await caller.facts("capgo_list_apps")
    assert "Traceback" not in server.log
    assert "ERROR" not in server.log


async def test_slow_uploads_leave_the_server_to_others() -> None:
    """While hundreds of requests come a byte at a time, a call is answered as usual."""
    sandbox = create_app()
    with served(sandbox) as capgo, served(application(Settings(key=NoKey(), url=capgo), HttpSettings())) as url:
        async with AsyncExitStack() as stack, httpx2.AsyncClient(timeout=GENEROUS) as http:
            port = httpx2.URL(url).port or 0
            lines = [await connected(stack, port, HEAD + b"{") for _ in range(300)]
            assert await Caller(http, f"{url}/mcp", {"x-capgo-api-key": ADMIN_KEY}).facts("capgo_list_apps")
            assert len(lines) == 300


class Sent(asyncio.Transport):
    """A transport that keeps each piece it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []
        self.over = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep a piece."""
        self.pieces.append(bytes(data))

    def is_closing(self) -> bool:
        """Whether it was ended."""
        return self.over

    def close(self) -> None:
        """End it."""
        self.over = True

    abort = close


async def test_head_and_body_of_an_answer_leave_together() -> None:
    """What is written in one turn of the loop is one piece for the system; what comes later is another one."""
    sent = Sent()
    line = OneWrite(sent)
    for part in (b"head", b"", b"body"):
        line.write(part)
    assert sent.pieces == []
    await anyio.lowlevel.checkpoint()
    line.write(b"more")
    await anyio.lowlevel.checkpoint()
    assert sent.pieces == [b"headbody", b"more"]


@pytest.mark.parametrize(("end", "pieces"), [(OneWrite.close, [b"last"]), (OneWrite.abort, [])])
async def test_an_ended_connection_sends_what_it_should(end: Callable[[OneWrite], None], pieces: list[bytes]) -> None:
    """Ending a connection sends what was written before, breaking it off sends nothing, and both end it for good."""
    sent = Sent()
    line = OneWrite(sent)
    line.write(b"last")
    end(line)
    line.write(b"too late")
    await anyio.lowlevel.checkpoint()
    assert (sent.pieces, line.is_closing()) == (pieces, True)
