"""Push notifications; nothing leaves the sandbox, so what is sent is queued and no more."""

import re
from datetime import timedelta
from typing import Any

from capgo_mcp.sandbox.answers import ErrorAnswer, Row, bad
from capgo_mcp.sandbox.call import Call
from capgo_mcp.sandbox.paging import whole
from capgo_mcp.sandbox.routing import Route, Source
from capgo_mcp.sandbox.rows import new_campaign
from capgo_mcp.sandbox.schema import Rule, check, numeric, one_of, optional, text

_MOST_CAMPAIGNS = 100
_DAYS = 30
_MOST_DAYS = 365
_MODES = ("next", "set")
_KINDS = ("alert", "background", "badge", "update_check")
_TARGETS = {"externalId": "external_id", "recipientKey": "recipient_key", "deviceKey": "device_key", "tag": "tag"}
_TAG = re.compile(r"[\w.:-]{1,64}")
_BUCKET = 100


def get_settings(call: Call) -> Row:
    """Read an app's push-update settings, the defaults when it has none."""
    app_id = _app(call, "app_id")
    return call.state.notification_settings.get(app_id) or _settings(app_id, {})


def put_settings(call: Call) -> Row:
    """Replace an app's push-update settings: what is left out is reset."""
    app_id = _app(call, "appId", pushUpdateInstallMode=optional(one_of(*_MODES), nullable=True))
    call.state.notification_settings[app_id] = _settings(app_id, call.params)
    return call.state.notification_settings[app_id]


def _settings(app_id: str, sent: Row) -> Row:
    return {
        "appId": app_id,
        "pushUpdateEnabled": sent.get("pushUpdateEnabled") is True,
        "pushUpdateInstallMode": sent.get("pushUpdateInstallMode") or "next",
        "pushUpdateChannel": sent.get("pushUpdateChannel") or None,
    }


def list_providers(call: Call) -> Row:
    """List the services that send an app's pushes, with a reference to their secrets."""
    app_id = _app(call, "app_id")
    return {"data": [row for row in call.state.providers if row["app_id"] == app_id]}


def look_up(call: Call) -> Row:
    """Find the registered devices of one person."""
    app_id = _app(call, "appId")
    given = {name: call.text(name) for name in ("externalId", "recipientKey")}
    if not any(given.values()):
        raise bad("missing_recipient", "Missing externalId or recipientKey")
    devices = _reached(call, app_id, given)
    return {"recipientKey": given["recipientKey"] or None, "devices": devices, "count": len(devices)}


def send(call: Call) -> Row:
    """Send a notification."""
    app_id = _app(call, "appId", kind=optional(one_of(*_KINDS)), limit=optional(numeric), name=optional(text()))
    target = call.params.get("target")
    if not isinstance(target, dict) or not any(target.get(name) for name in (*_TARGETS, "broadcast")):
        raise bad("missing_notification_target", "Missing notification target")
    _need_provider(call, app_id)
    return _queued(call, app_id, target, call.params.get("kind") or "alert")


def update_check(call: Call) -> Row:
    """Wake devices; without a target, all of them."""
    app_id = _app(call, "appId", installMode=optional(one_of(*_MODES)), limit=optional(numeric))
    if not call.state.notification_settings.get(app_id, {}).get("pushUpdateEnabled"):
        raise bad("push_update_disabled", "Push updates are disabled for this app")
    _need_provider(call, app_id)
    target = call.params.get("target")
    return _queued(call, app_id, target if isinstance(target, dict) else {"broadcast": True}, "update_check")


def _need_provider(call: Call, app_id: str) -> None:
    if not any(row["app_id"] == app_id and row["status"] == "configured" for row in call.state.providers):
        raise bad("missing_notification_provider", "No notification provider is configured")


def _queued(call: Call, app_id: str, target: Row, kind: str) -> Row:
    if target.get("tag") and not _TAG.fullmatch(str(target["tag"])):
        raise bad("invalid_notification_tag", "Invalid notification tag")
    reached = _reached(call, app_id, target)[: whole(call.params.get("limit"), len(call.state.recipients))]
    row = new_campaign(call.state, app_id, str(call.params.get("name") or kind), kind, audience=target)
    call.state.campaigns[row["id"]] = row
    named = any(target.get(name) for name in _TARGETS)
    return {
        "status": "ok",
        "campaignId": row["id"],
        "queued": len(reached),
        "queuedBuckets": -(-len(reached) // _BUCKET),
        "targeted": len(reached) if named else None,
    }


def _reached(call: Call, app_id: str, target: Row) -> list[Row]:
    """The devices that are registered; of several ids the first one counts."""
    registered = [row for row in call.state.recipients if row["app_id"] == app_id]
    named = next((name for name in _TARGETS if target.get(name)), None)
    return [row for row in registered if named is None or row[_TARGETS[named]] == target[named]]


def list_campaigns(call: Call) -> Row:
    """List the latest campaigns."""
    app_id = _app(call, "app_id")
    rows = [campaign for campaign in call.state.campaigns.values() if campaign["app_id"] == app_id]
    return {"data": sorted(rows, key=lambda c: c["created_at"], reverse=True)[:_MOST_CAMPAIGNS]}


def delivery_counts(call: Call) -> Row:
    """Count deliveries day by day."""
    app_id, campaign_id = _app(call, "app_id"), call.params.get("campaign_id")
    days = min(whole(call.params.get("days"), _DAYS), _MOST_DAYS)
    since = str((call.state.moment() - timedelta(days=days)).date())
    rows = [row for row in call.state.notification_days if row["app_id"] == app_id and row["date"] >= since]
    return {"data": [row for row in rows if not campaign_id or row["campaign_id"] == campaign_id]}


def _app(call: Call, spelled: str, /, **rules: Rule) -> str:
    check(call.params, {spelled: text(1), **rules})
    app_id: Any = call.params[spelled]
    if not call.may_app("app.manage_notifications", app_id):
        raise ErrorAnswer(403, "app_access_denied", "You can't access this app", {"app_id": app_id})
    return str(app_id)


ROUTES = (
    Route("GET", "/notifications/settings", get_settings),
    Route("PUT", "/notifications/settings", put_settings, source=Source.BODY),
    Route("GET", "/notifications/providers", list_providers),
    Route("POST", "/notifications/recipients/lookup", look_up, source=Source.BODY),
    Route("POST", "/notifications/send", send, source=Source.BODY),
    Route("POST", "/notifications/update-check", update_check, source=Source.BODY),
    Route("GET", "/notifications/campaigns", list_campaigns),
    Route("GET", "/notifications/stats", delivery_counts),
)
