"""The vendor's hosted MCP server against ours, operation by operation: what stands in `docs/which-server.md`.

`vendor.json` holds its 57 tools as its source of November 2026 declares them (without the prefix of their names), with
the tools of ours that do the same, and why something is not done or otherwise.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic.alias_generators import to_snake

from capgo_mcp.api.operation import Declared
from capgo_mcp.catalog import DEFAULT_TOOLSETS, every_tool

_FILE: Final = Path(__file__).with_name("vendor.json")
_OURS: Final = {tool.spec.name: tool for tool in every_tool()}


class Theirs(NamedTuple):
    """A tool of the vendor's.

    Attributes:
        name: Its name, without `capgo_`.
        http: Method and path of what it calls; empty where it calls nothing.
        arguments: Its arguments.
        tools: Tools of ours that do the same; those that do not exist are left out.
        otherwise: Arguments that ours may lack, each with what is so instead.
        why: Why ours has no such tool, or does it otherwise.
    """

    name: str
    http: str
    arguments: list[str]
    tools: list[str]
    otherwise: Mapping[str, str] = {}
    why: str = ""

    @property
    def ours(self) -> list[type[Declared[Any]]]:
        """What does the same here."""
        return [_OURS[name] for tool in self.tools if (name := f"capgo_{tool}") in _OURS]

    def lacking(self) -> list[str]:
        """Its arguments that no tool of ours takes."""
        known = {word for kind in self.ours for word in _words(kind)}
        return [name for name in self.arguments if self.ours and not {name, to_snake(name)} & known]


def theirs() -> list[Theirs]:
    """All tools of the vendor's."""
    return [Theirs(**row) for row in json.loads(_FILE.read_text(encoding="utf-8"))]


def rows() -> Iterator[tuple[str, str, str, str]]:
    """A row for each: its name, what it calls, ours, and what is different."""
    for one in theirs():
        names = ", ".join(f"`{kind.spec.name}`{_mark(kind)}" for kind in one.ours)
        yield f"`{one.name}`", f"`{one.http}`" if one.http else "nothing", names or "no tool", _different(one)


def _different(one: Theirs) -> str:
    """What ours does otherwise, each reason once."""
    reasons: dict[str, list[str]] = {}
    for name in one.lacking():
        reasons.setdefault(one.otherwise[name], []).append(f"`{name}`")
    told = [f"{', '.join(names)}: {why}" for why, names in reasons.items()]
    return "; ".join([*told, *([one.why] if one.why else [])])


def _mark(kind: type[Declared[Any]]) -> str:
    return "" if kind.spec.toolset in DEFAULT_TOOLSETS else " *"


def _words(kind: type[Declared[Any]]) -> Iterator[str]:
    """Every word by which a tool takes an argument."""
    yield from kind.spec.synonyms
    for name, field in kind.model_fields.items():
        yield name
        if field.serialization_alias:
            yield field.serialization_alias
