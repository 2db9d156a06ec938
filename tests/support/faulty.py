"""A Capgo that fails on purpose: a real HTTP server before the sandbox, and a clock that moves only when told to."""

import asyncio
import gzip
import json
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from functools import cached_property
from typing import Any, Final

import anyio
import httpx2

from capgo_mcp.client.capgo import Capgo
from capgo_mcp.client.network import Network
from capgo_mcp.sandbox import ADMIN_KEY, create_app

LIMIT: Final = 2**16
"""What tests set the size limit of answers to, so that breaking it is quick."""
EPOCH: Final = datetime(2026, 11, 2, 12, tzinfo=UTC)
"""When a virtual clock begins."""
TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


class VirtualClock:
    """A clock on which nobody waits: a sleep moves it at once, and whoever is cut off by it is cancelled."""

    def __init__(self) -> None:
        self.time = 0.0
        self.slept: list[float] = []
        self._limits: list[tuple[float, anyio.CancelScope]] = []

    def now(self) -> float:
        """Seconds since the clock was made."""
        return self.time

    def moment(self) -> datetime:
        """The date and time of day: it is always the same when the clock is made."""
        return EPOCH + timedelta(seconds=self.time)

    async def sleep(self, seconds: float) -> None:
        """Move the clock to the end of the sleep, unless another sleeper has moved it that far."""
        self.slept.append(seconds)
        until = self.time + seconds
        await asyncio.sleep(0)
        self.advance(until - self.time)

    @contextmanager
    def fail_after(self, seconds: float) -> Iterator[None]:
        """Cancel the block when the clock passes its limit."""
        with anyio.CancelScope() as scope:
            limit = (self.time + seconds, scope)
            self._limits.append(limit)
            try:
                yield
            finally:
                self._limits.remove(limit)
        if scope.cancelled_caught:
            raise TimeoutError

    def advance(self, seconds: float) -> None:
        """Move the clock."""
        self.time += max(0.0, seconds)
        for at, scope in self._limits:
            if at <= self.time:
                scope.cancel()

    def run_out(self) -> None:
        """Move the clock to the first limit that anyone has."""
        self.advance(min(at for at, _ in self._limits) - self.time)


class End(Enum):
    """What happens to a connection after the answer."""

    CLOSE = auto()
    RESET = auto()
    HANG = auto()
    """The connection stays open until the caller's time has run out."""
    HOLD = auto()
    """The connection stays open, and no time passes."""
    REPEAT = auto()
    """The same bytes follow again and again, for as long as the caller takes them."""


@dataclass(frozen=True)
class Fault:
    """A way to fail: the bytes that are sent instead of an answer, and what follows."""

    answer: bytes = b""
    end: End = End.CLOSE
    reads: bool = True
    """Whether the request is read before."""


