"""Judge what an agent gets: `python -m evals search`, `python -m evals jobs`, or both without a name."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import anyio

from evals import lists, search
from evals.jobs.play import play
from evals.jobs.questions import QUESTIONS
from evals.jobs.releases import JOBS
from evals.jobs.verdicts import CASES, verdict
from evals.search import Case, Request


def main() -> None:
    """Judge what was asked for."""
    parser = argparse.ArgumentParser("python -m evals", description=__doc__)
    parser.add_argument("names", metavar="NAME", nargs="*", help="search or jobs")
    parser.add_argument("--vendor", action="store_true", help="compare with the vendor's server, which npx fetches")
    parser.add_argument("--openapi", metavar="FILE", type=Path, help="Capgo's OpenAPI file, to compare with a wrapper")
    given = parser.parse_args()
    judges = {"search": lambda: _search(given.vendor, given.openapi), "jobs": lambda: anyio.run(_jobs)}
    if unknown := set(given.names) - judges.keys():
        parser.error(f"there is nothing to judge called {' or '.join(sorted(unknown))}")
    for name in given.names or judges:
        print(f"\n{name}\n{'-' * len(name)}")
        judges[name]()


async def _jobs() -> None:
    """Print what each job takes, and whether it ends as it must."""
    print(f"{'calls':>5}{'tokens':>8}")
    played = [await play(job) for job in JOBS]
    for one in played:
        print(f"{one.calls:5}{one.tokens:8}  {one.job.request}")
        for fault in one.faults:
            print(f"{'':13}  wrong: {fault}")
    print(f"{sum(one.calls for one in played):5}{sum(one.tokens for one in played):8}  {len(played)} jobs")
    await _questions()
    await _verdicts()


async def _questions() -> None:
    """Print what each question about health and devices takes, of how much it may."""
    print(f"\n{'calls':>5}{'tokens':>8}{'of':>5}")
    for question in QUESTIONS:
        one = await play(question.job)
        print(f"{one.calls:5}{one.tokens:8}{question.most_tokens:5}  {question.asked}")
        for fault in one.faults:
            print(f"{'':18}  wrong: {fault}")


async def _verdicts() -> None:
    """Print how many of the seeded releases are judged as they are, and those that are not."""
    told = [(case, await verdict(case)) for case in CASES]
    wrong = [(case, said) for case, said in told if said != case.so]
    print(f"\n{len(wrong)} wrong verdicts over {len(told)} releases")
    for case, said in wrong:
        print(f"      {case.what}: {said}, not {case.so}")


def _search(vendor: bool, openapi: Path | None) -> None:
    """Judge our tools by search, and those of other servers where they are asked for."""
    asked = search.requests()
    others = {}
    if vendor and (vendors := lists.vendors()):
        others["@capgo/cli mcp"] = [Case(one, vendors, frozenset(one.vendor)) for one in asked]
    if openapi:
        wrappers = lists.wrappers(openapi)
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
