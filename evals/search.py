"""Whether a search finds the right tool: the requests of `requests.jsonl`, ranked in each way a client may rank."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict

from capgo_mcp.catalog import DEFAULT_TOOLSETS, every_tool
from evals import lists, ranking
from evals.lists import Tool

FIRST: Final = 6
"""Among so many tools the right one has to be: a search gives its client about as many."""
PREFIX: Final = "capgo_"
TOOLSETS: Final = {kind.spec.name: kind.spec.toolset for kind in every_tool()}
"""The toolset of each tool there is."""

_REQUESTS: Final = Path(__file__).parent / "requests.jsonl"


class Request(BaseModel):
    """What somebody asks of an agent, and the tools that do it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    say: str
    """As people type it, in any language."""
    language: str
    search: str
    """What a model that was asked this searches for, in English."""
    blind: bool
    """Whether request and search were written without having read what the tools say of themselves."""
    tools: tuple[str, ...]
    """Each of these tools of ours is right."""
    vendor: tuple[str, ...] = ()
    """The same of the vendor's."""
    openapi: tuple[str, ...] = ()
    """The same of a wrapper's."""


class Case(NamedTuple):
    """A request, put to a list of tools."""

    request: Request
    tools: tuple[Tool, ...]
    right: frozenset[str]


class Found(NamedTuple):
    """Where the best-ranked right tool of a request is, counting from 1."""

    request: Request
    place: int


class Way(NamedTuple):
    """A way to search: how tools are ranked, and for what."""

    name: str
    ranking: Callable[[tuple[Tool, ...]], ranking.Ranking]
    as_said: bool = False
    """Whether the very words of the request are searched for, which only English ones are fit for."""

    @property
    def title(self) -> str:
        """What it is called in a table."""
        return f"{self.name}, as said" if self.as_said else self.name


def ways() -> list[Way]:
    """The ways to search that can be tried here."""
    known = [("BM25", ranking.by_words), *([("embedding", ranking.by_meaning)] if ranking.embeds() else [])]
    return [Way(name, rank, as_said) for as_said in (False, True) for name, rank in known]


def requests() -> list[Request]:
    """All requests, also those for tools that do not exist yet."""
    return [Request.model_validate_json(line) for line in _REQUESTS.read_text(encoding="utf-8").splitlines()]


def ours(requests: Iterable[Request]) -> Iterator[Case]:
    """Put each request to the tools that its asker has on: the usual toolsets, and the ones it asks of.

    Those whose right tools do not exist yet are left out.
    """
    listed = cache(lists.ours)
    for request in requests:
        if right := frozenset(request.tools) & TOOLSETS.keys():
            toolsets = DEFAULT_TOOLSETS | {TOOLSETS[name] for name in right}
            yield Case(request, listed(toolsets), right)


def bare(case: Case) -> Case:
    """The same tools under names without our prefix."""
    tools = tuple(tool._replace(name=tool.name.removeprefix(PREFIX)) for tool in case.tools)
    return Case(case.request, tools, frozenset(name.removeprefix(PREFIX) for name in case.right))


def about_channels(request: Request) -> bool:
    """Whether a request is about a channel or a rollout."""
    return any(TOOLSETS.get(name) == "channels" for name in request.tools)


def found(way: Way, cases: Iterable[Case]) -> list[Found]:
    """Search for each request that the way is fit for."""
    places = []
    for request, tools, right in cases:
        if request.language == "en" or not way.as_said:
            order = way.ranking(tools)(request.say if way.as_said else request.search)
            places.append(Found(request, 1 + min(order.index(name) for name in right)))
    return places


def share(places: Sequence[Found]) -> float:
    """The part of the requests whose right tool a client sees."""
    return sum(place <= FIRST for _, place in places) / len(places)
