"""Channels."""

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.api.channel_edit import Edit
from capgo_mcp.sandbox import changes
from capgo_mcp.sandbox.answers import OK, Row, bad, broken, no_app_access, no_row
from capgo_mcp.sandbox.call import Call
from capgo_mcp.sandbox.cascade import drop_channel
from capgo_mcp.sandbox.paging import page_of_fifty
from capgo_mcp.sandbox.rights import binding
from capgo_mcp.sandbox.routes.bundles import linked_bundle
from capgo_mcp.sandbox.routes.channel_settings import asked, change, is_detaching, known_bundle, outcome
from capgo_mcp.sandbox.routing import Route, Source
from capgo_mcp.sandbox.rows import new_channel
from capgo_mcp.sandbox.state import State

PLATFORMS = ("ios", "android", "electron")

# The columns an answer shows, under the names it gives them; the platforms came later, Electron not yet.
_SHOWN = {
    "id": "id",
    "created_at": "created_at",
    "name": "name",
    "app_id": "app_id",
    "created_by": "created_by",
    "updated_at": "updated_at",
    "public": "public",
    "allow_device_self_set": "allow_device_self_set",
    "allow_emulator": "allow_emulator",
    "allow_device": "allow_device",
    "allow_dev": "allow_dev",
    "allow_prod": "allow_prod",
    "rollout_version": "rollout_version",
    "rollout_id": "rollout_id",
    "disable_auto_update_under_native": "disableAutoUpdateUnderNative",
    "disable_auto_update": "disableAutoUpdate",
    "rollout_percentage_bps": "rolloutPercentageBps",
    "rollout_enabled": "rolloutEnabled",
    "rollout_paused_at": "rolloutPausedAt",
    "rollout_pause_reason": "rolloutPauseReason",
    "rollout_cache_ttl_seconds": "rolloutCacheTtlSeconds",
    "auto_pause_enabled": "autoPauseEnabled",
    "auto_pause_window_minutes": "autoPauseWindowMinutes",
    "auto_pause_failure_rate_bps": "autoPauseFailureRateBps",
    "auto_pause_confidence": "autoPauseConfidence",
    "auto_pause_min_attempts": "autoPauseMinAttempts",
    "auto_pause_min_failures": "autoPauseMinFailures",
    "auto_pause_action": "autoPauseAction",
    "auto_pause_cooldown_minutes": "autoPauseCooldownMinutes",
    "auto_pause_last_triggered_at": "autoPauseLastTriggeredAt",
    "auto_pause_last_checked_at": "autoPauseLastCheckedAt",
}


_SHOWN_SINCE = {"ios": "ios", "android": "android", "update_package": "updatePackage"}


def _shown(state: State, channel: Row) -> Row:
    bundles = {
        "version": _brief_bundle(state, channel["version"]),
        "rollout_version_info": _brief_bundle(state, channel["rollout_version"]),
    }
    columns = _SHOWN if state.behaviour is Behaviour.JULY else _SHOWN | _SHOWN_SINCE
    return {name: channel[column] for column, name in columns.items()} | bundles


def _brief_bundle(state: State, bundle_id: int | None) -> Row | None:
    return None if bundle_id is None else {"name": state.bundles[bundle_id]["name"], "id": bundle_id}


def read_channels(call: Call) -> Row | list[Row]:
    """List channels, oldest first, or read the one that is named."""
    app_id = call.app_id()
    call.need_app("app.read_channels", app_id)
    if name := call.params.get("channel"):
        channel = call.state.channel_named(app_id, name)
        if not channel:
            # The wrong word, but Capgo's own.
            raise bad("cannot_find_version", "Cannot find version", supabaseError=no_row())
        return _shown(call.state, channel)
    rows = [c for c in call.state.channels.values() if c["app_id"] == app_id]
    # The database moves a changed row behind those made at the same time.
    oldest_first = sorted(rows, key=lambda c: (c["created_at"], c["updated_at"]))
    page = page_of_fifty(call, oldest_first, "cannot_find_channels", "Cannot find channels")
    return [_shown(call.state, channel) for channel in page]


def upsert_channel(call: Call) -> Row:
    """Create a channel or change its settings and bundles."""
    app_id = call.app_id()
    name = call.text("channel")
    channel = call.state.channel_named(app_id, name)
    return _change(call, channel) if channel else _create(call, app_id, name)


