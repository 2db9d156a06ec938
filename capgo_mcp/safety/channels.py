"""What a write to a channel means."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any, Final

from capgo_mcp.agent.outcomes import NextCall
from capgo_mcp.agent.render import shown
from capgo_mcp.api.channel_edit import ChannelRow
from capgo_mcp.api.errors import NotFound
from capgo_mcp.api.fields import MOST
from capgo_mcp.api.rollout import NEEDS_A_ROLLOUT
from capgo_mcp.api.text import quoted
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.operations.channels import Channel, DeleteChannel, GetChannel, ListChannels, SetChannel, SetRollout
from capgo_mcp.safety.meaning import Meaning
from capgo_mcp.safety.reading import Reading
from capgo_mcp.safety.undo import Facts, Snapshot, Undo, as_call, next_call, untold
from capgo_mcp.safety.way_back import way_back

NOISE: Final = frozenset({"updated_at", "rollout_id", "rollout_version", "other_channels"})
"""Facts of a channel that change by themselves or repeat another one."""

_SERVES: Final = ("public", "version", "rollout_version_info", "rollout_percentage_bps")
_NEW: Final = timedelta(minutes=10)
"""Age of a channel up to which this call may have made it: the two clocks need not agree."""


async def _preview_set(operation: SetChannel, reading: Reading) -> None:
    """What the channel serves now, under a word of its own: beside the arguments it would look like what is to be."""
    channel = await _target(operation, reading)
    if channel is not None:
        reading.facts["now"] = {name: fact for name, fact in shown(channel).items() if name in _SERVES}


async def _target(operation: DeleteChannel | SetChannel, reading: Reading) -> Channel | None:
    read = GetChannel(app_id=operation.app_id, channel=operation.channel)
    return await reading.read("channel", read, target=True)


async def _snapshot(operation: SetChannel | SetRollout, capgo: Capgo) -> Snapshot:
    channel: Channel | None = None
    with suppress(NotFound):
        channel = await capgo.send(GetChannel(app_id=operation.app_id, channel=operation.channel))
    seen = Snapshot() if channel is None else seen_channel(channel)
    public = isinstance(operation, SetChannel) and operation.public is not None
    if channel and not public:
        return seen
    # The list costs more pages, so it is read only for what it alone tells: a new channel's neighbours, the defaults.
    channels = (await capgo.send(ListChannels(app_id=operation.app_id, limit=MOST))).items
    if not channel:
        seen.facts["other_channels"] = [one.name for one in channels if one.name]
    if public:
        seen.facts["default_channels"] = [one.name for one in channels if one.public]
    return seen


def seen_channel(channel: Channel) -> Snapshot:
    """A snapshot of a channel: stored are the columns that a write can set."""
    return Snapshot(shown(channel), channel=channel.stored())


def _undo(operation: SetChannel | SetRollout, before: Snapshot, after: Snapshot) -> Undo:
    robbed = set(before.facts.get("default_channels", [])) - set(after.facts.get("default_channels", []))
    where = {"app_id": operation.app_id}
    defaults = [next_call(SetChannel, **where, channel=name, public=True) for name in sorted(robbed)]
    if before.channel is None or after.channel is None:
        return _undo_creation(operation, before.facts, after.facts, defaults)
    was = before.channel
    if defaults:  # the channel that gets the default back takes it from this one
        was = was.model_copy(update={"public": after.channel.public})
    way = way_back(was, operation.edit(), after.channel, {**where, "channel": operation.channel})
    hidden = _hidden(operation, after.channel) if isinstance(operation, SetChannel) else []
    return Undo([*map(as_call, way.calls), *defaults], [*way.lost, *hidden])


def _undo_creation(operation: SetChannel | SetRollout, before: Facts, after: Facts, defaults: list[NextCall]) -> Undo:
    """A channel that is older than the call was there before, whatever Capgo said: then there is no way back."""
    if not _is_new(after):
        return Undo(defaults, ["the channel, which could not be read"])
    near = get_close_matches(operation.channel, before.get("other_channels", []), n=1)
    meant = f"; did you mean {quoted(near[0])}?" if near else "."
    delete = next_call(DeleteChannel, app_id=operation.app_id, channel=operation.channel)
    return Undo([*defaults, delete], [], note=f"This created a new channel{meant}")


def _is_new(channel: Facts) -> bool:
    """By the time of day: the moment it was made comes from a clock at Capgo, which no clock here could stand for."""
    made = channel.get("created_at")
    return made is not None and datetime.now(UTC) - datetime.fromisoformat(made) < _NEW


def _without_rollout(operation: SetRollout, before: Snapshot) -> str | None:
    """Capgo says ok to a pause, a drop or a share of no rollout; a pause would even stop the next one."""
    row = before.channel
    if row is None or row.rollout_version is not None or operation.action not in NEEDS_A_ROLLOUT:
        return None
    serves = "has no bundle" if row.version is None else f"serves {quoted(str(row.version))} to all its devices"
    return (
        f"No rollout is on channel {quoted(operation.channel)}, which {serves}: nothing to {operation.action}. "
        "To go back to an earlier bundle, capgo_set_channel with version; to begin a rollout, action start."
    )


def _hidden(operation: SetChannel, after: ChannelRow) -> list[str]:
    """What the change touched that this Capgo does not show: the platforms, or at least Electron."""
    given = ("ios", "android", "electron", "update_package")
    touched = {name for name in untold(operation, *given) if getattr(after, name) is None}
    if operation.public and operation.ios != operation.android:
        touched.add("electron")  # a default channel of one mobile platform is taken from Electron
    return sorted(touched)


async def _preview_delete(operation: DeleteChannel, reading: Reading) -> None:
    reading.tell(await _target(operation, reading), *_SERVES)
    reading.unknown.append("platforms: Capgo does not tell which platforms a channel serves")


MEANINGS: Final[tuple[Meaning[Any], ...]] = (
    Meaning(SetChannel, preview=_preview_set, snapshot=_snapshot, undo=_undo, noise=NOISE),
    Meaning(SetRollout, in_vain=_without_rollout, snapshot=_snapshot, undo=_undo, noise=NOISE),
    Meaning(DeleteChannel, preview=_preview_delete),
)
