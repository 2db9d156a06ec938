"""Files and functions stay small enough to be read at once."""

import ast

import pytest

from scripts.docs import ROOT
from tests.support import tree


@pytest.mark.parametrize("name", tree.files("*.py"))
def test_file_and_its_functions_are_small(name: str) -> None:
    """A file has at most 400 lines, a function at most 40."""
    source = (ROOT / name).read_text(encoding="utf-8")
    functions = [
        node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert len(source.splitlines()) <= 400
    assert [one.name for one in functions if (one.end_lineno or 0) - one.lineno >= 40] == []
