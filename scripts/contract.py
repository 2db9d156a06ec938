"""Compares the tools with those of the last release: `python -m scripts.contract --record` keeps them as released.

What users rely on is kept in `scripts/released/VERSION.json`. A call that was right then is still right, or is refused
with the name of what to use instead, and CHANGELOG.md says so.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple

from capgo_mcp import __version__
from capgo_mcp.agent.definitions import stored
from capgo_mcp.catalog import every_tool

RELEASED: Final = Path(__file__).parent / "released"
_LOWER: Final = ("minimum", "minLength", "minItems", "exclusiveMinimum")
_UPPER: Final = ("maximum", "maxLength", "maxItems", "exclusiveMaximum")
_SAID: Final = ("description", "title")

Schema = Mapping[str, Any]
Tools = Mapping[str, Schema]
"""The input schema of each tool."""


class Break(NamedTuple):
    """A way in which a call that was right is not any more.

    Attributes:
        tool: The tool.
        argument: The argument, or "" when the tool is gone.
        what: What became of it.
    """

    tool: str
    argument: str
    what: str


class Difference(NamedTuple):
    """How one tool takes other arguments than before; all are arguments when the tool is new."""

    tool: str
    new: bool
    added: Sequence[str]
    removed: Sequence[str]


def now() -> Tools:
    """The tools as they are."""
    return {kind.spec.name: _bare(stored(kind.spec.name).input_schema) for kind in every_tool()}


def released() -> Tools:
    """The tools of the last release."""
    newest = max(RELEASED.glob("*.json"), key=lambda path: [int(part) for part in path.stem.split(".")])
    tools: Tools = json.loads(newest.read_text(encoding="utf-8"))
    return tools


def breaks(old: Tools, new: Tools) -> list[Break]:
    """Every way in which a call of the old tools may be refused by the new ones."""
    gone = [Break(tool, "", "is gone") for tool in old if tool not in new]
    return [*gone, *chain.from_iterable(_broken(tool, old[tool], new[tool]) for tool in old if tool in new)]


def differences(old: Tools, new: Tools) -> list[Difference]:
    """Which tools are new, and which take other arguments."""
    return [
        Difference(tool, tool not in old, sorted(has - had), sorted(had - has))
        for tool in sorted(new)
        for had, has in [(set(_arguments(old.get(tool, {}))), set(_arguments(new[tool])))]
        if has != had or tool not in old
    ]


def _arguments(schema: Schema) -> Mapping[str, Schema]:
    arguments: Mapping[str, Schema] = schema.get("properties", {})
    return arguments


def _broken(tool: str, old: Schema, new: Schema) -> Iterator[Break]:
    had, has = _arguments(old), _arguments(new)
    for name in had.keys() - has.keys():
        yield Break(tool, name, "is gone")
    for name in {*new.get("required", [])} - {*old.get("required", [])}:
        yield Break(tool, name, "is required")
    for name in had.keys() & has.keys():
        yield from (Break(tool, name, why) for why in _narrowed(had[name], has[name]))


def _narrowed(old: Schema, new: Schema) -> Iterator[str]:
    """Why a value that the old schema admits may break the new one."""
    if old == new:
        return
    if "type" in new and not {*_types(old)} <= {*_types(new)}:
        yield f"takes {' or '.join(_types(new))} only"
    if "enum" in new and not {*map(str, old.get("enum", [None]))} <= {*map(str, new["enum"])}:
        yield "takes fewer values"
    for names, tighter in ((_LOWER, float.__gt__), (_UPPER, float.__lt__)):
        for name in names:
            if name in new and (name not in old or tighter(float(new[name]), float(old[name]))):
                yield f"has a tighter {name}"
    if new.get("pattern", old.get("pattern")) != old.get("pattern"):
        yield "has another pattern"
    if "items" in new:
        yield from (f"has items of which one {why}" for why in _narrowed(old.get("items", {}), new["items"]))


def _types(schema: Schema) -> list[str]:
    """A type that is not said is any; a whole number is a number too."""
    types = schema.get("type", ["any"])
    named = [types] if isinstance(types, str) else [*types]
    return ["integer", *named] if "number" in named else named


def _bare(schema: Any) -> Any:
    """A schema without its sentences, which may change at any time."""
    if isinstance(schema, Mapping):
        return {name: _bare(part) for name, part in schema.items() if not (name in _SAID and isinstance(part, str))}
    return [_bare(part) for part in schema] if isinstance(schema, list) else schema


def main(arguments: Sequence[str]) -> int:
    """Print what a user of the last release has to know; with `--record`, keep the tools as released now."""
    if "--record" in arguments:
        text = json.dumps(now(), indent=1, sort_keys=True) + "\n"
        (RELEASED / f"{__version__}.json").write_text(text, encoding="utf-8")
        return 0
    for broken in breaks(released(), now()):
        print(f"{broken.tool} {broken.argument} {broken.what}".replace("  ", " "))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
