"""Garbage is looked for seldom, and found."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from capgo_mcp.config.garbage import collect_seldom


class Circle:
    """Something that only itself holds."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


def test_what_is_there_already_is_not_looked_through() -> None:
    """What a start has brought stays for good, and everything after it is collected, also if nothing was so far."""
    gc.disable()
    collect_seldom()
    assert gc.isenabled()
    assert gc.get_freeze_count() > len(gc.get_objects())


def test_what_only_itself_holds_is_given_back() -> None:
    """However much comes and goes, only the last of it is in memory."""
    collect_seldom()
    made = weakref.WeakSet[Circle]()
    for _ in range(50_000):
        made.add(Circle())
    assert len(made) < 25_000
