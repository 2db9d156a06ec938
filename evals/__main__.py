"""Run the evaluation and print a table: `python -m evals`, with `-v` also what went wrong."""

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from capgo_mcp import arguments, definitions
from capgo_mcp.catalog import every_tool
from capgo_mcp.errors import CapgoError
from evals.lists import Tool, ours, vendors
from evals.models import Search, call

FIRST: Final = 5
OFFERED: Final = 6
_REQUESTS: Final = Path(__file__).parent / "requests.json"

Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class Request:
    """What somebody says, and the call that answers it."""

    said: str
    tool: str
    arguments: Arguments


@dataclass
class Score:
    """How many requests went right in each way."""

    requests: int = 0
    first: int = 0
    offered: int = 0
    tool: int = 0
    call: int = 0

    def row(self, name: str) -> str:
        """A line of the table."""
        shares = (f"{100 * count / self.requests:6.1f} %" for count in (self.first, self.offered, self.tool, self.call))
        return f"{name:36}{self.requests:9}" + "".join(f"{share:>17}" for share in shares)


def main() -> None:
    """Judge every list by the requests it can serve."""
    parser = argparse.ArgumentParser("python -m evals", description=__doc__)
    parser.add_argument("-v", action="store_true", help="show what went wrong")
    wordy = parser.parse_args().v
    rows = json.loads(_REQUESTS.read_text(encoding="utf-8"))
    mine = [Request(row["say"], row["tool"], row["arguments"]) for row in rows]
    theirs = [
        Request(row["say"], row["vendor"]["tool"], row["vendor"]["arguments"]) for row in rows if "vendor" in row
    ]
    shared = [request for request, row in zip(mine, rows, strict=True) if "vendor" in row]
    print(f"{'':36}{'requests':>9}{f'first {FIRST}':>17}{f'first {OFFERED}':>17}{'right tool':>17}{'right call':>17}")
    print(judged(ours(), mine, _means, wordy=wordy).row("capgo-mcp"))
    print(judged(ours(), shared, _means, wordy=False).row("capgo-mcp, what both can do"))
    if tools := vendors():
        print(judged(tools, theirs, _literally, wordy=wordy).row("the vendor's command line"))
    else:
        print("the vendor's command line could not be run: it needs npx")


def judged(
    tools: Sequence[Tool], requests: Sequence[Request], same: Callable[[Request, Arguments], bool], *, wordy: bool
) -> Score:
    """How a list of tools fares."""
    search = Search(tools)
    score = Score()
    for request in requests:
        ranked = search.ranked(request.said)
        place = [tool.name for tool in ranked].index(request.tool)
        name, given = call(request.said, ranked[:OFFERED])
        right = name == request.tool
        score.requests += 1
        score.first += place < FIRST
        score.offered += place < OFFERED
        score.tool += right
        score.call += right and same(request, given)
        if wordy and not (right and same(request, given)):
            print(f"  {place + 1:3} {request.said!r}: wants {request.tool} {dict(request.arguments)}, got {name} {given}")
    return score


def _means(request: Request, given: Arguments) -> bool:
    """Whether arguments mean the expected call, read as the server reads them."""
    kind = next(kind for kind in every_tool() if kind.spec.name == request.tool)
    try:
        wanted, got = (arguments.read(kind, definitions.controls(kind), {}, raw) for raw in (request.arguments, given))
    except CapgoError:
        return False
    return wanted == got


def _literally(request: Request, given: Arguments) -> bool:
    """Whether arguments are the expected ones; what is empty counts as absent."""
    return {name: value for name, value in given.items() if value not in (None, "", [])} == request.arguments


if __name__ == "__main__":
    main()
