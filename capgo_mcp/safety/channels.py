"""What a write to a channel means."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any, Final

from capgo_mcp.agent.outcomes import NextCall
from capgo_mcp.agent.render import shown
from capgo_mcp.api.errors import NotFound
from capgo_mcp.api.fields import MOST
from capgo_mcp.api.text import quoted
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.operations.channels import Channel, DeleteChannel, GetChannel, ListChannels, SetChannel
from capgo_mcp.safety.meaning import Meaning
from capgo_mcp.safety.reading import Reading
from capgo_mcp.safety.undo import Facts, Undo, former, next_call, untold

NOISE: Final = frozenset({"updated_at", "rollout_id", "rollout_version", "other_channels"})
"""Facts of a channel that change by themselves or repeat another one."""

_SERVES: Final = ("public", "version", "rollout_version_info", "rollout_percentage_bps")
_NEW: Final = timedelta(minutes=10)
"""Age of a channel up to which this call may have made it: the two clocks need not agree."""
_ENDED: Final[Facts] = {
    "rollout_enabled": False,
    "rollout_percentage_bps": 0,
    "rollout_paused_at": None,
    "rollout_pause_reason": None,
}
"""What Capgo sets when a rollout ends."""


async def _preview_set(operation: SetChannel, reading: Reading) -> None:
    """What the channel serves now, under a word of its own: beside the arguments it would look like what is to be."""
    channel = await _target(operation, reading)
    if channel is not None:
        reading.facts["now"] = {name: fact for name, fact in shown(channel).items() if name in _SERVES}


async def _target(operation: DeleteChannel | SetChannel, reading: Reading) -> Channel | None:
    read = GetChannel(app_id=operation.app_id, channel=operation.channel)
    return await reading.read("channel", read, target=True)


async def _snapshot(operation: SetChannel, capgo: Capgo) -> Facts:
    facts: Facts = {}
    with suppress(NotFound):
        facts = shown(await capgo.send(GetChannel(app_id=operation.app_id, channel=operation.channel)))
    if facts and operation.public is None:
        return facts
    # The list costs more pages, so it is read only for what it alone tells: a new channel's neighbours, the defaults.
    channels = (await capgo.send(ListChannels(app_id=operation.app_id, limit=MOST))).items
    if not facts:
        facts["other_channels"] = [channel.name for channel in channels if channel.name]
    if operation.public is not None:
        facts["default_channels"] = [channel.name for channel in channels if channel.public]
    return facts


def _undo(operation: SetChannel, before: Facts, after: Facts) -> Undo:
    app_id, channel = operation.app_id, operation.channel
    robbed = set(before.get("default_channels", [])) - set(after.get("default_channels", []))
    defaults = [next_call(SetChannel, app_id=app_id, channel=name, public=True) for name in sorted(robbed)]
    if "id" not in before:
        return _undo_creation(operation, before, after, defaults)
    back, lost = former(SetChannel, before, after)
    if "version" in back:
        back["version"] = back["version"]["name"]
    if "version" in lost:
        back["detach_bundle"] = True
    ended = _set_rollout_back(back, before, after)
    if defaults:  # the channel that gets the default back takes it from this one
        back.pop("public", None)
    steps = [{"rollback": True}, back] if ended else [back]
    mine = [next_call(SetChannel, app_id=app_id, channel=channel, **step) for step in steps if step]
    lost = [name for name in lost if name not in ("version", "rollout_version", "rollout_paused_at")]
    return Undo([*mine, *defaults], [*lost, *_platforms(operation), *untold(operation, "update_package")])


def _undo_creation(operation: SetChannel, before: Facts, after: Facts, defaults: list[NextCall]) -> Undo:
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


def _set_rollout_back(back: Facts, before: Facts, after: Facts) -> bool:
    """Complete the arguments that set a rollout back; true when there was none, so that it has to be ended first."""
    target = before.get("rollout_version_info")
    back.pop("rollout_version", None)  # an id in what Capgo shows, a name in what it takes
    if before.get("rollout_paused_at") != after.get("rollout_paused_at") and "rollout_paused_at" not in before:
        back["rollout_paused"] = False
    if target == after.get("rollout_version_info"):
        return False
    if target:
        back["rollout_version"] = target["name"]
        return False
    for name, fresh in _ENDED.items():  # ending a rollout resets these
        back.pop(name, None)
        if before.get(name, fresh) != fresh:
            back[name] = before[name]
    back.pop("rollout_paused", None)
    return True


def _platforms(operation: SetChannel) -> list[str]:
    """The platforms whose switches the change touched: Capgo shows none of them."""
    touched = set(untold(operation, "ios", "android", "electron"))
    if operation.public and operation.ios != operation.android:
        touched.add("electron")  # a default channel of one mobile platform is taken from Electron
    return sorted(touched)


async def _preview_delete(operation: DeleteChannel, reading: Reading) -> None:
    reading.tell(await _target(operation, reading), *_SERVES)
    reading.unknown.append("platforms: Capgo does not tell which platforms a channel serves")


MEANINGS: Final[tuple[Meaning[Any], ...]] = (
    Meaning(SetChannel, preview=_preview_set, snapshot=_snapshot, undo=_undo, noise=NOISE),
    Meaning(DeleteChannel, preview=_preview_delete),
)
