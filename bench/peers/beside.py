"""This server beside its peers, in one run: `make bench PEERS=1` prints one table and keeps it for the pages.

The peers are what somebody would take instead: the vendor's command line, FastMCP over the API's description, and the
SDK alone, which passes on what it gets. All are measured in turns, in front of an upstream that answers at once.
"""

import json
import os
import platform
import shutil
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Final

import httpx2

from bench.clients import QUERY, StdioClient, client_of
from bench.figures import Call, Load, load
from bench.peers import description
from bench.servers import PYTHON, canned, stdio_command
from bench.start import started
from bench.upstream import APP, key
from evals.tokens import estimated
from scripts import fastmcp, npm

FILE: Final = Path(__file__).with_name("beside.json")
OURS: Final = "capgo-mcp"
BARE: Final = "the SDK alone"
_WRAPPER: Final = f"FastMCP {fastmcp.VERSION} from OpenAPI"
_VENDORS: Final = f"@capgo/cli {npm.VERSIONS['@capgo/cli']}"
_ELSEWHERE: Final = {_VENDORS}
"""What asks no other Capgo than the vendor's."""

_STARTS: Final = 7
_ROUNDS: Final = 9
_TURNS: Final = 8
_A_TURN: Final = 20
"""Calls of a server before the next one has its turn."""

_AT_ONCE: Final = 32
_ALONE: Final = "httpx2 alone"
_DEVICES: Final = ("capgo_list_devices", {"app_id": APP, "limit": 50})
_CHANNEL: Final = ("capgo_get_channel", dict(QUERY))
_CALLS: Final[Sequence[tuple[str, dict[str, Any]]]] = (_DEVICES, _CHANNEL)
_REQUESTS: Final = (("/device", {"app_id": APP, "limit": "50"}), ("/channel", QUERY))
"""Those calls, as Capgo is asked."""

_CALLED: Final = {_WRAPPER: {"capgo_get_channel": "capgo_list_channels"}}
"""Tools that have another name there."""
_ROWS: Final[Mapping[str, tuple[str, dict[str, Any]]]] = {
    "devices": _DEVICES,
    "bundles": ("capgo_list_bundles", {"app_id": APP, "limit": 50}),
}


@dataclass
class Beside:
    """What one server takes; None where it cannot be pointed at the upstream.

    Attributes:
        start: Milliseconds from its start to the list of its tools.
        memory: Megabytes it had at most until then.
        adds: Milliseconds that a call adds to its request, one by one.
        adds_one_row: The same where the answer is one row.
        rate: Calls a second, 32 at once.
        tools: Tokens of the list of its tools.
        rows: Tokens of 50 rows of each kind.
    """

    start: float
    memory: float
    tools: int
    adds: float | None = None
    adds_one_row: float | None = None
    rate: float | None = None
    rows: Mapping[str, int] | None = None


async def measure() -> None:
    """Measure all of them, print the table, and keep it."""
    with canned() as api:
        commands = _commands(api)
        beside = await _starts(commands, api)
        await _calls(
            {name: command for name, command in commands.items() if not name.startswith("@capgo")}, api, beside
        )
    told = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}",
        "servers": {name: asdict(one) for name, one in beside.items()},
    }
    FILE.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    for name, one in beside.items():
        print(f"  {name:22} {one}")


def _commands(api: str) -> dict[str, list[str]]:
    file = str(description.written(api))
    commands = {
        OURS: stdio_command(),
        BARE: [PYTHON, "-m", "bench.peers.bare", "stdio", api],
        _WRAPPER: [str(fastmcp.python()), "-m", "bench.peers.openapi", "stdio", api, file],
    }
    if npm.available():
        program = npm.program("@capgo/cli", "capgo")
        commands[_VENDORS] = [str(shutil.which("node")), str(program), "mcp"]
    return commands


async def _starts(commands: Mapping[str, list[str]], api: str) -> dict[str, Beside]:
    times: dict[str, list[float]] = {name: [] for name in commands}
    peaks: dict[str, list[float]] = {name: [] for name in commands}
    lists: dict[str, str] = {}
    for turn in range(_STARTS + 1):
        for name, command in commands.items():
            seconds, peak, lists[name] = started(command, CAPGO_API_URL=api, CAPGO_API_KEY=key(0))
            if turn:  # the first one fills the disk's cache
                times[name].append(seconds * 1000)
                peaks[name].append(peak)
    return {
        name: Beside(start=median(times[name]), memory=median(peaks[name]), tools=_tokens_of_list(lists[name]))
        for name in commands
    }


def _tokens_of_list(line: str) -> int:
    """What a client passes on to its model: names, descriptions and input schemas."""
    tools = json.loads(line)["result"]["tools"]
    told = [{name: tool.get(name) for name in ("name", "description", "inputSchema")} for tool in tools]
    return estimated(json.dumps(told, ensure_ascii=False, separators=(",", ":")))


async def _calls(commands: Mapping[str, list[str]], api: str, beside: Mapping[str, Beside]) -> None:
    rounds = [await _round(commands, api, beside) for _ in range(_ROUNDS)]

    def told(name: str, which: int) -> float:
        return median(one[which][name] for one in rounds)

    for name in commands:
        beside[name].adds = told(name, 0) - told(_ALONE, 0)
        beside[name].adds_one_row = told(name, 1) - told(_ALONE, 1)
        beside[name].rate = told(name, 2)


async def _round(commands: Mapping[str, list[str]], api: str, beside: Mapping[str, Beside]) -> list[dict[str, float]]:
    """Milliseconds of a call with fifty rows and of one with one, and calls a second with many at once.

    All are started anew: which core a process comes to lie on, and beside which other, is worth more than what they do.
    """
    async with AsyncExitStack() as running, httpx2.AsyncClient(base_url=api) as http:
        callers: dict[str, list[Call]] = {_ALONE: [partial(_requested, http, path, asked) for path, asked in _REQUESTS]}
        for name, command in commands.items():
            client = await running.enter_async_context(client_of(command, api))
            await client.greet()
            beside[name].rows = {kind: estimated(await _text(client, *call)) for kind, call in _ROWS.items()}
            named = _CALLED.get(name, {})
            callers[name] = [partial(_text, client, named.get(tool, tool), asked) for tool, asked in _CALLS]
        devices, one_row = [{name: calls[kind] for name, calls in callers.items()} for kind in (0, 1)]
        times = [await _in_turns(calls) for calls in (devices, one_row)]
        rates = await _in_turns(devices, at_once=_AT_ONCE)
    return [
        *({name: median(one.percentile(50) for one in loads) for name, loads in each.items()} for each in times),
        {name: median(one.rate for one in loads) for name, loads in rates.items()},
    ]


async def _in_turns(calls: Mapping[str, Call], at_once: int = 1) -> dict[str, list[Load]]:
    """What each takes, in short turns: whatever else the machine does meets all of them alike."""
    loads: dict[str, list[Load]] = {name: [] for name in calls}
    for turn in range(_TURNS + 1):
        for name, call in calls.items():
            one = await load([call] * at_once, max(_A_TURN, 4 * at_once))
            if turn:  # the first one finds nothing ready
                loads[name].append(one)
    return loads


async def _requested(http: httpx2.AsyncClient, path: str, asked: Mapping[str, str]) -> None:
    """Make the request itself, and read its answer."""
    (await http.get(path, params=asked, headers={"authorization": key(0)})).raise_for_status().json()


async def _text(client: StdioClient, name: str, arguments: dict[str, Any]) -> str:
    result = await client.ask("tools/call", {"name": name, "arguments": arguments})
    return str(result["content"][0]["text"])
