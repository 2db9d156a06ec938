"""Clients that cost little themselves: JSON-RPC by hand, over stdio and HTTP, and Capgo's API without any server."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, BinaryIO, Final

import httpx2

from bench.servers import environment, stdio_command
from bench.upstream import APP, key

REVISION: Final = "2026-07-28"
TOOL: Final = "capgo_get_channel"
ARGUMENTS: Final = {"app_id": APP, "channel": "production"}
QUERY: Final = {"app_id": APP, "channel": "production"}
"""What the same question looks like to Capgo."""

_LINE: Final = 2**26
_META: Final = {
    "io.modelcontextprotocol/protocolVersion": REVISION,
    "io.modelcontextprotocol/clientCapabilities": {},
}
_PARAMS: Final = {"name": TOOL, "arguments": ARGUMENTS, "_meta": _META}
_HEADERS: Final = {
    "accept": "application/json, text/event-stream",
    "mcp-protocol-version": REVISION,
    "mcp-method": "tools/call",
    "mcp-name": TOOL,
}


class StdioClient:
    """A client of a server over stdin and stdout, which answers in any order.

    Args:
        process: The server.
        heard: What else is done with each line that it writes.
    """

    def __init__(self, process: asyncio.subprocess.Process, heard: Callable[[bytes], object] | None = None) -> None:
        self.pid = process.pid
        self._process = process
        self._heard = heard
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}

    async def call(self) -> None:
        """Make a tool call and wait for its answer."""
        await self.ask("tools/call", _PARAMS)

    async def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Make a request and return its result.

        Raises:
            RuntimeError: It is an error.
        """
        message = await self.exchange(method, params)
        _check(message)
        result: dict[str, Any] = message["result"]
        return result

    async def exchange(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Make a request and return the message that answers it, an error as well.

        Raises:
            ConnectionError: The server has ended.
        """
        number = next(self._numbers)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        self.tell({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        return await answer

    async def greet(self, revision: str = "2025-06-18") -> None:
        """Begin as clients did before each request said who makes it, which every server understands."""
        client = {"name": "bench", "version": "1"}
        await self.ask("initialize", {"protocolVersion": revision, "capabilities": {}, "clientInfo": client})
        self.tell({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def tell(self, message: dict[str, Any]) -> None:
        """Send a message."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")

    async def read(self) -> None:
        """Hand out the answers as they come."""
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            if self._heard:
                self._heard(line)
            message = json.loads(line)
            waiting = self._waiting.pop(message.get("id", 0), None)
            if waiting and not waiting.done():  # nobody may wait for it any more
                waiting.set_result(message)
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(ConnectionError("the server has ended"))


@asynccontextmanager
async def over_stdio(api: str) -> AsyncIterator[StdioClient]:
    """A client of a server of its own."""
    async with client_of(stdio_command(), api) as client:
        await client.call()
        yield client


@asynccontextmanager
async def client_of(command: Sequence[str], api: str) -> AsyncIterator[StdioClient]:
    """A client of a server that this command starts, in front of that API."""
    async with started(command, CAPGO_API_URL=api, CAPGO_API_KEY=key(0)) as client:
        yield client


@asynccontextmanager
async def started(
    command: Sequence[str],
    stderr: BinaryIO | int = asyncio.subprocess.DEVNULL,
    heard: Callable[[bytes], object] | None = None,
    **variables: str,
) -> AsyncIterator[StdioClient]:
    """A client of a server that this command starts.

    Args:
        command: The command.
        stderr: Where its log goes.
        heard: What else is done with each line that it writes.
        variables: What it finds in its environment.

    Raises:
        ConnectionError: It ended before the block did.
    """
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *command, stdin=pipe, stdout=pipe, stderr=stderr, env=environment(**variables), limit=_LINE
    )
    client = StdioClient(process, heard)
    reading = asyncio.create_task(client.read())
    try:
        yield client
        if process.returncode is not None:
            raise ConnectionError(f"the server ended with {process.returncode}")
    finally:
        reading.cancel()
        if process.returncode is None:
            process.terminate()
            await process.wait()


def question(key: str, tool: str = TOOL) -> dict[str, Any]:
    """A tool call over HTTP with a key, as the parts of a request."""
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": _PARAMS | {"name": tool}}
    return {"json": message, "headers": _HEADERS | {"mcp-name": tool, "x-capgo-api-key": key}}


class HttpCaller:
    """A caller of a server over HTTP, with a key of its own."""

    def __init__(self, http: httpx2.AsyncClient, url: str, number: int, tool: str = TOOL) -> None:
        self._http = http
        self._url = url
        self._question = question(key(number), tool)

    async def call(self) -> None:
        """Make a tool call and wait for its answer."""
        answer = await self._http.post(self._url, **self._question)
        _check(answer.json())


class BareCaller:
    """A caller of Capgo's API itself."""

    def __init__(self, http: httpx2.AsyncClient, api: str, number: int) -> None:
        self._http = http
        self._url = f"{api}/channel"
        self._headers = {"authorization": key(number)}

    async def call(self) -> None:
        """Ask what the tool would ask, and read the answer."""
        answer = await self._http.get(self._url, params=QUERY, headers=self._headers)
        answer.raise_for_status().json()


@asynccontextmanager
async def connections() -> AsyncIterator[httpx2.AsyncClient]:
    """Connections for any number of callers at once."""
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx2.AsyncClient(timeout=60, limits=limits) as http:
        yield http


def _check(message: dict[str, Any]) -> None:
    """A benchmark of errors would be fast and worthless."""
    if "result" not in message or message["result"].get("isError"):
        raise RuntimeError(json.dumps(message)[:500])
