"""The calls that give a bundle to a channel's devices, and the way back from them, found with the model of an edit."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.api.channel_edit import PERCENT, WHOLE, ChannelRow, EditRefused, edited, served
from capgo_mcp.insights.way_back import WayBack, way_back
from capgo_mcp.operations.channels import Channel, SetChannel, SetRollout

STOP_RULE: Final[Mapping[str, Any]] = {
    "auto_pause_enabled": True,
    "auto_pause_action": "pause",
    "auto_pause_failure_rate_bps": 500,
    "auto_pause_min_attempts": 100,
}
"""Pauses a rollout by itself when more than 5 % of the updates fail, out of at least a hundred."""

ChannelWrite = SetChannel | SetRollout
Ends = Mapping[Behaviour, ChannelRow]
"""A channel as it would be, for each Capgo that may answer."""


@dataclass(frozen=True)
class Proposal:
    """What to call, and what comes of it.

    Attributes:
        calls: The calls in their order; none when nothing would change.
        ends: The channel after them.
        back: The way back from there.
        expects: Lets each call be refused where the channel does not serve any more what it serves now.
    """

    calls: Sequence[ChannelWrite]
    ends: Ends
    back: WayBack
    expects: Mapping[str, str]


def proposed(channel: Channel, app_id: str, version: str, percentage: float | None) -> Proposal | EditRefused:
    """The fewest calls that give a bundle to the wanted share whichever Capgo answers, or why Capgo refuses them.

    Args:
        channel: The channel as it is.
        app_id: The app.
        version: The bundle.
        percentage: The share in percent, as a staged rollout; None for all devices, as the stable bundle.
    """
    before = channel.stored()
    where = {"app_id": app_id, "channel": channel.name or ""}
    if percentage is not None and before.version == version:
        return _nothing(before)  # to give a part of the devices what all of them get
    refused = EditRefused("no_way", "No call gives it to that share of the devices")
    ways = _everyone(before, where, version) if percentage is None else _share(channel, where, version, percentage)
    # Short ways come first, so the first one that leads there is taken.
    for calls in ways:
        ends = _walked(before, calls)
        if isinstance(ends, EditRefused):
            refused = ends
        elif all(_as_wanted(row, version, percentage) for row in ends.values()):
            changed = any(row != before for row in ends.values())
            return _something(before, calls, ends, where) if changed else _nothing(before)
    return refused


def _nothing(before: ChannelRow) -> Proposal:
    return Proposal((), dict.fromkeys(Behaviour, before), WayBack([], []), {})


def _something(before: ChannelRow, calls: Sequence[ChannelWrite], ends: Ends, where: Mapping[str, str]) -> Proposal:
    # None of the proposed calls but the last changes the stable bundle, so all can expect the same one.
    expects = {"expected_version": before.version} if isinstance(before.version, str) else {}
    return Proposal(calls, ends, way_back(before, ends, where), expects)


def _everyone(before: ChannelRow, where: Mapping[str, str], version: str) -> Iterator[tuple[ChannelWrite, ...]]:
    if before.rollout_version == version:
        yield (SetRollout(**where, action="promote", version=version),)
    stable, drop = SetChannel(**where, version=version), _of_the_running(before, where, "drop")
    if not _would_be_unseen(before, version):
        yield (stable,)
    # Where it is stable already, and only a rollout beside it has to end.
    yield (drop,)
    yield (drop, stable)


def _share(
    channel: Channel, where: Mapping[str, str], version: str, percentage: float
) -> Iterator[tuple[ChannelWrite, ...]]:
    """The channel's own stop rule stays if it has one."""
    before = channel.stored()
    stop = {} if channel.auto_pause_enabled and channel.auto_pause_failure_rate_bps else STOP_RULE
    start = SetRollout(**where, action="start", version=version, percentage=percentage, **stop)
    if before.rollout_version == version:
        yield (SetRollout(**where, action="widen", version=version, percentage=percentage, **stop),)
        yield (SetRollout(**where, action="resume", version=version, percentage=percentage, **stop),)
    if _would_be_unseen(before, version):
        yield (_of_the_running(before, where, "drop"), start)
    else:
        yield (start,)
        yield (_of_the_running(before, where, "resume"), start)


def _would_be_unseen(before: ChannelRow, version: str) -> bool:
    """Whether another rollout ends beside what is asked; a call that says what it expects is refused for that."""
    return before.rollout_version not in (None, version)


def _of_the_running(before: ChannelRow, where: Mapping[str, str], action: Literal["drop", "resume"]) -> SetRollout:
    """It names the rollout's bundle, so that it reaches no other one."""
    named = {"version": before.rollout_version} if isinstance(before.rollout_version, str) else {}
    return SetRollout.of_told(**where, action=action, **named)


def _walked(before: ChannelRow, calls: Sequence[ChannelWrite]) -> Ends | EditRefused:
    """The rows after some calls, or the refusal of the first that Capgo would not take."""
    ends = dict.fromkeys(Behaviour, before)
    for call in calls:
        for behaviour, row in ends.items():
            after = edited(row, call.edit(), behaviour)
            if isinstance(after, EditRefused):
                return after
            ends[behaviour] = after
    return ends


def _as_wanted(row: ChannelRow, version: str, percentage: float | None) -> bool:
    shares = served(row)
    if percentage is None:
        # A rollout that only waits would survive on a Capgo from before August 2026, and then begin over this bundle.
        return row.rollout_version is None and shares == {version: WHOLE}
    return row.rollout_version == version and shares.get(version) == round(percentage * PERCENT)
