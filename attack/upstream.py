"""What stands in Capgo's place, in a process of its own: answers as the attack says, and counts the writes that arrive.

It prints its port. Each line that it reads then names how it fails from now on; it answers with a line of JSON: the
writes that came again since the line before, though the first one may have been done.
"""

import asyncio
import json
import re
import sys
from collections import Counter
from contextlib import suppress
from typing import Final

import httpx2

from attack.faults import Kind, kinds
from attack.fuzz import Fuzzer
from capgo_mcp.api.operation import Effect
from capgo_mcp.operations import every
from capgo_mcp.sandbox import ADMIN_KEY, Limits, State, create_app, seeded
from tests.support.faulty import HEALTHY, End, http, read_request
from tests.support.keys import KEY, disguises

FUZZED: Final = "FUZZED"
"""How it fails when it answers what the fuzzer makes."""

_ROUNDS: Final = 300
"""How often the bytes of an endless answer are sent."""
_SAYS_NOT_DONE: Final = 429
_PATHS: Final = [
    (operation.spec.method, re.compile(re.sub(r"{\w+}", "[^/]+", operation.spec.path)))
    for operation in every()
    if operation.spec.effect is not Effect.READ and operation.spec.method != "GET"
]


class Upstream:
    """A hostile Capgo."""

    def __init__(self) -> None:
        self._kinds = kinds(KEY)
        self._name = ""
        self._fuzzer = Fuzzer([*disguises(KEY).values()])
        self._asked: Counter[str] = Counter()
        self._written: set[str] = set()
        self._doubled: list[str] = []
        self._account = _account()

    def turn(self, name: str) -> list[str]:
        """Fail in another way; the writes that came twice until now."""
        self._name = name
        doubled, self._doubled = self._doubled, []
        self._written.clear()
        return doubled

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the one request of a connection."""
        kind = self._kinds.get(self._name)
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            if kind is None or kind.fault.reads:
                request = await read_request(reader)
                answer = await self._answer(request, kind)
                self._note(request, answer)
                writer.write(answer)
                await writer.drain()
            if kind is not None:
                await _end(kind, reader, writer)
        writer.close()

    async def _answer(self, request: httpx2.Request, kind: Kind | None) -> bytes:
        if kind is not None and kind.fault is not HEALTHY:
            return kind.fault.answer
        if _writes(request):
            self._account = _account()  # what one call destroys is there for the next one
        response = await self._account.handle_async_request(request)
        status, body = response.status_code, await response.aread()
        if kind is not None:
            return http(status, body)
        asked = f"{request.method} {request.url.raw_path.decode()}"
        self._asked[asked] += 1
        return http(*self._fuzzer.answer(f"{asked} {self._asked[asked]}", status, body))

    def _note(self, request: httpx2.Request, answer: bytes) -> None:
        """Remember a write, unless it is told that it was not done."""
        if not _writes(request):
            return
        told = f"{request.headers.get('x-request-id')} {request.method} {request.url.raw_path!r} {request.content!r}"
        if told in self._written:
            self._doubled.append(f"{self._name} {told}")
        elif not answer.startswith(b"HTTP/1.1 %d " % _SAYS_NOT_DONE):
            self._written.add(told)


async def _end(kind: Kind, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    match kind.fault.end:
        case End.RESET:
            writer.transport.abort()
        case End.HANG | End.HOLD:
            await reader.read()
        case End.REPEAT:
            for _ in range(_ROUNDS):
                writer.write(kind.fault.answer)
                await writer.drain()


def _writes(request: httpx2.Request) -> bool:
    """Whether a request changes something; some reads are posts, and asking for a build may end it, but is no order."""
    return any(method == request.method and path.fullmatch(request.url.path) for method, path in _PATHS)


def _account() -> httpx2.ASGITransport:
    """The sandbox with a key that may do everything, and without limits."""
    state: State = seeded()
    next(row for row in state.keys.values() if row["key"] == ADMIN_KEY)["key"] = KEY
    state.limits = Limits(key_window=0, device_window=0, same_channel_window=0, address_window=0)
    return httpx2.ASGITransport(app=create_app(state))


async def main() -> None:
    """Serve until there are no more lines to read."""
    upstream = Upstream()
    async with await asyncio.start_server(upstream.serve, "127.0.0.1", 0) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps(upstream.turn(line.strip())), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
