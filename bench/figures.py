"""Figures and how they are printed."""

import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import anyio

Call = Callable[[], Awaitable[object]]


@dataclass
class Load:
    """How long calls took.

    Attributes:
        seconds: Each call's time.
        took: The time from the first call's start to the last one's end.
    """

    seconds: list[float] = field(default_factory=list)
    took: float = 0.0

    @property
    def rate(self) -> float:
        """Calls per second."""
        return len(self.seconds) / self.took

    def percentile(self, percent: int) -> float:
        """The time, in milliseconds, within which so many of the calls were answered."""
        return statistics.quantiles(self.seconds, n=100, method="inclusive")[percent - 1] * 1000

    def __str__(self) -> str:
        return f"{self.rate:8.0f} calls/s   p50 {self.percentile(50):7.2f} ms   p99 {self.percentile(99):7.2f} ms"


async def load(callers: Sequence[Call], calls: int) -> Load:
    """Let callers call at the same time, each one call after the other, until so many calls were made."""
    measured = Load()
    left = iter(range(calls))

    async def repeat(call: Call) -> None:
        for _ in left:
            started = time.perf_counter()
            await call()
            measured.seconds.append(time.perf_counter() - started)

    started = time.perf_counter()
    async with anyio.create_task_group() as tasks:
        for call in callers:
            tasks.start_soon(repeat, call)
    measured.took = time.perf_counter() - started
    return measured


def heading(name: str) -> None:
    """Print the name of a benchmark."""
    print(f"\n{name}\n{'-' * len(name)}")


def compare(ours: Load, bare: Load) -> None:
    """Print how a server's calls compare with the same requests made without it."""
    p50, p99 = [(ours.percentile(one), bare.percentile(one)) for one in (50, 99)]
    print(f"  httpx2 alone   {bare}")
    print(f"  capgo-mcp      {ours}")
    print(f"  ratio         x{ours.rate / bare.rate:8.2f}           p50 {_more(*p50)}   p99 {_more(*p99)}")


def _more(ours: float, bare: float) -> str:
    return f"x{ours / bare:.1f} (+{ours - bare:.2f} ms)"
