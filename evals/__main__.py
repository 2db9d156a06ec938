"""Judge the lists of tools and print a table: `python -m evals`.

An OpenAPI wrapper's list is missing from the comparison: making one needs Capgo's OpenAPI file, which no package ships.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
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
_APP: Final = "com.demo.app"
_REQUESTS: Final = Path(__file__).parent / "requests.json"
_COLUMNS: Final = (f"in first {FIRST}", f"in first {OFFERED}", "right tool", "right call")

Arguments = Mapping[str, Any]
Same = Callable[["Request", Arguments], bool]


@dataclass(frozen=True)
class Request:
    """What somebody says, and the call that answers it."""

    said: str
    tool: str
    arguments: Arguments
    both: bool
    """Whether the vendor's server could serve it as well."""

    @property
    def in_chat(self) -> str:
        """The request where it is known which app the talk is about."""
        return f"In the app {_APP}: {self.said}" if _APP in self.arguments.values() else self.said


@dataclass(frozen=True)
class Result:
    """What became of a request: where its tool ranked, counting from 0, and the call the model made."""

    request: Request
    place: int
    tool: str
    arguments: Arguments
    right: bool

    @property
    def marks(self) -> tuple[bool, ...]:
        """What went right, in the order of the table's columns."""
        return (self.place < FIRST, self.place < OFFERED, self.tool == self.request.tool, self.right)

    def __str__(self) -> str:
        given = json.dumps(self.arguments, ensure_ascii=False)[:200]
        return f"  {'right' if self.right else 'wrong'} {self.place + 1:3}. {self.request.said!r}: {self.tool} {given}"


def main() -> None:
    """Judge every list by the requests it can serve."""
    parser = argparse.ArgumentParser("python -m evals", description=__doc__)
    parser.add_argument("--every", metavar="N", type=int, default=1, help="take one request in N (default all)")
    rows = json.loads(_REQUESTS.read_text(encoding="utf-8"))[:: parser.parse_args().every]
    mine = [Request(row["say"], row["tool"], row["arguments"], "vendor" in row) for row in rows]
    theirs = [
        Request(row["say"], row["vendor"]["tool"], row["vendor"]["arguments"], both=True)
        for row in rows
        if "vendor" in row
    ]
    own = list(judged(ours(), mine, _means))
    other = list(judged(vendors(), theirs, _literally))
    print(f"{'':40}{'requests':>10}" + "".join(f"{column:>14}" for column in _COLUMNS))
    print(row("capgo-mcp", own))
    print(row("capgo-mcp, what the vendor's can do", [result for result in own if result.request.both]))
    print(row("the vendor's command line", other) if other else "the vendor's command line needs npx")


def row(name: str, results: Sequence[Result]) -> str:
    """A line of the table."""
    marks = zip(*(result.marks for result in results), strict=True)
    shares = "".join(f"{100 * sum(column) / len(results):12.1f} %" for column in marks)
    return f"{name:40}{len(results):10}{shares}"


def judged(tools: Sequence[Tool], requests: Sequence[Request], same: Same) -> Iterator[Result]:
    """How a list of tools fares, each request told as soon as it is judged."""
    if not tools:
        return
    search = Search(tools)
    for request in requests:
        ranked = search.ranked(request.said)
        place = [tool.name for tool in ranked].index(request.tool)
        name, given = call(request.in_chat, ranked[:OFFERED])
        result = Result(request, place, name, given, name == request.tool and same(request, given))
        print(result, flush=True)
        yield result


def _means(request: Request, given: Arguments) -> bool:
    """Whether arguments mean the expected call, read as the server reads them; further fields to show do no harm."""
    kind = next(kind for kind in every_tool() if kind.spec.name == request.tool)
    try:
        wanted, got = (arguments.read(kind, definitions.controls(kind), {}, raw) for raw in (request.arguments, given))
    except CapgoError:
        return False
    return wanted[0] == got[0] and wanted[1].confirm == got[1].confirm


def _literally(request: Request, given: Arguments) -> bool:
    """Whether arguments are the expected ones; what is empty counts as absent."""
    return {name: value for name, value in given.items() if value not in (None, "", [])} == request.arguments


if __name__ == "__main__":
    main()
