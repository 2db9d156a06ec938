"""CPU of a call and connections to Capgo, with many callers, beside the SDK's bare server and FastMCP, in one run."""

from contextlib import ExitStack
from statistics import median
from typing import Final

from bench.clients import TOOL, HttpCaller, connections
from bench.figures import load
from bench.peers.description import written
from bench.servers import core_apart, cpu, keep_to, opened, peer, team_server, upstream
from scripts import fastmcp

KEYS: Final = (20, 200, 400)
_AT_ONCE: Final = 16
_CALLS: Final = 600
_ROUNDS: Final = 5
_OURS: Final = "capgo-mcp"
_WRAPPER: Final = "FastMCP"
_CALLED: Final = {_WRAPPER: "capgo_list_channels"}
"""What the same question is called there: what is one tool for a list and one for a row here is one there."""


async def measure() -> None:
    """Call each server in turns, and print the middle round of each; ratios say more than figures.

    The servers share a core of their own: processes that run side by side slow each other down, whatever they do, and
    that is no cost of theirs.
    """
    with core_apart() as core, upstream() as api, ExitStack() as stack:
        servers = {
            _OURS: stack.enter_context(team_server(api)),
            "two workers": stack.enter_context(team_server(api, 2)),
            "bare SDK": stack.enter_context(peer(api, "bench.peers.bare")),
            _WRAPPER: stack.enter_context(peer(api, "bench.peers.openapi", str(written(api)), python=fastmcp.python())),
        }
        for _, pid in servers.values():
            keep_to(core, pid)
        for keys in KEYS:
            told: dict[str, list[tuple[float, float]]] = {name: [] for name in servers}
            # In turns: what else the machine does in a minute is then the same for all of them.
            for _ in range(_ROUNDS):
                for name, server in servers.items():
                    told[name].append(await _round(api, *server, keys, _CALLED.get(name, TOOL)))
            _print(keys, told)


def _print(keys: int, told: dict[str, list[tuple[float, float]]]) -> None:
    middle = {name: median(one for one, _ in rounds) for name, rounds in told.items()}
    print(f"  {keys} keys")
    for name, rounds in told.items():
        ratio = "" if name == _OURS else f"   {_OURS} needs x{middle[_OURS] / middle[name]:.2f} of it"
        per_call = median(one for _, one in rounds)
        print(f"    {name:12} {middle[name]:6.2f} ms CPU a call, {per_call:.2f} new connections to Capgo{ratio}")


async def _round(api: str, url: str, pid: int, keys: int, tool: str) -> tuple[float, float]:
    """Milliseconds of CPU and new connections to Capgo per call, after every caller has called once."""
    async with connections() as http:
        callers = [HttpCaller(http, url, number, tool) for number in range(keys)]
        turns = iter(callers * (_CALLS // keys + 2))

        async def next_one() -> None:
            await next(turns).call()

        await load([next_one] * _AT_ONCE, keys)
        began, before = cpu(pid), opened(api)
        await load([next_one] * _AT_ONCE, _CALLS)
        return (cpu(pid) - began) / _CALLS * 1000, (opened(api) - before) / _CALLS
