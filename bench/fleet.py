"""What it takes to count a large fleet: requests, seconds, memory, and the part of an agent's context it fills."""

import json
import os
import time
import tracemalloc
from datetime import UTC, datetime
from typing import Any, Final, get_args

import anyio
import httpx2
import mcp_types as t

from bench.servers import memory
from capgo_mcp.api.text import compact
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.client.key import StaticKey
from capgo_mcp.client.reads import CURSOR_ROWS
from capgo_mcp.config.settings import Settings
from capgo_mcp.insights.summary import Property
from capgo_mcp.sandbox import ADMIN_KEY, State, create_app, seeded
from capgo_mcp.sandbox.rows import new_device
from capgo_mcp.sandbox.seed.people import NOTES_APP
from capgo_mcp.server.tools import Toolbox

_DEVICES: Final = 100_000
_LARGE: Final = (100_000, 1_000_000)
_LATENCY: Final = 0.05
_VERSIONS: Final = 40
_RATE: Final = 100_000.0
"""Requests a minute, as many as there is time for; with the usual 100 the walk would take a minute."""
_CHARACTERS: Final = 2.9
"""Characters of such an answer that make a token of o200k, counted once."""
_CALL: Final = {"app_id": NOTES_APP}
_ALL: Final = {**_CALL, "group_by": list(get_args(Property))}


class _Counted(httpx2.ASGITransport):
    """Carries requests to the sandbox, counting them and the time they spend there."""

    requests = 0
    seconds = 0.0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        started = time.perf_counter()
        response = await super().handle_async_request(request)
        self.requests += 1
        self.seconds += time.perf_counter() - started
        return response


class _Distant(httpx2.AsyncBaseTransport):
    """A Capgo far away that has as many devices as are wanted, told in the same page over and over."""

    def __init__(self, devices: int) -> None:
        self._rest = devices
        self.requests = 0
        rows = [new_device(NOTES_APP, f"ffffffff-0000-4000-8000-{number:012}", f"1.{number % 7}.{number % _VERSIONS}",
                           datetime.now(UTC).isoformat()) for number in range(CURSOR_ROWS)]  # fmt: skip
        self._rows = [json.dumps(row) for row in rows]

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.requests += 1
        await anyio.sleep(_LATENCY)
        rows = self._rows[: min(self._rest, CURSOR_ROWS)]
        self._rest -= len(rows)
        more = f'"nextCursor":"{self.requests}",' if self._rest else ""
        return httpx2.Response(200, content=f'{{{more}"data":[{",".join(rows)}]}}'.encode(), request=request)


async def measure() -> None:
    """Summarize large fleets behind a latency, while memory is not filled by a sandbox, and then one in it."""
    for devices in _LARGE:
        await _at_a_distance(devices)
    await _in_sandbox()


async def _at_a_distance(devices: int) -> None:
    """How much longer it takes than the requests alone, one after the other, and what it needs of memory."""
    alone = _Distant(devices)
    transport = _Distant(devices)
    settings = Settings(key=StaticKey(ADMIN_KEY), insight_timeout=3600)
    async with httpx2.AsyncClient(transport=alone, base_url="http://far.invalid") as http:
        started = time.perf_counter()
        while "nextCursor" in (await http.get("/device")).text[:100]:
            pass
        least = time.perf_counter() - started
    async with Capgo(ADMIN_KEY, url="http://far.invalid", transport=transport, rate=_RATE) as capgo:
        toolbox = Toolbox(capgo, settings)
        idle = memory(os.getpid())
        started = time.perf_counter()
        summary = await _summary(toolbox, _CALL)
        took = time.perf_counter() - started
    assert summary["devices"] == devices
    grown = memory(os.getpid(), "VmHWM") - idle
    print(f"  {devices:9,} devices at {_LATENCY * 1000:g} ms: x{took / least:.2f} of the requests alone, "
          f"{took:.1f} s, {grown:+.1f} MB at most")  # fmt: skip


async def _in_sandbox() -> None:
    """Summarize the fleet once for the time, and once more for the memory."""
    transport = _Counted(app=create_app(_crowded()))
    settings = Settings(key=StaticKey(ADMIN_KEY), insight_timeout=3600)
    async with Capgo(ADMIN_KEY, url="http://sandbox.invalid", transport=transport, rate=_RATE) as capgo:
        toolbox = Toolbox(capgo, settings)
        started = time.perf_counter()
        summary = await _summary(toolbox, _CALL)
        took = time.perf_counter() - started
        print(f"  {summary['devices']:,} devices in {transport.requests} requests")
        print(f"  {took:.1f} s, of which {transport.seconds:.1f} s in the sandbox")
        tracemalloc.start()
        everything = await _summary(toolbox, _ALL)
        print(f"  peak memory {tracemalloc.get_traced_memory()[1] / 2**20:.1f} MB, the sandbox's pages included")
        tracemalloc.stop()
    for name, answer in (("as asked by default", summary), ("by every property", everything)):
        text = compact(answer)
        print(f"  answer {name}: {len(text):,} characters, about {len(text) / _CHARACTERS:.0f} tokens")


async def _summary(toolbox: Toolbox, arguments: dict[str, Any]) -> dict[str, Any]:
    result = await toolbox.call("capgo_summarize_devices", arguments)
    assert isinstance(result, t.CallToolResult)
    assert result.structured_content is not None
    facts: dict[str, Any] = result.structured_content
    return facts


def _crowded() -> State:
    """A sandbox in which one app has a hundred thousand devices."""
    state = seeded()
    now = state.now()
    for number in range(_DEVICES - sum(app_id == NOTES_APP for app_id, _ in state.devices)):
        device_id = f"ffffffff-0000-4000-8000-{number:012}"
        state.devices[NOTES_APP, device_id] = new_device(
            NOTES_APP,
            device_id,
            f"1.{number % 7}.{number % _VERSIONS}",
            now,
            platform=("ios", "android", "electron")[number % 3],
            os_version=str(12 + number % 9),
            plugin_version=f"7.{number % 11}.0",
            version_build=f"1.{number % 5}.0",
        )
    return state
