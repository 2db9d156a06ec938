"""Calls over HTTP from callers with keys of their own, beside the same requests made without the server."""

from typing import Final

from bench.clients import BareCaller, HttpCaller, connections
from bench.figures import compare, load
from bench.servers import team_server, upstream

_MANY: Final = 128
_CALLS: Final = {1: 500, 16: 2000, _MANY: 3000}


async def measure() -> None:
    """Let 1, 16 and 128 callers call at once, of one worker and of two."""
    with upstream() as api:
        for workers in (1, 2):
            with team_server(api, workers) as (url, _):
                for callers, calls in _CALLS.items():
                    print(f"  {callers} callers at once, {workers} worker{'s' if workers > 1 else ''}")
                    await _compare(api, url, callers, calls)


async def _compare(api: str, url: str, callers: int, calls: int) -> None:
    async with connections() as http:
        bare = [BareCaller(http, api, number).call for number in range(callers)]
        ours = [HttpCaller(http, url, number).call for number in range(callers)]
        for one in (bare, ours):
            await load(one, 2 * callers)
        alone = await load(bare, calls)
        compare(await load(ours, calls), alone)
