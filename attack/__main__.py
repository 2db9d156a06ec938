"""`python -m attack`: every fault with every tool, then what the fuzzer makes; fails if anything got through.

`--cells` plays only so many pairs of a fault and a tool, spread evenly, and as many fuzzed answers.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from typing import Final

from attack import verdict
from attack.faults import kinds
from attack.upstream import FUZZED
from attack.victim import Message, Victim, attacked
from capgo_mcp.catalog import every_tool
from tests.support import samples
from tests.support.keys import KEY

MOST_MEMORY: Final = 200
LONGEST_SILENCE: Final = 1.0
_AT_ONCE: Final = 8
_FUZZED: Final = 200
"""Fuzzed answers for each tool in a whole attack."""

Call = tuple[str, Message]


@dataclass
class Damage:
    """What an attack did; what went wrong by how often it did."""

    cells: int = 0
    crashes: Counter[str] = field(default_factory=Counter)
    doubled: Counter[str] = field(default_factory=Counter)
    leaks: Counter[str] = field(default_factory=Counter)
    memory: float = 0.0
    silence: float = 0.0

    def figures(self) -> dict[str, tuple[str, bool]]:
        """Each figure by its name, and whether it is as promised."""
        none = {"crashes": self.crashes, "double writes": self.doubled, "writings of the key": self.leaks}
        return {
            "cells": (f"{self.cells:,}", self.cells > 0),
            **{name: (f"{found.total():,}", not found) for name, found in none.items()},
            "largest memory": (f"{self.memory:.0f} MB", not self.memory >= MOST_MEMORY),
            "longest silence on ping": (f"{self.silence:.2f} s", self.silence < LONGEST_SILENCE),
        }


def calls() -> Iterator[Call]:
    """A call of every tool, with consent where it takes some."""
    for tool in every_tool():
        given = samples.full(tool) | ({"confirm": True} if tool.can_destroy() else {})
        yield tool.spec.name, given | ({"confirm_name": "Demo app"} if tool.spec.by_name else {})


def turns(cells: int | None) -> dict[str, list[Call]]:
    """What to call while what is in Capgo's place fails in one way, by the name of that.

    Args:
        cells: How many calls to make of all faults together, and of the fuzzer, at least; all where it is None.
    """
    every = list(calls())
    if cells is None:
        return dict.fromkeys(kinds(KEY), every) | {FUZZED: every * _FUZZED}
    some = -(-cells // len(kinds(KEY)))
    going = cycle(every)
    return {name: [*islice(going, some)] for name in kinds(KEY)} | {FUZZED: [*islice(cycle(every), cells)]}


class Upstream:
    """The process in Capgo's place."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def line(self) -> str:
        """The next line that it prints."""
        assert self._process.stdout is not None
        return (await self._process.stdout.readline()).decode()

    async def turn(self, name: str) -> list[str]:
        """Have it fail in another way; the writes that came twice until now."""
        assert self._process.stdin is not None
        self._process.stdin.write(name.encode() + b"\n")
        doubled: list[str] = json.loads(await self.line())
        return doubled


@asynccontextmanager
async def hostile() -> AsyncIterator[tuple[Upstream, str]]:
    """What is in Capgo's place, and its address."""
    command = (sys.executable, "-m", "attack.upstream")
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    try:
        upstream = Upstream(process)
        yield upstream, f"http://127.0.0.1:{int(await upstream.line())}"
    finally:
        process.terminate()
        await process.wait()


async def attack(cells: int | None, folder: Path, *, verbose: bool) -> Damage:
    """Play it all."""
    damage = Damage()
    async with hostile() as (upstream, url), attacked(url, KEY, folder) as victim:
        for name, these in turns(cells).items():
            began = time.monotonic()
            damage.doubled.update(await upstream.turn(name))
            silence = await _meet(name, these, victim, damage)
            damage.silence = max(damage.silence, silence)
            damage.memory = victim.memory()
            if verbose:
                took = time.monotonic() - began
                print(
                    f"{name:36} {len(these):5} {took:6.1f} s  ping {silence:.2f} s  {damage.memory:4.0f} MB", flush=True
                )
        damage.doubled.update(await upstream.turn(""))
    damage.leaks.update(verdict.leaks(KEY, folder))
    if logged := verdict.tracebacks(folder):
        damage.crashes["a traceback in the log"] = logged
    return damage


async def _meet(name: str, these: Sequence[Call], victim: Victim, damage: Damage) -> float:
    """Make calls while what is in Capgo's place fails in one way; the longest silence meanwhile."""
    kind = kinds(KEY).get(name)
    alone = kind is not None and kind.stops
    places = asyncio.Semaphore(1 if alone else _AT_ONCE)

    async def one(tool: str, arguments: Message) -> Message:
        async with places:
            if alone:
                victim.use(str(uuid.uuid4()))
            return await victim.call(tool, arguments)

    victim.use(KEY)
    made = [asyncio.create_task(one(*call)) for call in these]
    silence = await victim.silence(*made)
    for (tool, _), call in zip(these, made, strict=True):
        damage.cells += 1
        damage.crashes.update(f"{name} {tool}: {why}" for why in verdict.crashes(tool, call.result()))
    return silence


def main(arguments: Sequence[str]) -> int:
    """Attack, and print what it did."""
    parser = argparse.ArgumentParser("python -m attack", description=__doc__)
    parser.add_argument("--cells", type=int, help="play only so many pairs of a fault and a tool")
    parser.add_argument("--verbose", action="store_true", help="tell how each kind of fault went")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        damage = asyncio.run(attack(options.cells, Path(folder), verbose=options.verbose))
    for name, (figure, well) in damage.figures().items():
        print(f"{name:<26} {figure:>9}{'' if well else '  not as promised'}")
    print(f"{'time':<26} {time.monotonic() - began:>7.0f} s")
    for line, times in (damage.crashes + damage.doubled + damage.leaks).items():
        print(f"{times} x {line}", file=sys.stderr)
    return 0 if all(well for _, well in damage.figures().values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
