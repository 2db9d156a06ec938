"""Whatever decides by time asks the clock it was given, so that a test can let the time pass."""

import ast
from pathlib import Path
from typing import Final

import capgo_mcp

ROOT: Final = Path(capgo_mcp.__file__).parent
TIME: Final = {
    *("time.monotonic", "time.time", "time.perf_counter", "time.sleep", "datetime.now"),
    *("anyio.current_time", "anyio.sleep", "anyio.fail_after", "anyio.move_on_after"),
}
OWN: Final = {
    "client/clock.py": "it is the clock",
    "doctor/network.py": "measures an answer, and compares the clock of this very machine with Capgo's",
    "safety/journal.py": "writes the date down and decides nothing by it",
    "sandbox/seed/__init__.py": "the sandbox is another machine, with a clock of its own",
    "sandbox/state.py": "the same",
    "server/pipes.py": "bounds how long a client that is gone may take to read the rest",
    "server/tools.py": "measures a call for the log",
}
"""Modules that ask the machine for the time, and why they may."""


def asks_the_machine(path: Path) -> bool:
    """Whether a module reads the time by itself."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return any(isinstance(node, ast.Attribute) and ast.unparse(node) in TIME for node in nodes)


def test_only_the_clock_asks_the_machine_for_the_time() -> None:
    """No module has a time of its own but those that are named here."""
    found = {path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py") if asks_the_machine(path)}
    assert found == OWN.keys()
