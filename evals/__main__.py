"""Judge lists of tools by requests in plain language, and print a table: `python -m evals`."""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from capgo_mcp.agent import arguments, definitions
from capgo_mcp.api.errors import CapgoError
from capgo_mcp.catalog import DEFAULT_TOOLSETS, every_tool
from evals.lists import Tool, ours, vendors, wrappers
from evals.models import Search, call

FIRST: Final = 5
OFFERED: Final = 6
APP: Final = "com.demo.app"
_NAMED: Final = "{said} (app {app})"
_REQUESTS: Final = Path(__file__).parent / "requests.json"
_COLUMNS: Final = (f"in first {FIRST}", f"in first {OFFERED}", "right tool", "right call")

Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class Request:
    """What somebody says, and the call of one server that answers it."""

    said: str
    tool: str
    arguments: Arguments


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
    parser.add_argument("--every", metavar="N", type=int, default=1, help="take one request in N (default: all)")
    parser.add_argument("--openapi", metavar="FILE", type=Path, help="Capgo's OpenAPI file, to compare with a wrapper")
    given = parser.parse_args()
    rows = json.loads(_REQUESTS.read_text(encoding="utf-8"))[:: given.every]

    own = [
        result for toolsets, asked in _by_toolsets(requests(rows)) for result in judged(ours(toolsets), asked, _NAMED)
    ]
    locked = ours(DEFAULT_TOOLSETS, app=APP)
    inside = list(judged(locked, [one for one in requests(rows) if _offers(locked, one)], "{said}"))
    others = {
        name: list(judged(tools, requests(rows, server), _NAMED))
        for name, server, tools in (
            ("@capgo/cli mcp", "vendor", vendors()),
            ("FastMCP from_openapi", "openapi", wrappers(given.openapi)),
        )
        if tools
    }
    print(f"{'':40}{'requests':>10}" + "".join(f"{column:>14}" for column in _COLUMNS))
    print(line("capgo-mcp", own))
    print(line(f"capgo-mcp --app {APP}", inside))
    for name, results in others.items():
        served = {result.request.said for result in results}
        print(line(name, results))
        print(line("  capgo-mcp, the same requests", [one for one in own if one.request.said in served]))


def requests(rows: Sequence[Mapping[str, Any]], server: str | None = None) -> list[Request]:
    """The requests that a server can serve, ours when it is not named."""
    if server is None:
        return [Request(row["say"], row["tool"], row["arguments"]) for row in rows]
    return [Request(row["say"], **row[server]) for row in rows if server in row]


def line(name: str, results: Sequence[Result]) -> str:
    """A line of the table."""
    marks = zip(*(result.marks for result in results), strict=True)
    shares = "".join(f"{100 * sum(column) / len(results):12.1f} %" for column in marks)
    return f"{name:40}{len(results):10}{shares}"


def judged(tools: Sequence[Tool], requests: Sequence[Request], chat: str) -> Iterator[Result]:
    """How a list of tools fares, each request told as soon as it is judged.

    Args:
        tools: The list.
        requests: What it can serve.
        chat: How a request about one app is put; what is about no app is put as it was said.
    """
    search = Search(tools)
    by_name = {tool.name: tool for tool in tools}
    for request in requests:
        ranked = search.ranked(request.said)
        place = ranked.index(by_name[request.tool])
        about_app = APP in request.arguments.values()
        said = chat.format(app=APP, said=request.said) if about_app else request.said
        nearest_last = ranked[:OFFERED][::-1]  # a small model attends most to what is near the question
        name, given = call(said, nearest_last)
        right = name == request.tool and _means(by_name[name], request.arguments, given)
        result = Result(request, place, name, given, right)
        print(result, flush=True)
        yield result


def _by_toolsets(requests: Sequence[Request]) -> Iterator[tuple[frozenset[str], list[Request]]]:
    """The requests with the toolsets that are on for whoever makes them: the usual ones, and the one they ask of."""
    on = {kind.spec.name: DEFAULT_TOOLSETS | {kind.spec.toolset} for kind in every_tool()}
    for toolsets in dict.fromkeys(on.values()):
        if asked := [request for request in requests if on[request.tool] == toolsets]:
            yield toolsets, asked


def _offers(tools: Sequence[Tool], request: Request) -> bool:
    return any(tool.name == request.tool for tool in tools) and request.arguments.get("app_id", APP) == APP


def _means(tool: Tool, wanted: Arguments, given: Arguments) -> bool:
    """Whether arguments mean the expected call.

    Ours are read as the server reads them, and further fields to show do no harm; from another server's, what is
    empty or the schema's default counts as absent.
    """
    origin = tool.origin
    if origin is None:
        idle = {name: rule.get("default") for name, rule in tool.schema.get("properties", {}).items()}
        return {name: value for name, value in given.items() if value not in (None, "", [], idle.get(name))} == wanted
    offered = definitions.controls(origin.kind)
    try:
        want, got = (arguments.read(origin.kind, offered, origin.locked, raw) for raw in (wanted, given))
    except CapgoError:
        return False
    return want[0] == got[0] and want[1].confirm == got[1].confirm


if __name__ == "__main__":
    main()
