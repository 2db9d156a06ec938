"""Devices and the overrides that pin them to a channel."""

from collections.abc import Callable
from typing import Any

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.sandbox.answers import OK, ErrorAnswer, Row, bad, no_app_access, no_row
from capgo_mcp.sandbox.call import Call, checked_app_id
from capgo_mcp.sandbox.paging import PAGE, ROW_CAP, number
from capgo_mcp.sandbox.routing import Route, Source
from capgo_mcp.sandbox.state import State
from capgo_mcp.sandbox.times import is_moment, javascript, parsed

_LONGEST_CUSTOM_ID = 36
_ROWS_WITH_PINS = 200  # all ids of a page go into one inner address, and a gateway refuses a longer one


def read_devices(call: Call) -> Row:
    """List devices page by page, or read the one that is named."""
    app_id = call.app_id()
    call.state.meters.address_call(app_id, call.address)
    call.need_app("app.read_devices", app_id)
    device_id = call.text("device_id").lower()
    return _one_device(call, app_id, device_id) if device_id else _list_devices(call, app_id)


def _one_device(call: Call, app_id: str, device_id: str) -> Row:
    call.state.meters.device_call("get", app_id, device_id)
    device = call.state.devices.get((app_id, device_id))
    if not device or (call.params.get("customIdMode") and not device["custom_id"]):
        raise ErrorAnswer(404, "device_not_found", "Cannot find device", {"device_id": device_id})
    return _shown(call.state, device)


def _shown(state: State, device: Row) -> Row:
    override = state.override(device["app_id"], device["device_id"])
    bundle = state.bundle_named(device["app_id"], device["version_name"])
    channel = {"channel": state.channels[override["channel_id"]]["name"]} if override else {}
    about = {"updated_at": javascript(device["updated_at"]), "version": bundle["id"] if bundle else None}
    return {**device, **about, **channel}


def _list_devices(call: Call, app_id: str) -> Row:
    limit = _limit(call)
    order = call.params.get("order")
    if order not in (None, "", "asc", "desc"):
        raise bad("invalid_order", "order must be asc or desc", order=order)
    since = _since(call)
    called = _called(call)
    rows = [d for d in call.state.devices.values() if d["app_id"] == app_id and since(d) and called(d)]
    if call.params.get("customIdMode"):  # any text counts, "false" included
        rows = [d for d in rows if d["custom_id"]]
    position = _by_time if order else _by_id
    rows = sorted(rows, key=position, reverse=order == "desc")
    # Who asks for more than the data layer gives is told that this is all.
    rows = _after_cursor(rows, call.text("cursor"), position, descending=order == "desc")[:ROW_CAP]
    page, more = rows[:limit], len(rows) > limit
    cursor = {"nextCursor": f"{page[-1]['updated_at']}|{page[-1]['device_id']}"} if more else {}
    # Only the lookup of a single device knows the country.
    data = [_shown(call.state, {**device, "country_code": None}) for device in page]
    if len(data) > _ROWS_WITH_PINS:
        data = [{name: value for name, value in row.items() if name != "channel"} for row in data]
    return {"data": data, **cursor, "hasMore": more}


def _limit(call: Call) -> int:
    value = call.params.get("limit", PAGE)
    limit = number(value) if value != "" else 0.0
    if not limit.is_integer() or limit < 1:
        raise bad("invalid_limit", "limit must be a positive integer", limit=value)
    return int(limit)


def _since(call: Call) -> Callable[[Row], bool]:
    moment = call.params.get("updated_at")
    if not moment:
        return lambda _: True
    if not is_moment(moment):
        raise bad("invalid_updated_at", "updated_at must be a valid date", updated_at=moment)
    return lambda device: parsed(device["updated_at"]) > parsed(moment)


def _called(call: Call) -> Callable[[Row], bool]:
    custom_id = call.params.get("custom_id")
    if custom_id is None or call.state.behaviour is Behaviour.JULY:  # the filter was not known
        return lambda _: True
    wanted = call.text("custom_id").strip()
    if not 1 <= len(wanted) <= _LONGEST_CUSTOM_ID:
        raise bad("invalid_custom_id", "custom_id must have 1 to 36 characters", custom_id=custom_id)
    return lambda device: bool(device["custom_id"] == wanted)


def _by_id(device: Row) -> tuple[Any, ...]:
    return (device["device_id"],)


def _by_time(device: Row) -> tuple[Any, ...]:
    return (parsed(device["updated_at"]), device["device_id"])


def _after_cursor(
    rows: list[Row], cursor: str, position: Callable[[Row], tuple[Any, ...]], *, descending: bool
) -> list[Row]:
    moment, bar, device_id = cursor.partition("|")
    if not bar:
        return rows
    if position is _by_time and not is_moment(moment):
        return []
    last = position({"updated_at": moment, "device_id": device_id})
    return [d for d in rows if (position(d) < last if descending else position(d) > last)]


def set_channel(call: Call) -> Row:
    """Pin a device to a private channel; without a channel nothing happens and all is well."""
    if not call.params.get("app_id") or not call.params.get("device_id"):
        raise bad("missing_device_id_or_app_id", "Missing device_id or app_id", body=call.sent)
    app_id, device_id = call.text("app_id"), call.text("device_id").lower()
    name = call.text("channel")
    call.state.meters.address_call(app_id, call.address)
    # Counted before anything is looked at: a call that fails blocks the next one for a minute as well.
    call.state.meters.device_call("set", app_id, device_id, name)
    checked_app_id(app_id)
    if call.params.get("version_id"):
        raise bad("invalid_version_id", "Cannot set version to device, use channel instead")
    if name:
        _pin(call, app_id, device_id, name)
    else:
        call.need_app("app.manage_devices", app_id)
    return OK


def _pin(call: Call, app_id: str, device_id: str, name: str) -> None:
    channel = call.state.channel_named(app_id, name)
    if not channel:
        raise ErrorAnswer(404, "channel_not_found", "Cannot find channel", {"dbError": no_row()})
    if not call.may_channel("channel.manage_forced_devices", channel):
        message = "You can't access this channel"
        raise bad("cannot_access_channel", message, app_id=app_id, channel_id=channel["id"])
    if channel["public"]:
        raise bad("public_channel_override", "Cannot set channel override for public channel")
    values = {"app_id": app_id, "device_id": device_id, "channel_id": channel["id"], "updated_at": call.state.now()}
    call.state.overrides[app_id, device_id] = values


def unset_channel(call: Call) -> Row:
    """Unpin a device; a device that was never pinned is fine too."""
    app_id = call.app_id()
    device_id = call.text("device_id").lower()
    if not device_id:
        raise bad("missing_device_id", "Missing device_id", body=call.sent)
    call.state.meters.address_call(app_id, call.address)
    call.state.meters.device_call("delete", app_id, device_id)
    if not call.may_app("app.manage_devices", app_id):
        raise no_app_access(app_id)
    call.state.overrides.pop((app_id, device_id), None)
    return OK


ROUTES = (
    Route("GET", "/device", read_devices),
    Route("POST", "/device", set_channel, source=Source.BODY),
    Route("DELETE", "/device", unset_channel),
)
