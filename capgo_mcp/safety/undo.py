"""Changes that people's devices feel: what was before and after, and the calls that take them back."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any, Final, NamedTuple

from capgo_mcp.agent.outcomes import NextCall, Outcome
from capgo_mcp.agent.render import shown
from capgo_mcp.api.errors import CapgoError, NotFound
from capgo_mcp.api.fields import MOST
from capgo_mcp.api.operation import Operation
from capgo_mcp.api.text import quoted
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.operations.apps import GetApp, UpdateApp
from capgo_mcp.operations.bundles import SetBundleChannel
from capgo_mcp.operations.channels import DeleteChannel, GetChannel, ListChannels, SetChannel, SetRollout
from capgo_mcp.operations.devices import GetDevice, SetDeviceChannel, UnsetDeviceChannel
from capgo_mcp.operations.organizations import GetOrganization, UpdateOrganization

Facts = dict[str, Any]

_NEW: Final = timedelta(minutes=10)
"""Age of a channel up to which this call may have made it: the two clocks need not agree."""
_SETTINGS: Final = {
    "rollout_cache_ttl_seconds": "cache_ttl_seconds",
    **{name: name for name in SetRollout.model_fields if name.startswith("auto_pause_")},
}
"""What a channel stores of a rollout's settings, and the arguments that set it."""
_REASON: Final = "rollout_pause_reason"
_NOISE: Final = frozenset({"updated_at", "rollout_id", "rollout_version", "last_version", "other_channels"})
"""Facts that change by themselves or repeat another one."""


class Undo(NamedTuple):
    """How a change is taken back: the calls, and the arguments whose former value Capgo does not tell."""

    calls: list[NextCall]
    lost: list[str]
    note: str = ""


class Witness(NamedTuple):
    """How a change is seen and taken back: reads what it touches, and knows the way back from before and after.

    `in_vain` says why a call would not do what it seems to, from what is there before it; such a call is not sent.
    """

    look: Callable[[Any, Capgo], Awaitable[Facts]]
    undo: Callable[[Any, Facts, Facts], Undo]
    in_vain: Callable[[Any, Facts], str | None] = lambda _operation, _before: None


async def carry_out(operation: Operation[Any], capgo: Capgo, *, request_id: str) -> Outcome[Any]:
    """Send a write and tell what it changed.

    Args:
        operation: The write.
        capgo: Where to send it.
        request_id: Under which name Capgo's logs shall keep it.

    Raises:
        CapgoError: The write did not succeed; the reads around it never fail it.
    """
    witness = WITNESSES.get(type(operation))
    before = await _look(witness, operation, capgo)
    if witness and not isinstance(before, CapgoError) and (why := witness.in_vain(operation, before)):
        return Outcome(done=False, changed="nothing", note=why)
    answer = await capgo.send(operation, request_id=request_id)
    result = answer if set(answer.model_fields_set) - {"status"} else None
    if witness is None:
        return Outcome(done=True, result=result)
    after = await _look(witness, operation, capgo)
    if isinstance(before, CapgoError) or isinstance(after, CapgoError):
        return Outcome(done=True, result=result, note="Done. What it changed could not be read.")
    undo = witness.undo(operation, before, after)
    return Outcome(
        done=True,
        before=_different(before, after),
        after=_different(after, before),
        undo=undo.calls,
        note=undo.note or (f"Capgo does not tell the former value of {', '.join(undo.lost)}." if undo.lost else None),
    )


async def _look(witness: Witness | None, operation: Operation[Any], capgo: Capgo) -> Facts | CapgoError:
    if witness is None:
        return {}
    try:
        return await witness.look(operation, capgo)
    except NotFound:
        return {}
    except CapgoError as error:
        return error


def _different(facts: Facts, others: Facts) -> Facts:
    return {name: value for name, value in facts.items() if name not in _NOISE and others.get(name) != value}


def _call(kind: type[Operation[Any]], **arguments: Any) -> NextCall:
    """A call as an agent has to make it, with consent where it needs that."""
    consent = {"confirm": True} if kind(**arguments).needs_consent() else {}
    return NextCall(tool=kind.spec.name, arguments=arguments | consent)


def _back(kind: type[Operation[Any]], before: Facts, after: Facts) -> tuple[Facts, list[str]]:
    """The arguments that set back what changed, and those whose former value is nothing that could be set."""
    changed = [name for name in kind.model_fields if before.get(name) != after.get(name)]
    return {name: before[name] for name in changed if name in before}, [name for name in changed if name not in before]


def _untold(operation: Operation[Any], *names: str) -> list[str]:
    """The given arguments that Capgo never shows."""
    return [name for name in names if getattr(operation, name) is not None]


async def _see_channel(operation: SetChannel | SetRollout, capgo: Capgo) -> Facts:
    facts: Facts = {}
    with suppress(NotFound):
        facts = shown(await capgo.send(GetChannel(app_id=operation.app_id, channel=operation.channel)))
    public = isinstance(operation, SetChannel) and operation.public is not None
    if facts and not public:
        return facts
    channels = (await capgo.send(ListChannels(app_id=operation.app_id, limit=MOST))).items
    if not facts:
        facts["other_channels"] = [channel.name for channel in channels if channel.name]
    if public:
        facts["default_channels"] = [channel.name for channel in channels if channel.public]
    return facts


