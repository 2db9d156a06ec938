"""Nothing is promised without a test, and the table in SECURITY.md says which."""

from pathlib import Path
from typing import Final

import pytest

from scripts import threats
from scripts.promises import NOT_PROMISED, PROMISED, ROOT, Promise, promises, rows, said

PROMISES: Final = promises()


@pytest.mark.parametrize("section", PROMISED, ids=lambda section: section[0])
def test_every_promise_of_a_page_is_held(section: tuple[str, str]) -> None:
    """Each point of the lists that promise is named by a test module."""
    held = {word for one in PROMISES for word in one.holds}
    assert said(*section)
    assert [word for word in said(*section) if word not in held] == []


def test_whatever_is_not_promised_has_its_attacker() -> None:
    """Each point of the list of what does not hold is named by a module that holds against the same attacker."""
    named = {word for one in PROMISES for word in one.leaves}
    assert named == {*said(*NOT_PROMISED)}


def test_no_test_names_a_promise_that_no_page_makes() -> None:
    """A point that is gone or worded anew takes the name along."""
    made = {word for section in PROMISED for word in said(*section)}
    assert [(one.test, word) for one in PROMISES for word in one.holds if word not in made] == []


@pytest.mark.parametrize("one", PROMISES, ids=lambda one: one.test)
def test_a_promise_has_tests_and_an_attacker(one: Promise) -> None:
    """A module that holds a promise tests something, and says against whom, in a phrase."""
    assert one.tests > 0
    assert one.sentence.endswith(".")
    assert one.against
    assert not one.against.endswith(".")
    assert "|" not in one.sentence + one.against
    assert one.attacker in threats.ATTACKERS
    assert one.asset in threats.ASSETS


def test_whatever_lies_among_the_promises_is_one() -> None:
    """Each module of that folder stands in the table."""
    folder = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests" / "promises").glob("test_*.py")}
    assert folder <= {one.test for one in PROMISES}


def test_the_table_is_in_the_page() -> None:
    """With each promise, its attacker and a link that leads somewhere."""
    page = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    for sentence, against, link in rows():
        assert f"| {sentence} | {against} | {link} |" in page
        assert Path(ROOT, link.partition("(")[2].rstrip(")")).is_file()


def test_every_attacker_and_asset_is_in_the_threat_model() -> None:
    """None of them is only named: each has a test that plays it, and all of the model is in the page."""
    page = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    found = [*threats.rows()]
    assert {row[0] for row in found} == threats.ATTACKERS.keys()
    assert {row[1] for row in found} == threats.ASSETS.keys()
    assert all(f"| {' | '.join(row)} |" in page for row in found)
    assert sum(row[2].count("](") for row in found) == len(PROMISES)
