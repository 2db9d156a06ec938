"""How many files of the package a reader of one call has to open, and that the page tells their order."""

import re
from typing import Any, Final

import pytest

from scripts import trace
from scripts.docs import ROOT

PAGE: Final = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
READ, WRITE = re.findall(r"^    (server/.*)$", PAGE, re.MULTILINE)


@pytest.mark.parametrize(
    ("call", "told", "most"), [(trace.READ, READ, 11), (trace.DELETE, WRITE, 16)], ids=["read", "confirmed delete"]
)
async def test_way_of_a_call_is_short_and_told(call: tuple[str, dict[str, Any]], told: str, most: int) -> None:
    """A call crosses few files, among them those that the page names, in its order; `most` may only go down."""
    crossed = await trace.way(*call)
    assert len(crossed) <= most, crossed
    named = [f"{name}.py" for name in told.split(" → ")]
    assert [name for name in crossed if name in named] == named