def _undo_channel(operation: SetChannel | SetRollout, before: Facts, after: Facts) -> Undo:
    app_id, channel = operation.app_id, operation.channel
    robbed = set(before.get("default_channels", [])) - set(after.get("default_channels", []))
    defaults = [_call(SetChannel, app_id=app_id, channel=name, public=True) for name in sorted(robbed)]
    if "id" not in before:
        return _undo_creation(operation, before, after, defaults)
    back, lost = _back(SetChannel, before, after)
    if "version" in back:
        back["version"] = back["version"]["name"]
    if "version" in lost:
        back["detach_bundle"] = True
    if defaults:
        back.pop("public", None)
    rollout, gone = _rollout_back(before, after)
    calls = [_call(SetChannel, app_id=app_id, channel=channel, **back)] if back else []
    calls += [_call(SetRollout, app_id=app_id, channel=channel, **step) for step in rollout]
    lost = [name for name in lost if name != "version"]
    if isinstance(operation, SetChannel):
        gone = [*gone, *_platforms(operation), *_untold(operation, "update_package")]
    return Undo([*calls, *defaults], [*lost, *gone])


def _undo_creation(operation: SetChannel | SetRollout, before: Facts, after: Facts, defaults: list[NextCall]) -> Undo:
    """A channel that is older than the call was there before, whatever Capgo said: then there is no way back."""
    if not _is_new(after):
        return Undo(defaults, ["the channel, which could not be read"])
    near = get_close_matches(operation.channel, before.get("other_channels", []), n=1)
    meant = f"; did you mean {quoted(near[0])}?" if near else "."
    delete = _call(DeleteChannel, app_id=operation.app_id, channel=operation.channel)
    return Undo([*defaults, delete], [], note=f"This created a new channel{meant}")


def _is_new(channel: Facts) -> bool:
    made = channel.get("created_at")
    return made is not None and datetime.now(UTC) - datetime.fromisoformat(made) < _NEW


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


def _rollout_back(before: Facts, after: Facts) -> tuple[list[Facts], list[str]]:
    """The steps that set a rollout back, and the arguments whose former value Capgo does not tell."""
    changed = [name for name in _SETTINGS if before.get(name) != after.get(name)]
    settings = {_SETTINGS[name]: before[name] for name in changed if name in before}
    lost = [_SETTINGS[name] for name in changed if name not in before]
    former, now = before.get("rollout_version_info"), after.get("rollout_version_info")
    if former is None:
        steps = [{"action": "drop"}] if now else []
    else:
        steps = _running_back(before, after, former["name"], same=former == now)
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
    touched = set(_untold(operation, "ios", "android", "electron"))
    if operation.public and operation.ios != operation.android:
        touched.add("electron")  # a default channel of one mobile platform is taken from Electron
    return sorted(touched)


async def _see_channel_by_id(operation: SetBundleChannel, capgo: Capgo) -> Facts:
    channels = await capgo.send(ListChannels(app_id=operation.app_id, limit=MOST))
    return next((shown(channel) for channel in channels.items if channel.id == operation.channel_id), {})


def _undo_bundle_channel(operation: SetBundleChannel, before: Facts, after: Facts) -> Undo:
    former = before.get("version")
    if former == after.get("version"):
        return Undo([], [])
    if former:
        ids = {"version_id": former["id"], "channel_id": operation.channel_id}
        return Undo([_call(SetBundleChannel, app_id=operation.app_id, **ids)], [])
    return Undo([_call(SetChannel, app_id=operation.app_id, channel=after["name"], detach_bundle=True)], [])


async def _see_app(operation: UpdateApp, capgo: Capgo) -> Facts:
    return shown(await capgo.send(GetApp(app_id=operation.app_id)))


def _undo_app(operation: UpdateApp, before: Facts, after: Facts) -> Undo:
    back, lost = _back(UpdateApp, before, after)
    calls = [_call(UpdateApp, app_id=operation.app_id, **back)] if back else []
    return Undo(calls, [*lost, *_untold(operation, "icon")])


async def _see_organization(operation: UpdateOrganization, capgo: Capgo) -> Facts:
    return shown(await capgo.send(GetOrganization(org_id=operation.org_id)))


def _undo_organization(operation: UpdateOrganization, before: Facts, after: Facts) -> Undo:
    back, lost = _back(UpdateOrganization, before, after)
    calls = [_call(UpdateOrganization, org_id=operation.org_id, **back)] if back else []
    return Undo(calls, [*lost, *_untold(operation, "logo")])


async def _see_device(operation: SetDeviceChannel, capgo: Capgo) -> Facts:
    return shown(await capgo.send(GetDevice(app_id=operation.app_id, device_id=operation.device_id)))


def _undo_device(operation: SetDeviceChannel, before: Facts, after: Facts) -> Undo:
    target = {"app_id": operation.app_id, "device_id": operation.device_id}
    former = before.get("channel")
    if former and former == after.get("channel"):
        return Undo([], [])
    back = _call(SetDeviceChannel, **target, channel=former) if former else _call(UnsetDeviceChannel, **target)
    return Undo([back], [])


WITNESSES: Final[dict[type[Operation[Any]], Witness]] = {
    SetChannel: Witness(_see_channel, _undo_channel),
    SetRollout: Witness(_see_channel, _undo_channel, _without_rollout),
    SetBundleChannel: Witness(_see_channel_by_id, _undo_bundle_channel),
    UpdateApp: Witness(_see_app, _undo_app),
    UpdateOrganization: Witness(_see_organization, _undo_organization),
    SetDeviceChannel: Witness(_see_device, _undo_device),
}
"""How each consequential change is seen and taken back."""
