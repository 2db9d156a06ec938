"""Where the time of a read goes: the processor time of each stage from the bytes of an answer to a result."""

import time
from collections.abc import Callable
from typing import Any, Final

import httpx2

from capgo_mcp.agent import arguments, render
from capgo_mcp.agent.generated import controls
from capgo_mcp.client import wire
from capgo_mcp.client.body import Mask, parsed
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.client.key import StaticKey
from capgo_mcp.config.settings import Settings
from capgo_mcp.operations.devices import ListDevices
from capgo_mcp.sandbox import ADMIN_KEY, create_app, seeded
from capgo_mcp.sandbox.seed.people import DEMO_APP
from capgo_mcp.server.tools import Toolbox

_ROWS: Final = 50
_ROUNDS: Final = 7
_REPEATS: Final = 100
_ASKED: Final = ListDevices(app_id=DEMO_APP, limit=_ROWS)


async def measure() -> None:
    """Print the least processor time of each stage, in microseconds a call, for a list of 50 devices."""
    content = await _content()
    mask = Mask(ADMIN_KEY)
    answer = wire.read_answer(_ASKED, 200, {}, content, mask)
    facts = render.shown(answer)
    call = {"app_id": DEMO_APP, "limit": _ROWS}
    flags = controls(ListDevices)
    _print("arguments read", _least(lambda: arguments.read(ListDevices, flags, {}, call)))
    _print("body read, within bounds, without the key", _least(lambda: parsed(content, mask)))
    _print("the same and rows validated", _least(lambda: wire.read_answer(_ASKED, 200, {}, content, mask)))
    _print("facts cleaned", _least(lambda: render.shown(answer)))
    _print("text made, its length checked", _least(lambda: render.fitted(_ASKED, facts)))
    async with Capgo(ADMIN_KEY, url="http://bench.invalid", transport=_Canned(content), rate=1e9) as capgo:
        toolbox = Toolbox(capgo, Settings(key=StaticKey(ADMIN_KEY)))
        _print("all of a call, without a network", await _least_of_calls(toolbox, call))


class _Canned(httpx2.AsyncBaseTransport):
    """Answers everything with the same body."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def handle_async_request(self, _: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=self._content)


async def _content() -> bytes:
    transport = httpx2.ASGITransport(create_app(seeded()))
    async with httpx2.AsyncClient(transport=transport, base_url="http://bench.invalid") as http:
        request = wire.write_request(_ASKED)
        answer = await http.get(request.path, params=dict(request.query), headers={"authorization": ADMIN_KEY})
        return answer.raise_for_status().content


def _least(stage: Callable[[], object]) -> float:
    times = []
    for _ in range(_ROUNDS):
        started = time.process_time()
        for _ in range(_REPEATS):
            stage()
        times.append(time.process_time() - started)
    return min(times) / _REPEATS


async def _least_of_calls(toolbox: Toolbox, call: dict[str, Any]) -> float:
    times = []
    for _ in range(_ROUNDS):
        started = time.process_time()
        for _ in range(_REPEATS):
            await toolbox.call("capgo_list_devices", call)
        times.append(time.process_time() - started)
    return min(times) / _REPEATS


def _print(stage: str, seconds: float) -> None:
    print(f"  {stage:42} {seconds * 1e6:7.0f} us")
