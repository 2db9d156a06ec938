"""The way back of a channel: the shortest list of calls that leads from the row after a change to the row before it.

It is searched with the model of an edit, in every way a Capgo may behave that could have answered. No call on the way
may give a bundle to more devices than had it before or after the change: what was stopped stays stopped.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, Final, NamedTuple

from pydantic import ValidationError

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.api.channel_edit import ChannelRow, Edit, EditRefused, edited, served
from capgo_mcp.api.operation import Operation
from capgo_mcp.api.rollout import NEEDS_A_ROLLOUT
from capgo_mcp.operations.channels import SetChannel, SetRollout

Rows = tuple[ChannelRow, ...]
"""The channel as it may be: one row for each behaviour that could have answered."""


class Step(NamedTuple):
    """A call, and what it asks of the channel."""

    call: Operation[Any]
    edit: Edit


# One for the stable bundle, one that places a rollout where it reaches nobody, and one that pauses it at its share.
MOST_CALLS: Final = 3
_SETTINGS: Final = {
    "rollout_cache_ttl_seconds": "cache_ttl_seconds",
    **{name: name for name in SetRollout.model_fields if name.startswith("auto_pause_")},
}
"""Columns of a rollout's settings, and the arguments that set them."""
# Capgo never shows whether a channel serves Electron, so nobody knows what it was.
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


def way_back(
    before: ChannelRow, ends: Mapping[Behaviour, ChannelRow], where: Mapping[str, str], by_id: Step | None = None
) -> WayBack:
    """Search the way back that is right whichever Capgo answers.

    Args:
        before: The channel before the change.
        ends: The channel after it, as it is or would be, for each behaviour that has to be reckoned with.
        where: The app and the name of the channel.
        by_id: Puts the former bundle back by its id, for a key that may do no more than that.
    """
    behaviours, afters = tuple(ends), tuple(ends.values())
    steps = [*([by_id] if by_id else []), *_steps(before, afters, where)]
    ways: dict[Rows, tuple[Step, ...]] = {afters: ()}
    known: set[Rows] = set()
    best, done = next(iter(ways.items()))
    for _ in range(MOST_CALLS):
        if not _different(before, best):
            break
        known |= set(ways)
        onward: dict[Rows, tuple[Step, ...]] = {}
        for (former, taken), step in product(ways.items(), steps):
            rows = _taken(step, former, behaviours)
            if rows and rows not in known and _harm_nobody(rows, before, afters):
                onward.setdefault(rows, (*taken, step))
        ways = onward
        # Of equals the first, so that a longer way has to lead nearer.
        best, done = min([(best, done), *ways.items()], key=lambda way: _rank(before, way[0]))
    lost = sorted(_NAMES.get(column, column) for column in _different(before, best))
    return WayBack([step.call for step in done], lost)


def _steps(before: ChannelRow, afters: Rows, where: Mapping[str, str]) -> Iterator[Step]:
    """Everything that may bring the rows nearer to what was."""
    changed = {name for name in _different(before, afters) if getattr(before, name) is not None}
    settings = {_SETTINGS[name]: getattr(before, name) for name in _SETTINGS if name in changed}
    part = {"percentage": before.rollout_percentage}
    target = {"version": before.rollout_version}
    paused = before.rollout_paused_at is not None
    rollouts: list[dict[str, Any]] = [
        {"action": "start", **target, "percentage": 0 if paused else part["percentage"]},  # nobody, until it is paused
        {"action": "start", **target, "percentage": 0},
        {"action": "resume", **part},
        {"action": "widen", **part},
        *({"action": action} for action in ("drop", "off", "auto_pause")),
    ]
    if paused:
        pause = {"paused_at": before.rollout_paused_at, "pause_reason": before.rollout_pause_reason}
        rollouts.append({"action": "pause", **pause, **part})
    steps = [_made(SetChannel, **where, **arguments) for arguments in _settings(before, afters, changed)]
    steps += [_made(SetRollout, **where, **settings, **arguments) for arguments in rollouts]
    yield from (step for step in steps if step is not None)


def _settings(before: ChannelRow, afters: Rows, changed: Collection[str]) -> Iterator[dict[str, Any]]:
    """The arguments that set back what is no rollout; the default and the platforms together, and one by one."""
    stable = {"version": before.version, "detach_bundle": before.version is None}
    plain = {name: getattr(before, name) for name in sorted(_PLAIN & set(changed))}
    plain |= stable if any(after.version != before.version for after in afters) else {}
    if plain:
        yield plain
    if plain.get("public") and plain.keys() & {"ios", "android"}:
        # A channel that becomes the default with one mobile platform named, or two unlike ones, loses Electron.
        yield {**plain, "ios": before.ios, "android": before.android}
        yield {name: value for name, value in plain.items() if name != "public"}
        yield {"public": True}


def _made(kind: type[SetChannel] | type[SetRollout], **arguments: Any) -> Step | None:
    """A step, or None where Capgo stored something that no argument may say."""
    try:
        call = kind(**{name: value for name, value in arguments.items() if value is not None})
    except ValidationError:
        return None
    return Step(call, call.edit())


def _taken(step: Step, rows: Rows, behaviours: Sequence[Behaviour]) -> Rows:
    """The rows after a step; none where a Capgo would refuse it, or the tool would."""
    needs_a_rollout = isinstance(step.call, SetRollout) and step.call.action in NEEDS_A_ROLLOUT
    if needs_a_rollout and any(row.rollout_version is None for row in rows):
        return ()
    outcomes = [edited(row, step.edit, behaviour) for row, behaviour in zip(rows, behaviours, strict=True)]
    taken = tuple(outcome for outcome in outcomes if not isinstance(outcome, EditRefused))
    return taken if len(taken) == len(rows) else ()


def _harm_nobody(rows: Rows, before: ChannelRow, afters: Rows) -> bool:
    return all(_harmless(row, before, after) for row, after in zip(rows, afters, strict=True))


def _harmless(row: ChannelRow, before: ChannelRow, after: ChannelRow) -> bool:
    if before.rollout_version == after.rollout_version != row.rollout_version:
        return False  # a rollout that ends and begins anew draws its devices anew
    had, has = served(before), served(after)
    return all(part <= max(had.get(bundle, 0), has.get(bundle, 0)) for bundle, part in served(row).items())


def _rank(before: ChannelRow, rows: Rows) -> tuple[bool, bool, int]:
    """How far rows are from what was: what devices get counts most, then which bundle waits, then all else."""
    return (
        any(served(row) != served(before) for row in rows),
        any(row.rollout_version != before.rollout_version for row in rows),
        len(_different(before, rows)),
    )


def _different(before: ChannelRow, rows: Rows) -> list[str]:
    return [
        name for name in ChannelRow.model_fields if any(getattr(row, name) != getattr(before, name) for row in rows)
    ]
