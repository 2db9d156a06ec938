"""What an examination finds."""

from dataclasses import dataclass
from enum import Enum


class Level(Enum):
    """How much a finding matters."""

    OK = "ok"
    NOTE = "note"
    """Works, and could be better or surprise somebody."""
    PROBLEM = "problem"
    """Does not work."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        topic: What it is about, in a word.
        level: How much it matters.
        what: What was found, in a sentence.
        next: What to do about it; empty where there is nothing to do.
    """

    topic: str
    level: Level
    what: str
    next: str = ""


def fine(topic: str, what: str) -> Finding:
    """All is well."""
    return Finding(topic, Level.OK, what)


def note(topic: str, what: str, then: str) -> Finding:
    """It works, but the user should know."""
    return Finding(topic, Level.NOTE, what, then)


def problem(topic: str, what: str, then: str) -> Finding:
    """It does not work."""
    return Finding(topic, Level.PROBLEM, what, then)
