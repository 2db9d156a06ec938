"""Many calls over stdin and stdout."""

from typing import Final

from bench.clients import over_stdio
from bench.figures import load
from bench.servers import upstream

_CALLS: Final = 2000
_AT_ONCE: Final = 20


async def measure() -> None:
    """Make 2,000 calls, 20 at once; one that fails ends the benchmark."""
    with upstream() as api:
        async with over_stdio(api) as server:
            await load([server.call] * _AT_ONCE, _CALLS // 10)
            print(f"  {_CALLS} calls, {_AT_ONCE} at once: {await load([server.call] * _AT_ONCE, _CALLS)}")