def http(status: int, body: bytes = b"", **headers: str) -> bytes:
    """The bytes of an HTTP answer."""
    fields = {"content-length": str(len(body)), **{name.replace("_", "-"): text for name, text in headers.items()}}
    lines = [f"HTTP/1.1 {status} Whatever", "connection: close", *(f"{name}: {text}" for name, text in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def refusal(status: int, code: str, more: dict[str, Any] | None = None, **headers: str) -> Fault:
    """An error as Capgo words it."""
    return Fault(http(status, json.dumps({"error": code, "message": "No", "moreInfo": more or {}}).encode(), **headers))


_PAGE: Final = b"<!doctype html><title>Sorry</title>"
_PART: Final = http(200, b'{"data"', content_length="1000")

HEALTHY: Final = Fault()
"""Not a fault: the sandbox answers."""
HOLD: Final = Fault(end=End.HOLD)
RESET_UNREAD: Final = Fault(end=End.RESET, reads=False)
RESET: Final = Fault(end=End.RESET)
CLOSED: Final = Fault(b"HTTP/1.1 ")
HANG: Final = Fault(end=End.HANG)
DRIP: Final = Fault(_PART, End.HANG)
TRUNCATED: Final = Fault(_PART)
GARBAGE: Final = Fault(b"\x00\x16\x03SSH-2.0-nothing\r\n\r\n")
ENDLESS_HEADERS: Final = Fault(b"HTTP/1.1 200 OK\r\n" + b"x-more: and more\r\n" * 1000, End.REPEAT)
HTML: Final = Fault(http(200, _PAGE, content_type="text/html"))
EMPTY: Final = Fault(http(200))
WRONG_SHAPE: Final = Fault(http(200, b'"ok"'))
WRONG_CHARSET: Final = Fault(http(200, b'{"name":"caf\xe9"}', content_type="application/json; charset=utf-8"))
DEEP: Final = Fault(http(200, b"[" * (LIMIT - 1)))
BAD_GZIP: Final = Fault(http(200, b"not gzip", content_encoding="gzip"))
GZIP_BOMB: Final = Fault(http(200, gzip.compress(b" " * 64 * LIMIT), content_encoding="gzip"))
OVERSIZED: Final = Fault(http(200, b" " * 2 * LIMIT))
ENDLESS_BODY: Final = Fault(b"HTTP/1.1 200 OK\r\n\r\n" + b" " * LIMIT, End.REPEAT)
REDIRECT: Final = Fault(http(307, location="/elsewhere"))
HTML_ERROR: Final = Fault(http(500, _PAGE, content_type="text/html"))
BROKEN: Final = refusal(500, "unknown_error")
BAD_GATEWAY: Final = Fault(http(502, _PAGE))
UNAVAILABLE: Final = refusal(503, "service_unavailable")
GATEWAY_TIMEOUT: Final = Fault(http(504, _PAGE))
BUSY: Final = refusal(429, "too_many_requests", {"reason": "api_key_rate_limit_exceeded"}, retry_after="3")
BUSY_FOR_LONG: Final = refusal(429, "too_many_requests", {"reason": "api_key_rate_limit_exceeded"}, retry_after="60")
BUSY_UNTOLD: Final = refusal(429, "rate_limited")
BUSY_DEVICE: Final = refusal(429, "too_many_requests", {"device_id": "d"}, retry_after="1")
BAD_KEY: Final = refusal(401, "invalid_apikey")


class Faulty:
    """The server: fails by plan, the last entry of which stays in force.

    Attributes:
        url: Its address.
        clock: The clock of its callers.
        plan: The faults to come, one for each request.
        arrived: The requests so far, by method and path.
        held: Counts the requests that are being held.
        left: Is set when a caller has gone away from a request that hangs.
    """

    def __init__(self) -> None:
        self.url = ""
        self.clock = VirtualClock()
        self.plan = [HEALTHY]
        self.arrived: list[str] = []
        self.held = anyio.Semaphore(0)
        self.left = anyio.Event()

    @cached_property
    def _sandbox(self) -> httpx2.ASGITransport:
        return httpx2.ASGITransport(app=create_app())

    def client(self, **options: Any) -> Capgo:
        """A client of this server, which does not load the certificates of the system."""
        transport = Network(TLS, httpx2.Limits())
        return Capgo(ADMIN_KEY, **{"url": self.url, "transport": transport, "clock": self.clock, **options})

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the one request of a connection."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            fault = self.plan.pop(0) if len(self.plan) > 1 else self.plan[0]
            if fault.reads:
                request = await read_request(reader)
                self.arrived.append(f"{request.method} {request.url.path}")
                writer.write(fault.answer if fault is not HEALTHY else await self._answer(request))
                await writer.drain()
            else:
                await reader.read(1)
                self.arrived.append("?")
            await self._end(fault, reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def _end(self, fault: Fault, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        match fault.end:
            case End.RESET:
                writer.transport.abort()
            case End.HANG:
                self.clock.run_out()
            case End.HOLD:
                self.held.release()
            case End.REPEAT:
                while True:
                    writer.write(fault.answer)
                    await writer.drain()
            case End.CLOSE:
                return
        await reader.read()
        self.left.set()

    async def _answer(self, request: httpx2.Request) -> bytes:
        response = await self._sandbox.handle_async_request(request)
        return http(response.status_code, await response.aread(), content_type="application/json")


async def read_request(reader: asyncio.StreamReader) -> httpx2.Request:
    """The request that a connection begins with."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = dict(line.split(": ", 1) for line in head[1:] if line)
    lower = {name.lower(): text for name, text in headers.items()}
    body = await reader.readexactly(int(lower.get("content-length", "0")))
    return httpx2.Request(method, f"http://sandbox.invalid{target}", headers=lower, content=body)


@contextmanager
def closed_port() -> Iterator[int]:
    """A port that refuses connections: taken, but not listened on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@asynccontextmanager
async def faulty_server() -> AsyncIterator[Faulty]:
    """Serve on a free port of this machine."""
    faulty = Faulty()
    async with await asyncio.start_server(faulty.serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        faulty.url = f"http://127.0.0.1:{port}"
        yield faulty
