"""What a write does to a channel, side effects included: the one place that knows the rules.

Judged by recorded sequences of writes and the rows after them. The sandbox answers with it, previews tell with it what
will be, the writer compares with it what it reads back, and the way back is searched with it. A row is a mapping of
the columns of a channel; bundles stand in it by whatever name the caller tells them apart.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

Row = Mapping[str, Any]


class Behaviour(Enum):
    """Which Capgo answers: what a write does beside its fields has changed in August 2026."""

    JULY = "2026-07"
    """A write of the stable bundle leaves a rollout alone; switching a rollout off keeps its bundle."""
    NOVEMBER = "2026-11"
    """Both forget the rollout's bundle; a candidate can be promoted and followed by the next one in a single write."""


class EditRefused(Exception):
    """Capgo would refuse the write, with this code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


@dataclass(frozen=True)
class Edit:
    """A write to a channel that exists.

    Attributes:
        sets: The columns it names with their values; a bundle may be None, which takes it away.
        resumes: Whether it ends a pause, reason included.
        rolls_back: Whether it drops the rollout.
        promotes: Whether it makes the rollout's bundle the stable one.
        advances: Whether it does so and makes the bundle it names the next candidate.
    """

    sets: Row = field(default_factory=dict)
    resumes: bool = False
    rolls_back: bool = False
    promotes: bool = False
    advances: bool = False


_UNPAUSED: Final[dict[str, Any]] = {"rollout_paused_at": None, "rollout_pause_reason": None}
_ENDED: Final[dict[str, Any]] = {
    "rollout_version": None,
    "rollout_enabled": False,
    "rollout_percentage_bps": 0,
    **_UNPAUSED,
}
WHOLE: Final = 10_000
"""All devices, in basis points."""


def edited(row: Row, edit: Edit, behaviour: Behaviour) -> dict[str, Any]:
    """The row after a write.

    Raises:
        EditRefused: Capgo would refuse it; nothing changes.
    """
    sets = dict(edit.sets)
    stable = sets.pop("version", row["version"])
    names_target = "rollout_version" in sets
    named = sets.pop("rollout_version", None)
    after = {**row, **sets, **(_UNPAUSED if edit.resumes else {}), "version": stable}
    advances = edit.advances and behaviour is Behaviour.NOVEMBER  # before that the word was not known
    switches_off = sets.get("rollout_enabled") is False and not (edit.rolls_back or edit.promotes or advances)
    if switches_off and behaviour is Behaviour.NOVEMBER:
        after["rollout_version"] = None
    elif names_target:
        if named is not None and stable is None and not advances:
            raise EditRefused("missing_stable_version", "Cannot set a rollout version without a stable version")
        after["rollout_version"] = named
    if edit.rolls_back:
        after |= _ENDED
    if advances:
        after |= _advanced(row, sets, None if edit.rolls_back else named)
    elif edit.promotes:
        candidate = row["rollout_version"] if named is None or edit.rolls_back else named
        if candidate is None:
            raise EditRefused("missing_rollout_version", "Cannot promote without a rollout version")
        after |= {**_ENDED, "version": candidate}
    return _triggered(row, after, behaviour)


def _advanced(row: Row, sets: Row, named: Any) -> dict[str, Any]:
    if row["rollout_version"] is None:
        raise EditRefused("missing_rollout_version", "Cannot advance without a rollout version")
    if named is None:
        raise EditRefused("missing_rollout_version", "Cannot advance without a new rollout target")
    enabled = sets.get("rollout_enabled", True)
    return {"version": row["rollout_version"], "rollout_version": named, "rollout_enabled": enabled, **_UNPAUSED}


def _triggered(row: Row, after: dict[str, Any], behaviour: Behaviour) -> dict[str, Any]:
    """What the database does last, whatever the call said."""
    ends = behaviour is Behaviour.NOVEMBER and after["version"] != row["version"]
    if ends and row["rollout_version"] is not None and after["rollout_version"] == row["rollout_version"]:
        return after | _ENDED
    return after | _UNPAUSED if after["rollout_version"] != row["rollout_version"] else after


def possible(before: Row, edit: Edit, after: Row) -> tuple[Behaviour, ...]:
    """Which behaviours explain the row that was read after a write; all where none does, for something else wrote."""
    explaining = tuple(one for one in Behaviour if _explains(before, edit, after, one))
    return explaining or tuple(Behaviour)


def _explains(before: Row, edit: Edit, after: Row, behaviour: Behaviour) -> bool:
    try:
        foretold = edited(before, edit, behaviour)
    except EditRefused:
        return False
    return all(foretold[name] == after[name] for name in ("version", "rollout_version", "rollout_enabled"))


def share(row: Row, bundle: Any) -> int:
    """The share of the devices that may get a bundle, in basis points: a stable one is what all may fall back to."""
    if bundle == row["version"]:
        return WHOLE
    runs = row["rollout_enabled"] and not row["rollout_paused_at"]
    return row["rollout_percentage_bps"] or 0 if runs and bundle == row["rollout_version"] else 0
