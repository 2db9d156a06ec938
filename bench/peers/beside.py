"""This server beside its peers, in one run: `make bench PEERS=1` prints one table and keeps it for the pages.

The peers are what somebody would take instead: the vendor's command line, FastMCP over the API's description, and the
SDK alone, which passes on what it gets. All are measured in turns, in front of an upstream that answers at once.
"""

import json
import os
import platform
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

import httpx2

from bench.clients import QUERY, StdioClient, client_of
from bench.figures import Load, load
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
_ROUNDS: Final = 5
_CALLS: Final = 200
_AT_ONCE: Final = 32
_DEVICES: Final = ("capgo_list_devices", {"app_id": APP, "limit": 50})
_CHANNEL: Final = ("capgo_get_channel", dict(QUERY))
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
    alone = {name: await _alone(api, path, asked) for name, path, asked in _REQUESTS}
    for name, command in commands.items():
        async with client_of(command, api) as client:
            await client.greet()
            one = beside[name]
            one.rows = {kind: estimated(await _text(client, *call)) for kind, call in _ROWS.items()}
    rounds: dict[str, list[tuple[float, float, float]]] = {name: [] for name in commands}
    for _ in range(_ROUNDS):
        for name, command in commands.items():
            rounds[name].append(await _round(command, api, _CALLED.get(name, {})))
    for name, told in rounds.items():
        devices, one_row, rate = (median(figures) for figures in zip(*told, strict=True))
        beside[name].adds = devices - alone["devices"]
        beside[name].adds_one_row = one_row - alone["one row"]
        beside[name].rate = rate


_REQUESTS: Final = (
    ("devices", "/device", {"app_id": APP, "limit": "50"}),
    ("one row", "/channel", QUERY),
)


async def _alone(api: str, path: str, asked: Mapping[str, str]) -> float:
    """Milliseconds of the request itself, one by one."""
    async with httpx2.AsyncClient(base_url=api) as http:

        async def ask() -> None:
            (await http.get(path, params=asked, headers={"authorization": key(0)})).raise_for_status().json()

        await load([ask], _CALLS // 4)
        return median([(await load([ask], _CALLS)).percentile(50) for _ in range(_ROUNDS)])


async def _round(command: list[str], api: str, names: Mapping[str, str]) -> tuple[float, float, float]:
    """Milliseconds of a call with fifty rows and of one with one, and calls a second with many at once."""
    async with client_of(command, api) as client:
        await client.greet()
        calls = [(names.get(name, name), arguments) for name, arguments in (_DEVICES, _CHANNEL)]
        for call in calls:
            await _load(client, call, 1, _CALLS // 4)
        devices, row = [(await _load(client, call, 1, _CALLS)).percentile(50) for call in calls]
        return devices, row, (await _load(client, _DEVICES, _AT_ONCE, 3 * _CALLS)).rate


async def _load(client: StdioClient, call: tuple[str, dict[str, Any]], at_once: int, calls: int) -> Load:
    async def make() -> None:
        await _text(client, *call)

    return await load([make] * at_once, calls)


async def _text(client: StdioClient, name: str, arguments: dict[str, Any]) -> str:
    result = await client.ask("tools/call", {"name": name, "arguments": arguments})
    return str(result["content"][0]["text"])
