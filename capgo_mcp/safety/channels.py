"""What a write to a channel means."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any, Final

from capgo_mcp.agent.arguments import Controls
from capgo_mcp.agent.render import shown
from capgo_mcp.api.channel_edit import BundleKey, ChannelRow, Edit, possible
from capgo_mcp.api.channel_words import UNTOLD, default_lost, told
from capgo_mcp.api.errors import Conflict, NotFound, StateMoved
from capgo_mcp.api.next_call import NextCall
from capgo_mcp.api.rollout import NEEDS_A_ROLLOUT, OF_THE_RUNNING
from capgo_mcp.api.text import quoted
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.client.reads import Ahead
from capgo_mcp.insights.bundles import all_channels
from capgo_mcp.insights.way_back import way_back
from capgo_mcp.operations.channels import Channel, DeleteChannel, GetChannel, SetChannel, SetRollout
from capgo_mcp.operations.devices import ListDevices
from capgo_mcp.safety.as_asked import as_asked, is_vain
from capgo_mcp.safety.meaning import Meaning
from capgo_mcp.safety.reading import DEVICES, Reading
from capgo_mcp.safety.undo import Snapshot, Told, Undo, next_call, untold

NOISE: Final = frozenset({"updated_at", "rollout_id", "rollout_version", "other_channels"})
"""Facts of a channel that change by themselves or repeat another one."""

SERVES: Final = ("public", "version", "rollout_version_info", "rollout_percentage_bps")
"""Facts of a channel that say what it gives to whom."""

_PLATFORMS: Final = ("ios", "android", "electron")
_NEAR: Final = 0.8
"""How alike two names are of which one was likely misspelt: by about one letter in five."""
_NEW: Final = timedelta(minutes=10)
"""Age of a channel up to which this call may have made it: the two clocks need not agree."""


async def _preview_set(operation: SetChannel | SetRollout, reading: Reading) -> None:
    """What the channel serves now; one that is not there may be created, but has no bundle to lose."""
    read = GetChannel(app_id=operation.app_id, channel=operation.channel)
    reading.tell_as("now", await reading.read("channel", read, target=bool(operation.dangers())), *SERVES)


async def _snapshot(operation: SetChannel | SetRollout, capgo: Capgo) -> Snapshot:
    # The list costs more pages, so it is read only for what it alone tells: a new channel's neighbours, the defaults.
    public = isinstance(operation, SetChannel) and operation.public is not None
    one = GetChannel(app_id=operation.app_id, channel=operation.channel)
    every = all_channels(app_id=operation.app_id)
    ahead = Ahead(capgo)
    await ahead.read(*((one, every) if public else (one,)))
    channel: Channel | None = None
    with suppress(NotFound):
        channel = await ahead.send(one)
    seen = replace(Snapshot() if channel is None else seen_channel(channel), at=capgo.clock.moment())
    if channel and not public:
        return seen
    channels = (await ahead.send(every)).items
    if not channel:
        seen.facts["other_channels"] = [one.name for one in channels if one.name]
    if public:
        seen = replace(seen, defaults=_defaults(channels))
        seen.facts["default_channels"] = list(seen.defaults)
    return seen


def _defaults(channels: Sequence[Channel]) -> dict[str, ChannelRow]:
    return {one.name: one.stored() for one in channels if one.public and one.name}


def seen_channel(channel: Channel) -> Snapshot:
    """A snapshot of a channel: stored are the columns that a write can set."""
    return Snapshot(shown(channel), channel=channel.stored())


def _undo(operation: SetChannel | SetRollout, before: Snapshot, after: Snapshot) -> Undo:
    where = {"app_id": operation.app_id}
    robbed = sorted(_robbed(operation.channel, before, after))
    defaults = [next_call(SetChannel, **where, channel=name, public=True) for name in robbed]
    if before.channel is None or after.channel is None:
        return _undo_creation(operation, after, defaults)
    was, now = before.channel, after.channel
    if defaults:  # The default goes back first, while the channel that gets it shares a platform to take it by.
        now = now.model_copy(update={"public": False})
    lost = _hidden(operation, after.channel) if isinstance(operation, SetChannel) else []
    if was.public and not now.public and len(before.defaults) > 1 and _may_serve_more(operation, lost):
        # As the default of a platform that it did not serve before, it would take that from another channel.
        was = was.model_copy(update={"public": False})
        lost.append("public")
    # Only the Capgos that explain what was read: a way that is right for others too may be longer, or none.
    ends = dict.fromkeys(possible(before.channel, operation.edit(), after.channel), now)
    way = way_back(was, ends, {**where, "channel": operation.channel})
    return Undo([*defaults, *map(NextCall.of, way.calls)], [*way.lost, *lost])


def _may_serve_more(operation: SetChannel | SetRollout, hidden: Collection[str]) -> bool:
    """Whether a platform was switched on, and nobody sees if it was before."""
    return any(getattr(operation, name) for name in _PLATFORMS if name in hidden)


def _undo_creation(operation: SetChannel | SetRollout, after: Snapshot, defaults: list[NextCall]) -> Undo:
    """A channel that is older than the call was there before, whatever Capgo said: then there is no way back."""
    if not _is_new(after):
        return Undo(defaults, ["the channel, which could not be read"])
    delete = next_call(DeleteChannel, app_id=operation.app_id, channel=operation.channel)
    # The default goes back first: without it, the app would have none for a while.
    return Undo([*defaults, delete], [])


def _is_new(channel: Snapshot) -> bool:
    made = channel.facts.get("created_at")
    return made is not None and channel.at is not None and channel.at - datetime.fromisoformat(made) < _NEW


def _set_in_vain(operation: SetChannel, before: Snapshot, controls: Controls) -> str | None:
    """A channel that is so already; or one that would be created though its name was likely misspelt."""
    if before.channel is None:
        _create_only_what_is_meant(operation.channel, before.facts.get("other_channels", []), controls)
        return None
    if not operation.edit().said:
        return f"Nothing to change was given. {told(operation.channel, before.channel)}"
    if "version" in operation.edit().said:
        end_no_rollout_unseen(operation.channel, before.channel, operation.version, controls)
    return _as_it_is(operation.channel, before.channel, operation.edit())


def _create_only_what_is_meant(name: str, others: list[str], controls: Controls) -> None:
    if name in others:
        sentence = f"Capgo lists the channel {quoted(name)} and then does not find it, so nothing was changed."
        raise Conflict("channel_not_found", sentence, "Try again in a minute.")
    near = get_close_matches(name.casefold(), [other.casefold() for other in others], n=1, cutoff=_NEAR)
    if near and not controls.create:
        meant = next(other for other in others if other.casefold() == near[0])
        raise Conflict(
            "channel_not_found",
            f"There is no channel {quoted(name)}, so nothing was changed. Did you mean {quoted(meant)}?",
            f"Repeat with channel {meant}; only if a new channel is wanted, with create true.",
        )


def _rollout_in_vain(operation: SetRollout, before: Snapshot, controls: Controls) -> str | None:
    """Capgo says ok to a pause, a drop or a share of no rollout; a pause would even stop the next one."""
    row = before.channel
    if row is None:
        return None
    if row.rollout_version is None and operation.action in NEEDS_A_ROLLOUT:
        verb = "switch off" if operation.action == "off" else operation.action
        return (
            f"No rollout is there: nothing to {verb}. {told(operation.channel, row)} "
            "To go back to an earlier bundle, capgo_set_channel with version; to begin a rollout, action start."
        )
    if operation.action in OF_THE_RUNNING and operation.version not in (None, row.rollout_version):
        raise StateMoved(f"The rollout is not of {quoted(str(operation.version))}", told(operation.channel, row))
    if operation.action == "start":
        end_no_rollout_unseen(operation.channel, row, operation.version, controls)
    return _as_it_is(operation.channel, row, operation.edit())


def end_no_rollout_unseen(name: str, row: ChannelRow, meant: BundleKey | None, controls: Controls) -> None:
    """Return unless a rollout of another bundle began since somebody looked: the call would end it.

    Raises:
        StateMoved: The agent said what it expects, and such a rollout is there; nothing was sent.
    """
    if controls.expected_version is not None and row.rollout_version not in (None, meant):
        running = quoted(str(row.rollout_version))
        raise StateMoved(
            f"This would end the rollout of {running}",
            told(name, row),
            f"Drop it first, with version {running}, if the user wants that.",
        )


def _as_it_is(name: str, row: ChannelRow, edit: Edit) -> str | None:
    return f"It is so already. {told(name, row)}" if is_vain(row, edit) else None


def _tell(operation: SetChannel | SetRollout, before: Snapshot, after: Snapshot) -> Told:
    if after.channel is None:
        return Told("")
    now = told(operation.channel, after.channel)
    if before.channel is None:
        return Told(f"This created a new channel. {now}", notes=_moved(operation.channel, before, after))
    return told_of_edit(now, before.channel, operation.edit(), after.channel, _moved(operation.channel, before, after))


def _moved(name: str, before: Snapshot, after: Snapshot) -> list[str]:
    """Which channels lost the default, and for which platforms."""
    return [default_lost(other, row, after.defaults) for other, row in _robbed(name, before, after).items()]


def _robbed(name: str, before: Snapshot, after: Snapshot) -> dict[str, ChannelRow]:
    """The other channels that were a default and are none any more; that this one gave it up is its own change."""
    return {other: row for other, row in before.defaults.items() if other not in after.defaults and other != name}


def told_of_edit(now: str, before: ChannelRow, edit: Edit, after: ChannelRow, notes: Sequence[str] = ()) -> Told:
    """What came of an edit of a channel that was there before."""
    result = as_asked(before, edit, after)
    unmet = [f"Not as asked, though Capgo said it was done: {', '.join(result.unmet)}."] if result.unmet else []
    unseen = [f"This Capgo does not show {', '.join(result.unseen)}; an older one may not store it."]
    return Told(now, not result.unmet, (*unmet, *result.notes, *notes, *(unseen if result.unseen else [])))


def _hidden(operation: SetChannel, after: ChannelRow) -> list[str]:
    """What the change touched that this Capgo does not show: the platforms, or at least Electron."""
    touched = {name for name in untold(operation, *_PLATFORMS, "update_package") if getattr(after, name) is None}
    if operation.public and operation.ios != operation.android:
        touched.add("electron")  # a default channel of one mobile platform is taken from Electron
    return sorted(touched)


async def _preview_delete(operation: DeleteChannel, reading: Reading) -> None:
    read = GetChannel(app_id=operation.app_id, channel=operation.channel)
    devices = ListDevices(app_id=operation.app_id, limit=DEVICES)
    await reading.ahead(read, devices)
    channel = await reading.read("channel", read, target=True)
    reading.tell(channel, "id", *SERVES, "ios", "android")
    await reading.count(
        "devices_pinned",
        devices,
        moving=True,
        admits=lambda device: device.channel == operation.channel,
    )
    reading.unknown.append(UNTOLD[channel is not None and channel.ios is not None])


MEANINGS: Final[tuple[Meaning[Any], ...]] = (
    Meaning(
        SetChannel,
        preview=_preview_set,
        snapshot=_snapshot,
        in_vain=_set_in_vain,
        told=_tell,
        undo=_undo,
        noise=NOISE,
    ),
    Meaning(
        SetRollout,
        preview=_preview_set,
        snapshot=_snapshot,
        in_vain=_rollout_in_vain,
        told=_tell,
        undo=_undo,
        noise=NOISE,
    ),
    Meaning(DeleteChannel, preview=_preview_delete),
)
