"""Nothing the vendor's hosted server does over a key is missing here without a reason."""

import re

import pytest

from capgo_mcp.api.operation import Operation
from scripts.docs import ROOT
from scripts.vendor import Theirs, theirs

each = pytest.mark.parametrize("one", theirs(), ids=lambda one: one.name)


def test_all_of_its_tools_are_there() -> None:
    """Its list has 57 tools, each once."""
    names = [one.name for one in theirs()]
    assert len(set(names)) == len(names) == 57


@each
def test_each_is_done_here_or_there_is_a_reason(one: Theirs) -> None:
    """A tool of ours calls the same route, or the page says why none does."""
    routes = {
        re.sub(r"{\w+}", "{}", f"{kind.spec.method} {kind.spec.path}")
        for kind in one.ours
        if issubclass(kind, Operation)
    }
    assert re.sub(r"{\w+}", "{}", one.http) in routes if one.ours else one.why


@each
def test_each_argument_is_taken_here_or_there_is_a_reason(one: Theirs) -> None:
    """What it can be told, ours can be told as well, or the page says what is so instead."""
    assert set(one.lacking()) <= set(one.otherwise)
    assert set(one.otherwise) <= set(one.arguments)


def test_the_page_has_a_row_for_each() -> None:
    """The table is the list, and says of each lacking argument why."""
    page = (ROOT / "docs" / "which-server.md").read_text(encoding="utf-8")
    for one in theirs():
        (row,) = re.findall(rf"^\| `{one.name}` \|.*$", page, re.MULTILINE)
        assert all(kind.spec.name in row for kind in one.ours)
        assert all(f"`{name}`" in row for name in one.lacking())
