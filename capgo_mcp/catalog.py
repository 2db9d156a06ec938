"""Every tool there can be, known by what a list of tools needs: its declaration is imported when it is called.

A client waits for the list at every start, and the declarations take longer than everything else this package does
until then. So what is needed of them was written down ahead of time, and holds as long as they are what they were.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from capgo_mcp.api.operation import Declared, Effect

STORED: Final = Path(__file__).parent / "agent" / "catalog.json"
_DECLARED_IN: Final = ("operations", "insights")
_ENOUGH: Final = 16
"""Characters of a digest: nobody makes two files alike on purpose here."""


@dataclass(frozen=True)
class KnownTool:
    """A tool as it is known before anybody calls it.

    Attributes:
        name: The name agents call it by.
        toolset: The toolset it belongs to.
        opt_in: Whether that one is off unless settings ask for it.
        effect: What its calls do to the account.
        arguments: The names of its arguments.
        controls: The names of those that steer the tool and never reach Capgo, which it has besides.
        write: Of a batch, the tool that makes each of its writes.
        place: Where its declaration stands, as `module:class`.
    """

    name: str
    toolset: str
    opt_in: bool
    effect: Effect
    arguments: frozenset[str]
    controls: frozenset[str]
    write: str | None
    place: str

    @cached_property
    def kind(self) -> type[Declared[Any]]:
        """Its declaration."""
        module, name = self.place.split(":")
        kind: type[Declared[Any]] = getattr(import_module(module), name)
        return kind


def every_tool() -> list[type[Declared[Any]]]:
    """The declarations of all tools, toolset by toolset."""
    from capgo_mcp.insights import BATCHES, INSIGHTS  # noqa: PLC0415 - see the module's docstring
    from capgo_mcp.operations import every  # noqa: PLC0415 - as above

    return [*every(), *INSIGHTS, *BATCHES]


def sources() -> dict[str, str]:
    """What tells each file of declarations from any other; one by one, so that two changes of two files can meet."""
    package = Path(__file__).parent
    files = sorted(path for room in _DECLARED_IN for path in (package / room).glob("*.py"))
    return {
        f"{file.parent.name}/{file.name}": hashlib.sha256(file.read_bytes()).hexdigest()[:_ENOUGH] for file in files
    }


def made() -> Iterator[KnownTool]:
    """What the declarations say."""
    from capgo_mcp.agent.generated import controls  # noqa: PLC0415 - see the module's docstring
    from capgo_mcp.insights.batch import Batch  # noqa: PLC0415 - as above
    from capgo_mcp.operations import OPT_IN, toolset  # noqa: PLC0415 - as above

    opt_in = set(map(toolset, OPT_IN))
    for kind in every_tool():
        yield KnownTool(
            name=kind.spec.name,
            toolset=kind.spec.toolset,
            opt_in=kind.spec.toolset in opt_in,
            effect=kind.spec.effect,
            arguments=frozenset(kind.model_fields),
            controls=controls(kind),
            write=kind.write.spec.name if issubclass(kind, Batch) else None,
            place=f"{kind.__module__}:{kind.__name__}",
        )


def as_text() -> str:
    """What the declarations say, as it is stored."""
    stored = {"sources": sources(), "tools": [asdict(entry) for entry in made()]}
    return json.dumps(stored, indent=1, default=_plain) + "\n"


def _plain(value: Effect | frozenset[str]) -> str | list[str]:
    return value.value if isinstance(value, Effect) else sorted(value)


def entries() -> Iterator[KnownTool]:
    """What was written down of the tools, or what their declarations say where that was about others."""
    stored = json.loads(STORED.read_bytes()) if STORED.exists() else {}
    if stored.get("sources") != sources():  # an operation is being written
        yield from made()
        return
    for row in stored["tools"]:
        sets = {name: frozenset(row[name]) for name in ("arguments", "controls")}
        yield KnownTool(**row | sets | {"effect": Effect(row["effect"])})


ENTRIES: Final = {entry.name: entry for entry in entries()}
"""Every tool by its name, toolset by toolset."""

TOOLSETS: Final = frozenset(entry.toolset for entry in ENTRIES.values())
"""All toolsets."""

DEFAULT_TOOLSETS: Final = frozenset(entry.toolset for entry in ENTRIES.values() if not entry.opt_in)
"""Toolsets that are on unless settings say otherwise."""
