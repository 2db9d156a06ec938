"""What a tool call adds to the request it makes."""

from typing import Final

from bench.clients import BareCaller, connections, over_stdio
from bench.figures import compare, load
from bench.servers import upstream

_CALLS: Final = 1000


async def measure() -> None:
    """Make the same request with and without the server between, one after the other and 32 at once."""
    with upstream() as api:
        async with connections() as http, over_stdio(api) as server:
            bare = BareCaller(http, api, 0)
            for at_once in (1, 32):
                print(f"  {at_once} at once")
                for call in (bare.call, server.call):
                    await load([call] * at_once, _CALLS // 10)
                alone = await load([bare.call] * at_once, _CALLS)
                compare(await load([server.call] * at_once, _CALLS), alone)
