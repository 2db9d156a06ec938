"""Judge whether a search finds the tools: `python -m evals`."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from evals import lists, search
from evals.search import Case, Request


def main() -> None:
    """Judge our tools, and those of other servers where they are asked for."""
    parser = argparse.ArgumentParser("python -m evals", description=__doc__)
    parser.add_argument("--vendor", action="store_true", help="compare with the vendor's server, which npx fetches")
    parser.add_argument("--openapi", metavar="FILE", type=Path, help="Capgo's OpenAPI file, to compare with a wrapper")
    given = parser.parse_args()
    asked = search.requests()
    others = {}
    if given.vendor and (vendors := lists.vendors()):
        others["@capgo/cli mcp"] = [Case(one, vendors, frozenset(one.vendor)) for one in asked]
    if given.openapi:
        wrappers = lists.wrappers(given.openapi)
        others["FastMCP from OpenAPI"] = [Case(one, wrappers, frozenset(one.openapi)) for one in asked]
    _print(asked, others)


def _print(asked: Sequence[Request], others: Mapping[str, list[Case]]) -> None:
    """Print a table of how many requests find their tool, then those of ours that do not."""
    ways = search.ways()
    own = list(search.ours(asked))
    print(f"{len(asked)} requests; {len(asked) - len(own)} wait for tools that do not exist yet")
    print(f"\n{f'right tool among the first {search.FIRST}':34}" + "".join(f"{way.title:>24}" for way in ways))
    for name, cases in _rows(own, others):
        shares = (search.found(way, cases) for way in ways)
        print(f"{name:34}" + "".join(f"{search.share(one):14.1%} of {len(one):<6}" for one in shares))
    for way in ways:
        print(f"\nnot found: {way.title}")
        for request, place in search.found(way, own):
            searched = request.say if way.as_said else request.search
            if place > search.FIRST:
                print(f"{place:4}. {searched!r}, for {' or '.join(request.tools)}")


def _rows(own: list[Case], others: Mapping[str, list[Case]]) -> Iterator[tuple[str, list[Case]]]:
    yield "capgo-mcp", own
    yield "  names without capgo_", [search.bare(case) for case in own]
    yield "  about channels and rollouts", [case for case in own if search.about_channels(case.request)]
    yield "  written before the descriptions", [case for case in own if case.request.blind]
    for name, theirs in others.items():
        both = {case.request for case in theirs if case.right} & {case.request for case in own}
        yield name, [case for case in theirs if case.request in both]
        yield "  capgo-mcp, the same requests", [case for case in own if case.request in both]


if __name__ == "__main__":
    main()
