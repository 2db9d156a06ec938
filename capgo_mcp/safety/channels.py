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
from capgo_mcp.operations.channels import Channel, DeleteChannel, GetChannel, ListChannels, SetChannel, SetRollout
from capgo_mcp.safety.meaning import Meaning
from capgo_mcp.safety.reading import Reading
from capgo_mcp.safety.undo import Facts, Undo, former, next_call, untold

NOISE: Final = frozenset({"updated_at", "rollout_id", "rollout_version", "other_channels"})
"""Facts of a channel that change by themselves or repeat another one."""

_SERVES: Final = ("public", "version", "rollout_version_info", "rollout_percentage_bps")
_NEW: Final = timedelta(minutes=10)
"""Age of a channel up to which this call may have made it: the two clocks need not agree."""
_SETTINGS: Final = {
    "rollout_cache_ttl_seconds": "cache_ttl_seconds",
    **{name: name for name in SetRollout.model_fields if name.startswith("auto_pause_")},
}
"""What a channel stores of a rollout's settings, and the arguments that set it."""
_REASON: Final = "rollout_pause_reason"


async def _preview_set(operation: SetChannel, reading: Reading) -> None:
    """What the channel serves now, under a word of its own: beside the arguments it would look like what is to be."""
    channel = await _target(operation, reading)
    if channel is not None:
        reading.facts["now"] = {name: fact for name, fact in shown(channel).items() if name in _SERVES}


async def _target(operation: DeleteChannel | SetChannel, reading: Reading) -> Channel | None:
    read = GetChannel(app_id=operation.app_id, channel=operation.channel)
    return await reading.read("channel", read, target=True)


async def _snapshot(operation: SetChannel | SetRollout, capgo: Capgo) -> Facts:
    facts: Facts = {}
    with suppress(NotFound):
        facts = shown(await capgo.send(GetChannel(app_id=operation.app_id, channel=operation.channel)))
    public = isinstance(operation, SetChannel) and operation.public is not None
    if facts and not public:
        return facts
    # The list costs more pages, so it is read only for what it alone tells: a new channel's neighbours, the defaults.
    channels = (await capgo.send(ListChannels(app_id=operation.app_id, limit=MOST))).items
    if not facts:
        facts["other_channels"] = [channel.name for channel in channels if channel.name]
    if public:
        facts["default_channels"] = [channel.name for channel in channels if channel.public]
    return facts


def _undo(operation: SetChannel | SetRollout, before: Facts, after: Facts) -> Undo:
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
    if defaults:  # the channel that gets the default back takes it from this one
        back.pop("public", None)
    rollout, gone = _rollout_back(before, after)
    calls = [next_call(SetChannel, app_id=app_id, channel=channel, **back)] if back else []
    calls += [next_call(SetRollout, app_id=app_id, channel=channel, **step) for step in rollout]
    lost = [name for name in lost if name != "version"]
    if isinstance(operation, SetChannel):
        gone = [*gone, *_platforms(operation), *untold(operation, "update_package")]
    return Undo([*calls, *defaults], [*lost, *gone])


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


def _rollout_back(before: Facts, after: Facts) -> tuple[list[Facts], list[str]]:
    """The steps that set a rollout back, and the arguments whose former value Capgo does not tell."""
    changed = [name for name in _SETTINGS if before.get(name) != after.get(name)]
    settings = {_SETTINGS[name]: before[name] for name in changed if name in before}
    lost = [_SETTINGS[name] for name in changed if name not in before]
    target, now = before.get("rollout_version_info"), after.get("rollout_version_info")
    if target is None:
        steps = [{"action": "drop"}] if now else []
    else:
        steps = _running_back(before, after, target["name"], same=target == now)
        if before.get("rollout_paused_at") and after.get("rollout_pause_reason") and not before.get(_REASON):
            lost.append("pause_reason")
    if settings and steps:
        steps[-1] |= settings
    return (steps or [{"action": "auto_pause", **settings}] if settings else steps), lost


def _running_back(before: Facts, after: Facts, version: str, *, same: bool) -> list[Facts]:
    """The steps to a rollout as it was: it reaches nobody until it is paused again, if it was."""
    share = before.get("rollout_percentage_bps", 0) / 100
    paused, enabled = before.get("rollout_paused_at"), before.get("rollout_enabled", False)
    steps: list[Facts] = []
    if not same or (enabled and not after.get("rollout_enabled")):
        steps.append({"action": "start", "version": version, "percentage": share if enabled and not paused else 0})
    pauses = (before.get("rollout_paused_at"), before.get(_REASON)) != (
        after.get("rollout_paused_at"),
        after.get(_REASON),
    )
    if paused and (pauses or steps):
        reason = {"pause_reason": before[_REASON]} if before.get(_REASON) else {}
        steps.append({"action": "pause", "paused_at": paused, "percentage": share, **reason})
    elif pauses and same:
        steps.append({"action": "resume", "percentage": share})
    elif same and share != after.get("rollout_percentage_bps", 0) / 100:
        steps.append({"action": "widen", "percentage": share})
    if not enabled and (steps or after.get("rollout_enabled")):
        steps.append({"action": "off"})
    return steps


def _platforms(operation: SetChannel) -> list[str]:
    """The platforms whose switches the change touched: Capgo shows none of them."""
    touched = set(untold(operation, "ios", "android", "electron"))
    if operation.public and operation.ios != operation.android:
        touched.add("electron")  # a default channel of one mobile platform is taken from Electron
    return sorted(touched)


def _without_rollout(operation: SetRollout, before: Facts) -> str | None:
    """Capgo says ok to a pause, a drop or a share of no rollout; a pause would even stop the next one."""
    if not before or before.get("rollout_version_info") or operation.action in ("start", "auto_pause"):
        return None
    serves = (
        f"serves {quoted(before['version']['name'])} to all its devices" if before.get("version") else "has no bundle"
    )
    return (
        f"No rollout is on channel {quoted(operation.channel)}, which {serves}: nothing to {operation.action}. "
        "To go back to an earlier bundle, capgo_set_channel with version; to begin a rollout, action start."
    )


async def _preview_delete(operation: DeleteChannel, reading: Reading) -> None:
    reading.tell(await _target(operation, reading), *_SERVES)
    reading.unknown.append("platforms: Capgo does not tell which platforms a channel serves")


MEANINGS: Final[tuple[Meaning[Any], ...]] = (
    Meaning(SetChannel, preview=_preview_set, snapshot=_snapshot, undo=_undo, noise=NOISE),
    Meaning(SetRollout, in_vain=_without_rollout, snapshot=_snapshot, undo=_undo, noise=NOISE),
    Meaning(DeleteChannel, preview=_preview_delete),
)
