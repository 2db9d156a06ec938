"""The Capgos that are around: what the service does has moved since July, and who hosts their own may be behind."""

from enum import Enum


class Behaviour(Enum):
    """Which Capgo answers: what a write does beside its fields has changed in August 2026."""

    JULY = "2026-07"
    """A write of the stable bundle leaves a rollout alone; switching a rollout off keeps its bundle."""
    NOVEMBER = "2026-11"
    """Both forget the rollout's bundle; a candidate can be promoted and followed by the next one in a single write."""
