"""A busy machine fails no test: none of them waits for as long as somebody once thought to be enough."""

import ast
from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).parent
WAITS: Final = {"fail_after", "move_on_after", "wait_for", "communicate", "run", "Popen", "AsyncClient", "get", "post"}


def limits(call: ast.Call) -> list[ast.expr]:
    """What a call that waits is given as its limit."""
    if getattr(call.func, "attr", "") not in WAITS:
        return []
    given = [keyword.value for keyword in call.keywords if keyword.arg == "timeout"]
    return given + (call.args[:1] if ast.unparse(call.func).endswith("_after") else [])


def test_every_wait_has_the_same_generous_limit() -> None:
    """A test that gives up waiting does so by `tests.support.limits` or at once, not by a number of its own."""
    own = [
        f"{path.relative_to(TESTS)}:{call.lineno}"
        for path in TESTS.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and any(isinstance(limit, ast.Constant) and limit.value != 0 for limit in limits(call))
    ]
    assert own == []
