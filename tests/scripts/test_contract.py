"""The tools keep their word: what was right to call in the last release still is, or says what is."""

import re
from pathlib import Path
from typing import Any, Final

import pytest

from capgo_mcp import __version__
from capgo_mcp.agent.arguments import read
from capgo_mcp.agent.generated import controls
from capgo_mcp.api.errors import InvalidArguments
from capgo_mcp.catalog import every_tool
from scripts import contract
from scripts.contract import Break, breaks

AGAINST: Final = "a later version, where the same call means something else"
ATTACKER: Final = "a supplier"
ASSET: Final = "the account"

CHANGES: Final = (Path(__file__).parents[2] / "CHANGELOG.md").read_text(encoding="utf-8")
KINDS: Final = {kind.spec.name: kind for kind in every_tool()}


def tool(required: list[str] | None = None, **arguments: Any) -> dict[str, Any]:
    """One tool with these arguments."""
    return {"capgo_get": {"type": "object", "properties": arguments, "required": required or []}}


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (tool(), {}, "is gone"),
        (tool(days={"type": "integer"}), tool(), "is gone"),
        (tool(), tool(["days"], days={"type": "integer"}), "is required"),
        (tool(days={"type": "integer"}), tool(["days"], days={"type": "integer"}), "is required"),
        (tool(days={"type": "number"}), tool(days={"type": "integer"}), "takes integer only"),
        (tool(days={}), tool(days={"type": "string"}), "takes string only"),
        (tool(by={"enum": ["a", "b"]}), tool(by={"enum": ["b"]}), "takes fewer values"),
        (tool(by={"type": "string"}), tool(by={"type": "string", "enum": ["b"]}), "takes fewer values"),
        (tool(days={"maximum": 9}), tool(days={"maximum": 8}), "has a tighter maximum"),
        (tool(days={}), tool(days={"minimum": 0}), "has a tighter minimum"),
        (tool(name={}), tool(name={"pattern": "a"}), "has another pattern"),
        (
            tool(ids={"type": "array", "items": {"type": "string"}}),
            tool(ids={"type": "array", "items": {"type": "string", "maxLength": 3}}),
            "has items of which one has a tighter maxLength",
        ),
    ],
)
def test_a_call_that_would_be_refused_is_found(old: contract.Tools, new: contract.Tools, why: str) -> None:
    """Whatever a release takes away from a tool is told."""
    assert [broken.what for broken in breaks(old, new)] == [why]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (tool(), tool(days={"type": "integer"})),
        (tool(["days"], days={"type": "integer"}), tool(days={"type": "integer"})),
        (tool(days={"type": "integer"}), tool(days={"type": "number"})),
        (tool(days={"type": "integer"}), tool(days={})),
        (tool(by={"enum": ["a"]}), tool(by={"enum": ["a", "b"]})),
        (tool(days={"minimum": 1, "maximum": 9}), tool(days={"minimum": 0, "maximum": 10})),
        ({}, tool(["days"], days={"type": "integer"})),
    ],
)
def test_what_only_adds_is_no_break(old: contract.Tools, new: contract.Tools) -> None:
    """New tools, optional arguments and wider values break no call."""
    assert breaks(old, new) == []


def understood(broken: Break) -> bool:
    """Whether a call with what is gone is still understood, or refused with the name of another tool."""
    kind = KINDS.get(broken.tool)
    if kind is None or broken.what != "is gone":
        return False
    try:
        read(kind, controls(kind), {}, {broken.argument: "x"})
    except InvalidArguments as error:
        return "is not an argument" not in error.sentence
    return True


def test_no_call_of_the_last_release_breaks_unannounced() -> None:
    """What is gone is understood or names its successor, and the changelog tells it in words."""
    section = CHANGES.partition(f"## {__version__}")[2].partition("\n## ")[0]
    in_words = re.sub(r"<!-- tool-changes -->.*<!-- /tool-changes -->", "", section, flags=re.DOTALL)
    found = breaks(contract.released(), contract.now())
    assert [broken for broken in found if not understood(broken)] == []
    removed = in_words.partition("### Removed\n")[2].partition("\n### ")[0]
    gone = {broken.tool for broken in found if broken.what == "is gone"}
    assert {tool for tool in gone if f"`{tool}`" not in removed} == set()
    assert {broken.tool for broken in found if f"`{broken.tool}`" not in in_words} == set()


def test_the_last_release_is_not_this_one() -> None:
    """Tools are kept as released only when the version goes out, and the next number is chosen right then."""
    assert f"{__version__}.json" not in {path.name for path in contract.RELEASED.glob("*.json")}