def _create(call: Call, app_id: str, name: str) -> Row:
    app = call.need_app("app.create_channel", app_id)
    if not name:
        raise broken()
    serves = not is_detaching(call.params.get("version"))
    if serves:
        call.need_app("channel.promote_bundle", app_id)
    edit = asked(call, lambda version: _new_channel_bundle(call, app_id, version))
    _check_publishing(call, app_id, edit)
    channel = new_channel(call.state, app, name, call.key["user_id"], **outcome(call, None, edit))
    changes.insert(call, "channels", channel)
    _keep_one_public(call, channel)
    _grant_preview(call, channel)
    return {**OK, "id": channel["id"], "public": channel["public"]} if serves else OK


def _new_channel_bundle(call: Call, app_id: str, version: object) -> int | None:
    if is_detaching(version):
        return None
    bundle = call.state.bundle_named(app_id, version)
    if not bundle or bundle["deleted"]:
        raise bad("cannot_find_version", "Cannot find version")
    return int(bundle["id"])


def _grant_preview(call: Call, channel: Row) -> None:
    """Give a preview key the channel it made, which is the only one it may delete."""
    app_id = channel["app_id"]
    if any(b["role_name"] == "app_preview" and b["app_id"] == app_id for b in call.key["bindings"]):
        call.key["bindings"].append(binding("channel_preview", channel["owner_org"], app_id, channel["id"]))


def _change(call: Call, channel: Row) -> Row:
    # Serving another bundle takes channel.promote_bundle as well, which every role with this permission holds.
    if not call.may_channel("channel.update_settings", channel):
        raise no_app_access(channel["app_id"], channel=channel["name"])
    edit = asked(call, lambda version: known_bundle(call, version))
    if not channel["public"]:
        _check_publishing(call, channel["app_id"], edit)
    change(call, channel, edit)
    _keep_one_public(call, channel)
    return OK


def _check_publishing(call: Call, app_id: str, edit: Edit) -> None:
    """Refuse to make a channel the default to whoever may not change the app itself, which nobody asked in July."""
    if edit.public and call.state.behaviour is Behaviour.NOVEMBER:
        call.need_app("app.update_settings", app_id)


def _keep_one_public(call: Call, channel: Row) -> None:
    """Take the public flag from the channels that share a platform with one that just claimed it."""
    if not (call.params.get("public") and channel["public"]):
        return
    rivals = [c for c in call.state.channels.values() if c["app_id"] == channel["app_id"] and c["public"]]
    for rival in rivals:
        if rival is not channel and any(rival[p] and channel[p] for p in PLATFORMS):
            changes.update(call, "channels", rival, public=False)


def delete_channel(call: Call) -> Row:
    """Delete a channel and, for a preview key on its own channel, its bundle."""
    app_id = call.app_id()
    name = call.text("channel")
    if not name:
        raise bad("missing_channel_name", "You must provide a channel name")
    channel = call.state.channel_named(app_id, name)
    if not channel:
        raise bad("cannot_find_channel", "Cannot find channel", supabaseError=no_row())
    # In a query it would be text, and then Capgo deletes the channel alone.
    with_bundle = call.params.get("delete_bundle") is True
    if with_bundle and not _is_own_preview(call, channel):
        raise no_app_access(app_id, channel_id=str(channel["id"]))
    if not call.may_channel("channel.delete", channel):
        raise no_app_access(app_id, channel_id=channel["id"])
    bundle = call.state.bundles.get(channel["version"]) if with_bundle else None
    others = call.state.linked_bundles(app_id, besides=channel["id"])
    if bundle and bundle["id"] in others:
        raise linked_bundle(app_id, bundle["name"])
    drop_channel(call, channel)
    if bundle:
        changes.update(call, "app_versions", bundle, deleted=True, deleted_at=call.state.now())
    return OK


def _is_own_preview(call: Call, channel: Row) -> bool:
    return any(b["role_name"] == "channel_preview" and b["channel_id"] == channel["id"] for b in call.key["bindings"])


ROUTES = (
    Route("GET", "/channel", read_channels),
    Route("POST", "/channel", upsert_channel, source=Source.BODY),
    Route("DELETE", "/channel", delete_channel),
)
