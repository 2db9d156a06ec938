"""The server under attack: a process of its own, its calls, and how long it was silent meanwhile."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Final

from bench.clients import StdioClient, started
from bench.servers import memory

GIVEN_UP: Final = 30.0
"""Seconds after which an answer is not waited for any longer."""

_TIMEOUT: Final = "1"
"""Seconds a call may take; those that read devices have as many more, once or twice."""
_FLAGS: Final = ("--toolsets", "all", "--rate", "1000000", "--timeout", _TIMEOUT, "--insight-timeout", _TIMEOUT)
_PING: Final = 0.05
_REVISION: Final = "2025-11-25"

Message = dict[str, Any]


class Victim:
    """A running server.

    Args:
        client: What speaks to it.
        folder: Where its key is.
    """

    def __init__(self, client: StdioClient, folder: Path) -> None:
        self._client = client
        self._folder = folder

    def use(self, key: str) -> None:
        """Give it another key."""
        use(key, self._folder)

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

    def memory(self) -> float:
        """The most megabytes that it ever had in memory; NaN where the system does not tell."""
        return memory(self._client.pid, "VmHWM")

    async def _ask(self, method: str, params: Message) -> Message:
        async with asyncio.timeout(GIVEN_UP):
            return await self._client.exchange(method, params)


def use(key: str, folder: Path) -> None:
    """Put a key where a server reads it before each call."""
    fresh = folder / "fresh"
    fresh.write_text(key, encoding="ascii")
    fresh.replace(folder / "key")


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
    use(key, folder)
    command = (sys.executable, "-m", "capgo_mcp", *_FLAGS, "--journal", str(folder / "journal"))
    told = {"CAPGO_API_KEY_FILE": str(folder / "key"), "CAPGO_API_URL": url}
    with (folder / "stdout").open("ab") as stdout, (folder / "stderr").open("ab") as stderr:
        async with started(command, stderr, stdout.write, **told) as client:
            await client.greet(_REVISION)
            yield Victim(client, folder)
