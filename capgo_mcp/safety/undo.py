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
from capgo_mcp.operations.channels import DeleteChannel, GetChannel, ListChannels, SetChannel
from capgo_mcp.operations.devices import GetDevice, SetDeviceChannel, UnsetDeviceChannel
from capgo_mcp.operations.organizations import GetOrganization, UpdateOrganization

Facts = dict[str, Any]

_NEW: Final = timedelta(minutes=10)
"""Age of a channel up to which this call may have made it: the two clocks need not agree."""
_ENDED: Final[Facts] = {
    "rollout_enabled": False,
    "rollout_percentage_bps": 0,
    "rollout_paused_at": None,
    "rollout_pause_reason": None,
}
_NOISE: Final = frozenset({"updated_at", "rollout_id", "rollout_version", "last_version", "other_channels"})
"""Facts that change by themselves or repeat another one."""


class Undo(NamedTuple):
    """How a change is taken back: the calls, and the arguments whose former value Capgo does not tell."""

    calls: list[NextCall]
    lost: list[str]
    note: str = ""


class Witness(NamedTuple):
    """How a change is seen and taken back: reads what it touches, and knows the way back from before and after."""

    look: Callable[[Any, Capgo], Awaitable[Facts]]
    undo: Callable[[Any, Facts, Facts], Undo]


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


async def _see_channel(operation: SetChannel, capgo: Capgo) -> Facts:
    facts: Facts = {}
    with suppress(NotFound):
        facts = shown(await capgo.send(GetChannel(app_id=operation.app_id, channel=operation.channel)))
    if facts and operation.public is None:
        return facts
    channels = (await capgo.send(ListChannels(app_id=operation.app_id, limit=MOST))).items
    if not facts:
        facts["other_channels"] = [channel.name for channel in channels if channel.name]
    if operation.public is not None:
        facts["default_channels"] = [channel.name for channel in channels if channel.public]
    return facts


def _undo_channel(operation: SetChannel, before: Facts, after: Facts) -> Undo:
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
    ended = _set_rollout_back(back, before, after)
    if defaults:
        back.pop("public", None)
    steps = [{"rollback": True}, back] if ended else [back]
    mine = [_call(SetChannel, app_id=app_id, channel=channel, **step) for step in steps if step]
    lost = [name for name in lost if name not in ("version", "rollout_version", "rollout_paused_at")]
    return Undo([*mine, *defaults], [*lost, *_platforms(operation), *_untold(operation, "update_package")])


def _undo_creation(operation: SetChannel, before: Facts, after: Facts, defaults: list[NextCall]) -> Undo:
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


def _set_rollout_back(back: Facts, before: Facts, after: Facts) -> bool:
    """Complete the arguments that set a rollout back; true when there was none, so that it has to be ended first."""
    former = before.get("rollout_version_info")
    back.pop("rollout_version", None)
    if before.get("rollout_paused_at") != after.get("rollout_paused_at") and "rollout_paused_at" not in before:
        back["rollout_paused"] = False
    if former == after.get("rollout_version_info"):
        return False
    if former:
        back["rollout_version"] = former["name"]
        return False
    for name, fresh in _ENDED.items():  # ending a rollout resets these
        back.pop(name, None)
        if before.get(name, fresh) != fresh:
            back[name] = before[name]
    back.pop("rollout_paused", None)
    return True


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
    SetBundleChannel: Witness(_see_channel_by_id, _undo_bundle_channel),
    UpdateApp: Witness(_see_app, _undo_app),
    UpdateOrganization: Witness(_see_organization, _undo_organization),
    SetDeviceChannel: Witness(_see_device, _undo_device),
}
"""How each consequential change is seen and taken back."""
