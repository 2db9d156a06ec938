"""Every trap that is written down has a test that is named after it."""

import re
from pathlib import Path

import pytest

TRAPS = [f"t{number}" for number in range(1, 36)]
TRAPS += [f"n{number}" for number in range(1, 13)]
TRAPS += [f"r{number}" for number in range(1, 14)]
TESTS = "\n".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_traps_*.py"))


@pytest.mark.parametrize("trap", TRAPS)
def test_no_trap_is_missing(trap: str) -> None:
    """T1 to T35 of July, N1 to N12 that came later, R1 to R13 that driving the real handlers showed."""
    assert re.search(rf"^(async )?def test_{trap}_", TESTS, re.MULTILINE)


def test_no_test_is_named_after_a_trap_that_does_not_exist() -> None:
    """A test of a trap that nobody wrote down has another name."""
    assert set(re.findall(r"^(?:async )?def test_([tnr]\d+)_", TESTS, re.MULTILINE)) == set(TRAPS)
