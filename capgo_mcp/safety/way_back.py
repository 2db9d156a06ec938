"""The way back of a channel: the shortest list of calls that leads from the row after a change to the row before it.

It is searched with the model of an edit, in every way a Capgo may behave that could have answered. No call on the way
may give a bundle to more devices than had it before or after the change: what was stopped stays stopped.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from capgo_mcp.api.channel_edit import Behaviour, Edit, EditRefused, Row, edited, possible, share
from capgo_mcp.api.operation import Operation
from capgo_mcp.api.rollout import NEEDS_A_ROLLOUT
from capgo_mcp.operations.channels import SetChannel, SetRollout


class Step(NamedTuple):
    """A call, and what it asks of the channel."""

    call: Operation[Any]
    edit: Edit


MOST_CALLS: Final = 3
_SETTINGS: Final = {
    "rollout_cache_ttl_seconds": "cache_ttl_seconds",
    **{name: name for name in SetRollout.model_fields if name.startswith("auto_pause_")},
}
"""Columns of a rollout's settings, and the arguments that set them."""
_PLAIN: Final = frozenset(SetChannel.model_fields) - {"app_id", "channel", "version", "detach_bundle", "electron"}
_NAMES: Final = {
    "rollout_version": "the rollout's bundle",
    "rollout_enabled": "whether the rollout is on",
    "rollout_percentage_bps": "percentage",
    "rollout_paused_at": "paused_at",
    "rollout_pause_reason": "pause_reason",
    **_SETTINGS,
}
"""What a person calls a column that could not be set back."""


class WayBack(NamedTuple):
    """The calls in their order, and what they do not bring back."""

    calls: list[Operation[Any]]
    lost: list[str]


def way_back(before: Row, edit: Edit, after: Row, where: Mapping[str, str], by_id: Step | None = None) -> WayBack:
    """Search the way back.

    Args:
        before: The columns of the channel before the change.
        edit: What the change asked.
        after: Those that were read after it.
        where: The app and the name of the channel.
        by_id: Puts the former bundle back by its id, for a key that may do no more than that.
    """
    behaviours = possible(before, edit, after)
    steps = [*([by_id] if by_id else []), *_steps(before, after, where)]
    ways: list[tuple[tuple[Step, ...], tuple[Row, ...]]] = [((), (after,) * len(behaviours))]
    best, rank = WayBack([], _different(before, ways[0][1])), _rank(before, ways[0][1])
    for _ in range(MOST_CALLS):
        ways = [
            ((*done, step), rows)
            for done, former in ways
            for step in steps
            if (rows := _taken(step, former, behaviours)) and all(_harmless(row, before, after) for row in rows)
        ]
        for done, rows in ways:
            if _rank(before, rows) < rank:
                best, rank = WayBack([step.call for step in done], _different(before, rows)), _rank(before, rows)
        if not best.lost:
            break
    return best._replace(lost=sorted(_NAMES.get(column, column) for column in best.lost))


def _steps(before: Row, after: Row, where: Mapping[str, str]) -> Iterator[Step]:
    """Everything that may bring the row nearer to what it was."""
    changed = {name for name in before if before[name] != after[name] and before[name] is not None}
    stable = {"version": before["version"], "detach_bundle": before["version"] is None}
    if before["version"] == after["version"]:
        stable = {}
    plain = {name: before[name] for name in sorted(_PLAIN & changed)}
    settings = {_SETTINGS[name]: before[name] for name in _SETTINGS if name in changed}
    part = {"percentage": (before["rollout_percentage_bps"] or 0) / 100}
    target = {"version": before["rollout_version"]}
    pause = {"paused_at": before["rollout_paused_at"], "pause_reason": before["rollout_pause_reason"]}
    paused = bool(before["rollout_paused_at"])
    rollouts: list[dict[str, Any]] = [
        {"action": "start", **target, "percentage": 0 if paused else part["percentage"]},  # nobody, until it is paused
        {"action": "start", **target, "percentage": 0},
        {"action": "resume", **part},
        {"action": "widen", **part},
        *({"action": action} for action in ("drop", "off", "auto_pause")),
    ]
    if paused:
        rollouts.append({"action": "pause", **pause, **part})
    possible = [_made(SetChannel, **where, **plain, **stable)] if plain or stable else []
    possible += [_made(SetRollout, **where, **settings, **arguments) for arguments in rollouts]
    yield from (step for step in possible if step is not None)


def _made(kind: type[SetChannel] | type[SetRollout], **arguments: Any) -> Step | None:
    """A step, or None where Capgo stored something that no argument may say."""
    try:
        call = kind(**{name: value for name, value in arguments.items() if value is not None})
    except ValidationError:
        return None
    return Step(call, call.edit())


def _taken(step: Step, rows: Sequence[Row], behaviours: Sequence[Behaviour]) -> tuple[Row, ...]:
    """The rows after a step; none where a Capgo would refuse it, or the tool would."""
    if isinstance(step.call, SetRollout) and step.call.action in NEEDS_A_ROLLOUT and not rows[0]["rollout_version"]:
        return ()
    try:
        return tuple(edited(row, step.edit, behaviour) for row, behaviour in zip(rows, behaviours, strict=True))
    except EditRefused:
        return ()


def _harmless(row: Row, before: Row, after: Row) -> bool:
    if before["rollout_version"] == after["rollout_version"] != row["rollout_version"]:
        return False  # a rollout that ends and begins anew draws its devices anew
    served = [bundle for bundle in (row["version"], row["rollout_version"]) if bundle is not None]
    return all(share(row, bundle) <= max(share(before, bundle), share(after, bundle)) for bundle in served)


def _rank(before: Row, rows: Sequence[Row]) -> tuple[bool, bool, int]:
    """How far rows are from what was: what devices get counts most, then which bundle waits, then all else."""
    return (
        any(_served(row) != _served(before) for row in rows),
        any(row["rollout_version"] != before["rollout_version"] for row in rows),
        len(_different(before, rows)),
    )


def _served(row: Row) -> dict[Any, int]:
    bundles = {row["version"], row["rollout_version"]} - {None}
    return {bundle: part for bundle in bundles if (part := share(row, bundle))}


def _different(before: Row, rows: Sequence[Row]) -> list[str]:
    return [name for name in before if any(row[name] != before[name] for row in rows)]
