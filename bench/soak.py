"""A server under full load for some minutes: does it grow, does it leave anything open?"""

import time
from typing import Final

from bench.clients import HttpCaller, connections
from bench.figures import load
from bench.servers import descriptors, memory, team_server, upstream

_CALLERS: Final = 32
_BATCH: Final = 2000
_WARM_UP: Final = 1 / 4
"""Share of the time that passes before memory is compared: the allocator and the pools fill up first."""


async def measure(seconds: float) -> None:
    """Call at full rate and compare the end with what it was after warming up."""
    with upstream() as api, team_server(api) as (url, pid):
        async with connections() as http:
            callers = [HttpCaller(http, url, number).call for number in range(_CALLERS)]
            started, calls = time.monotonic(), 0
            warm: tuple[float, int] | None = None
            while (passed := time.monotonic() - started) < seconds:
                if warm is None and passed > seconds * _WARM_UP:
                    warm = memory(pid), descriptors(pid)
                calls += len((await load(callers, _BATCH)).seconds)
            end = memory(pid), descriptors(pid)
    megabytes, files = warm or end
    print(f"  {calls} calls of {_CALLERS} callers in {passed:.0f} s, {calls / passed:.0f} a second")
    growth = f"{end[0] / megabytes - 1:+.1%}"
    print(f"  memory       {megabytes:6.1f} MB after warming up, {end[0]:6.1f} MB at the end: {growth}")
    print(f"  descriptors  {files:6} after warming up, {end[1]:6} at the end")
