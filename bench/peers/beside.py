"""This server beside its peers, in one run: `make bench PEERS=1` prints one table and keeps it for the pages.

The peers are what somebody would take instead: the vendor's command line, FastMCP over the API's description, and the
SDK alone, which passes on what it gets. All are measured in turns, in front of an upstream that answers at once.
"""

import json
import os
import platform
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
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
from bench.servers import PYTHON, awake, canned, core_apart, keep_to, stdio_command
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
_TURNS: Final = 40
_A_TURN: Final = 20
"""Calls of a server before the next one has its turn."""

_AT_ONCE: Final = 32
_ALONE: Final = "httpx2 alone"


@dataclass(frozen=True)
class Question:
    """What a tool is asked, and how Capgo is asked the same."""

    tool: str
    path: str
    arguments: Mapping[str, Any]


_DEVICES: Final = Question("capgo_list_devices", "/device", {"app_id": APP, "limit": 50})
_BUNDLES: Final = Question("capgo_list_bundles", "/bundle", {"app_id": APP, "limit": 50})
_CHANNEL: Final = Question("capgo_get_channel", "/channel", QUERY)
_CALLED: Final = {(_WRAPPER, "capgo_get_channel"): "capgo_list_channels"}
"""Tools that have another name there."""


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
        beside = await _starts(_commands(api), api)
        await _many_at_once(api, beside)
    # Alone, a server comes to have a core to itself; of some that take short turns, one lies where the last one did.
    with awake(), core_apart() as core, canned() as api:
        await _one_by_one(api, core, beside)
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


async def _many_at_once(api: str, beside: Mapping[str, Beside]) -> None:
    async with _clients(api) as clients:
        for name, client in clients.items():
            texts = {kind: await _ask(name, client, of) for kind, of in (("devices", _DEVICES), ("bundles", _BUNDLES))}
            beside[name].rows = {kind: estimated(text) for kind, text in texts.items()}
        loads = await _in_turns({name: partial(_ask, name, one, _DEVICES) for name, one in clients.items()}, _AT_ONCE)
    for name, told in loads.items():
        beside[name].rate = median(one.rate for one in told)


async def _one_by_one(api: str, core: set[int], beside: Mapping[str, Beside]) -> None:
    async with _clients(api) as clients, httpx2.AsyncClient(base_url=api) as http:
        for client in clients.values():
            keep_to(core, client.pid)
        devices, one_row = [await _added(clients, http, question) for question in (_DEVICES, _CHANNEL)]
    for name, one in devices.items():
        beside[name].adds, beside[name].adds_one_row = one, one_row[name]


async def _added(clients: Mapping[str, StdioClient], http: httpx2.AsyncClient, question: Question) -> dict[str, float]:
    """Milliseconds of a call beyond those of its request."""
    calls: dict[str, Call] = {name: partial(_ask, name, client, question) for name, client in clients.items()}
    loads = await _in_turns({_ALONE: partial(_request, http, question), **calls})
    took = {name: median(one.percentile(50) for one in told) for name, told in loads.items()}
    return {name: took[name] - took[_ALONE] for name in clients}


@asynccontextmanager
async def _clients(api: str) -> AsyncIterator[dict[str, StdioClient]]:
    """A client of each server that can be pointed at the upstream."""
    async with AsyncExitStack() as running:
        clients = {
            name: await running.enter_async_context(client_of(command, api))
            for name, command in _commands(api).items()
            if name not in _ELSEWHERE
        }
        for client in clients.values():
            await client.greet()
        yield clients


async def _in_turns(calls: Mapping[str, Call], at_once: int = 1) -> dict[str, list[Load]]:
    """What each takes, in short turns: whatever else the machine does meets all of them alike."""
    loads: dict[str, list[Load]] = {name: [] for name in calls}
    for turn in range(_TURNS + 1):
        for name, call in calls.items():
            one = await load([call] * at_once, max(_A_TURN, 3 * at_once))
            if turn:  # the first one finds nothing ready
                loads[name].append(one)
    return loads


async def _request(http: httpx2.AsyncClient, question: Question) -> None:
    answer = await http.get(question.path, params=question.arguments, headers={"authorization": key(0)})
    answer.raise_for_status().json()


async def _ask(name: str, client: StdioClient, question: Question) -> str:
    """The text that a server answers with."""
    tool = _CALLED.get((name, question.tool), question.tool)
    result = await client.ask("tools/call", {"name": tool, "arguments": dict(question.arguments)})
    return str(result["content"][0]["text"])
