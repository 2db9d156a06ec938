"""The server under attack: a process of its own, its calls, and how long it was silent meanwhile."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

from bench.servers import environment, memory
from capgo_mcp.client.version import __version__

GIVEN_UP: Final = 30.0
"""Seconds after which an answer is not waited for any longer."""

_TIMEOUT: Final = "1"
"""Seconds a call may take; those that read devices have as many more, once or twice."""
_FLAGS: Final = ("--toolsets", "all", "--rate", "1000000", "--timeout", _TIMEOUT, "--insight-timeout", _TIMEOUT)
_PING: Final = 0.05
_LINE: Final = 2**26
_INITIALIZE: Final = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "attack", "version": __version__},
}

Message = dict[str, Any]


class Victim:
    """A running server.

    Args:
        process: It.
        folder: Where its key and all that it writes are.
    """

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self._process = process
        self._folder = folder
        self._number = 0
        self._waiting: dict[int, asyncio.Future[Message]] = {}

    def use(self, key: str) -> None:
        """Give it another key."""
        fresh = self._folder / "fresh"
        fresh.write_text(key, encoding="ascii")
        fresh.replace(self._folder / "key")

    async def call(self, tool: str, arguments: Message) -> Message:
        """The JSON-RPC answer to a call of a tool; an error of our own where none comes."""
        try:
            return await self._ask("tools/call", {"name": tool, "arguments": arguments})
        except (TimeoutError, ConnectionError):
            return {"error": f"no answer within {GIVEN_UP:g} seconds"}

    async def silence(self, *calls: asyncio.Task[Any]) -> float:
        """The longest that a ping waits for its answer until all calls have ended, in seconds."""
        longest = 0.0
        while not all(call.done() for call in calls):
            asked = time.monotonic()
            with suppress(TimeoutError, ConnectionError):
                await self._ask("ping", {})
            longest = max(longest, time.monotonic() - asked)
            await asyncio.sleep(_PING)
        return longest

    async def greet(self) -> None:
        """Shake hands."""
        await self._ask("initialize", _INITIALIZE)
        self._send({"method": "notifications/initialized"})

    def memory(self) -> float:
        """The most megabytes that it ever had in memory; NaN where the system does not tell."""
        return memory(self._process.pid, "VmHWM")

    async def read(self) -> None:
        """Hand out what it answers, for as long as it runs; all of it is kept in a file."""
        assert self._process.stdout is not None
        with (self._folder / "stdout").open("ab") as told:
            async for line in self._process.stdout:
                told.write(line)
                answer = json.loads(line)
                waiting = self._waiting.pop(answer.get("id", 0), None)
                if waiting and not waiting.done():
                    waiting.set_result(answer)
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(ConnectionError())

    async def _ask(self, method: str, params: Message) -> Message:
        self._number += 1
        waiting: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[self._number] = waiting
        self._send({"id": self._number, "method": method, "params": params})
        async with asyncio.timeout(GIVEN_UP):
            return await waiting

    def _send(self, message: Message) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")


@asynccontextmanager
async def attacked(url: str, key: str, folder: Path) -> AsyncIterator[Victim]:
    """A fresh server that takes what is at the address for Capgo; ends when the block does.

    Args:
        url: The address.
        key: The key it begins with.
        folder: Where its key, output, log and journal are.

    Raises:
        ConnectionError: It ended before.
    """
    with (folder / "stderr").open("ab") as stderr:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "capgo_mcp", *_FLAGS, "--journal", str(folder / "journal")),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            env=environment(CAPGO_API_KEY_FILE=str(folder / "key"), CAPGO_API_URL=url),
            limit=_LINE,
        )
    victim = Victim(process, folder)
    victim.use(key)
    reading = asyncio.create_task(victim.read())
    try:
        await victim.greet()
        yield victim
        if process.returncode is not None:
            raise ConnectionError(f"the server ended with {process.returncode}")
    finally:
        reading.cancel()
        if process.returncode is None:
            process.terminate()
            await process.wait()
