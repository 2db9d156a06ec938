"""Attacks on a team's server, each of which tells what got through, to Capgo and to those who did nothing wrong."""

import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any, Final

import anyio
import httpx2

from bench.clients import HttpCaller, connections, question
from bench.figures import Load, load
from bench.servers import memory, seen, team_server, upstream
from bench.upstream import key

_KNOWN: Final = 20
"""Callers who called before the attack."""
_UPLOADS: Final = 2000
_BLOCKED_AT: Final = 20


@dataclass
class Scene:
    """A team's server before a Capgo that blocks an address as the real one does.

    Attributes:
        http: Connections for callers.
        api: Where Capgo is.
        url: Where the server is.
        pid: Its process.
    """

    http: httpx2.AsyncClient
    api: str
    url: str
    pid: int

    async def ask(self, keys: Iterable[str], at_once: int) -> Counter[str]:
        """How calls with these keys ended: ok, or the code of the error."""
        ends: Counter[str] = Counter()
        left = iter(keys)

        async def go_on() -> None:
            for one in left:
                ends[await self._end(one)] += 1

        async with anyio.create_task_group() as tasks:
            for _ in range(at_once):
                tasks.start_soon(go_on)
        return ends

    async def _end(self, one: str) -> str:
        try:
            answer = await self.http.post(self.url, **question(one))
            result = answer.json()["result"]
        except (httpx2.HTTPError, json.JSONDecodeError, KeyError) as error:
            return type(error).__name__
        return str(result["content"][0]["text"]).partition("]")[0].strip("[") if result.get("isError") else "ok"

    async def known(self) -> Counter[str]:
        """How a call of each known caller ends."""
        return await self.ask(map(key, range(_KNOWN)), _KNOWN)

    def tell(self, what: str, ends: Mapping[str, int]) -> None:
        """Print how calls ended."""
        print(f"  {what:34}{', '.join(f'{count} {end}' for end, count in sorted(ends.items()))}")

    def tell_capgo(self, before: Mapping[str, int]) -> None:
        """Print what reached Capgo."""
        now = seen(self.api)
        more = {name: now[name] - before[name] for name in now}
        verdict = "never blocked" if not more["blocked"] else f"BLOCKED, {more['blocked']} requests"
        print(
            f"  {'reached Capgo':34}{more['requests']} requests, {more['refused']} failed logins of the {_BLOCKED_AT} "
            f"that block the address: {verdict}"
        )
        print(f"  {'memory of the server':34}{memory(self.pid, 'VmHWM'):.0f} MB at most")


@asynccontextmanager
async def _scene() -> AsyncIterator[Scene]:
    with upstream(blocks=True) as api, team_server(api) as (url, pid):
        async with connections() as http:
            yield Scene(http, api, url, pid)


def _wrong(count: int) -> Iterable[str]:
    return (f"deadbeef-0000-4000-8000-{number:012d}" for number in range(count))


async def garbage() -> None:
    """10,000 keys that nobody has, from 50 at once."""
    async with _scene() as scene:
        scene.tell("known callers, before", await scene.known())
        before = seen(scene.api)
        scene.tell("10,000 wrong keys", await scene.ask(_wrong(10_000), 50))
        scene.tell("known callers, after", await scene.known())
        scene.tell_capgo(before)


async def uploads() -> None:
    """2,000 clients that send their bodies a byte now and then, while known callers go on."""
    async with _scene() as scene:
        callers = [HttpCaller(scene.http, scene.url, number).call for number in range(_KNOWN)]
        await load(callers, 200)
        calm = await load(callers, 1000)
        before = seen(scene.api)
        async with anyio.create_task_group() as tasks:
            for _ in range(_UPLOADS):
                tasks.start_soon(_upload, httpx2.URL(scene.url))
            await anyio.sleep(3)
            under = await load(callers, 1000)
            tasks.cancel_scope.cancel()
        _tell_times(calm, under)
        scene.tell("known callers, after", await scene.known())
        scene.tell_capgo(before)


def _tell_times(calm: Load, under: Load) -> None:
    print(f"  calm                              {calm}")
    print(f"  with {_UPLOADS:,} slow uploads          {under}   p99 x{under.percentile(99) / calm.percentile(99):.2f}")


async def _upload(url: httpx2.URL) -> None:
    lines = f"POST {url.path} HTTP/1.1", f"host: {url.host}", "content-type: application/json", "content-length: 60000"
    head = "\r\n".join((*lines, "", ""))
    while True:
        try:
            async with await anyio.connect_tcp(url.host, url.port or 80) as stream:
                await stream.send(head.encode())
                while True:
                    await stream.send(b" ")
                    await anyio.sleep(2)
        except (OSError, anyio.BrokenResourceError):  # the server has had enough of it; here comes the next one
            await anyio.sleep(1)


async def herd() -> None:
    """500 engineers who all call after a restart, of a Capgo that takes 300 ms."""
    async with _scene() as scene:
        before = seen(scene.api, delay=0.3)
        started = time.monotonic()
        ends = await scene.ask(map(key, range(500)), 500)
        scene.tell("500 good keys at once", ends)
        print(f"  {'the last one had waited':34}{time.monotonic() - started:.1f} s")
        scene.tell_capgo(before)


async def outage() -> None:
    """40 wrong keys while Capgo answers 503, and again when it is back."""
    async with _scene() as scene:
        scene.tell("known callers, before", await scene.known())
        before = seen(scene.api, away=True)
        scene.tell("40 wrong keys, Capgo away", await scene.ask(_wrong(40), 10))
        seen(scene.api, away=False)
        scene.tell("known callers, Capgo back", await scene.known())
        scene.tell("the wrong keys again", await scene.ask(_wrong(40), 10))
        scene.tell("known callers, after", await scene.known())
        scene.tell_capgo(before)


async def expired() -> None:
    """A client that goes on calling with a key that has expired, 2,000 times."""
    async with _scene() as scene:
        scene.tell("known callers, before", await scene.known())
        before = seen(scene.api)
        ends = await scene.ask(chain.from_iterable(repeat(one, 2000) for one in _wrong(1)), 4)
        scene.tell("2,000 calls with one old key", ends)
        scene.tell("new callers, after", await scene.ask(map(key, range(_KNOWN, 2 * _KNOWN)), _KNOWN))
        scene.tell("known callers, after", await scene.known())
        scene.tell_capgo(before)


ATTACKS: Final[Mapping[str, Callable[[], Awaitable[Any]]]] = {
    "garbage": garbage,
    "uploads": uploads,
    "herd": herd,
    "outage": outage,
    "expired": expired,
}
"""Every attack, by its name."""
