"""Webhooks and their deliveries."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from capgo_mcp.sandbox.answers import ErrorAnswer, Row, bad, no_org_access, no_row
from capgo_mcp.sandbox.auth import Middleware
from capgo_mcp.sandbox.call import Call, stored_uuid
from capgo_mcp.sandbox.paging import PAGE, whole
from capgo_mcp.sandbox.rights import is_scoped
from capgo_mcp.sandbox.routing import Route
from capgo_mcp.sandbox.rows import new_delivery, new_webhook
from capgo_mcp.sandbox.schema import Rule, check, flag, listing, one_of, optional, text
from capgo_mcp.sandbox.times import parsed

EVENTS = ("apps", "app_versions", "channels", "org_users", "orgs")

_VERSIONS = ("legacy", "standard")
_NEW = {"name": text(1), "url": text(1), "events": listing(1), "enabled": optional(flag)}
_CHANGED = {name: optional(rule) for name, rule in _NEW.items()}
# A name, not an address: the last label of a host name starts with a letter.
_PUBLIC_URL = re.compile(r"https://([\w-]+\.)+[a-z][\w-]*(:\d+)?([/?#]|$)", re.IGNORECASE)
_NO_HOST = (".invalid", ".localhost", ".local", ".internal")


def read_webhooks(call: Call) -> Row | list[Row]:
    """List an organization's webhooks, or read one with its deliveries of the last day counted."""
    org_id = _org(call)
    if call.params.get("webhookId"):
        webhook = _webhook(call, error=no_row())
        return {**_shown(webhook), "stats_24h": _last_day(call, webhook)}
    rows = [w for w in call.state.webhooks.values() if w["org_id"] == org_id]
    start = whole(call.params.get("page"), 0) * PAGE
    return [_shown(webhook) for webhook in rows[start : start + PAGE]]


def _shown(webhook: Row) -> Row:
    return {name: value for name, value in webhook.items() if name != "secret"}


def _last_day(call: Call, webhook: Row) -> dict[str, int]:
    since = call.state.moment() - timedelta(days=1)
    recent = [d for d in _deliveries(call, webhook) if parsed(d["created_at"]) > since]
    return {status: sum(d["status"] == status for d in recent) for status in ("success", "failed", "pending")}


def create_webhook(call: Call) -> Row:
    """Register a webhook; the only answer that ever shows its secret."""
    org_id = _org(call, **_NEW)
    values = _values(call)
    row = new_webhook(call.state, org_id, call.key["user_id"], **values)
    call.state.webhooks[row["id"]] = row
    return {"status": "Webhook created", "webhook": row}


def update_webhook(call: Call) -> Row:
    """Change a webhook."""
    _org(call, webhookId=text(), **_CHANGED)
    webhook = _webhook(call, webhookId=call.params["webhookId"])
    values = _values(call)
    if not values:
        raise bad("no_updates", "No fields to update")
    webhook.update(values, updated_at=call.state.now())
    return {"status": "Webhook updated", "webhook": _shown(webhook)}


def _values(call: Call) -> Row:
    values = {name: call.params[name] for name in _NEW if name in call.params}
    version = call.params.get("deliveryVersion") or call.params.get("delivery_version")
    if version:
        if version not in _VERSIONS:
            raise bad("invalid_delivery_version", "Invalid delivery version", allowed=list(_VERSIONS))
        values["delivery_version"] = version
    unknown = [event for event in values.get("events", ()) if event not in EVENTS]
    if unknown:
        raise bad("invalid_events", "Invalid event types", invalid=unknown, allowed=list(EVENTS))
    if "url" in values:
        _check_url(values["url"])
    return values


def _check_url(url: str) -> None:
    if not _PUBLIC_URL.match(url):
        raise bad("invalid_url", "Webhook URL must be a public HTTPS address", url=url)


def delete_webhook(call: Call) -> Row:
    """Delete a webhook and its deliveries."""
    _org(call, webhookId=text())
    webhook = _webhook(call, webhookId=call.params["webhookId"])
    for delivery in _deliveries(call, webhook):
        del call.state.deliveries[delivery["id"]]
    del call.state.webhooks[webhook["id"]]
    return {"status": "Webhook deleted", "webhookId": webhook["id"]}


def send_test(call: Call) -> Row:
    """Deliver a test event; nothing leaves the sandbox, so only a host that cannot exist fails."""
    _org(call, webhookId=text())
    webhook = _webhook(call, webhookId=call.params["webhookId"])
    delivery = new_delivery(call.state, webhook, "test.ping", {"event": "test.ping", "org_id": webhook["org_id"]})
    ok = not (urlsplit(webhook["url"]).hostname or "").endswith(_NO_HOST)
    done: Row = {"status": "success" if ok else "failed", "response_status": 200 if ok else None, "duration_ms": 90}
    delivery.update(done, attempt_count=1, completed_at=call.state.now(), response_body="ok" if ok else None)
    call.state.deliveries[delivery["id"]] = delivery
    return {
        "success": ok,
        "status": delivery["response_status"],
        "duration_ms": delivery["duration_ms"],
        "response_preview": delivery["response_body"],
        "delivery_id": delivery["id"],
        "message": "Test webhook delivered successfully" if ok else "Test webhook delivery failed",
    }


def list_deliveries(call: Call) -> Row:
    """List the deliveries of a webhook, newest first."""
    _org(call, webhookId=text(), status=optional(one_of("success", "failed", "pending")))
    webhook = _webhook(call, webhookId=call.params["webhookId"])
    status = call.params.get("status")
    rows = [d for d in _deliveries(call, webhook) if not status or d["status"] == status]
    rows.sort(key=lambda d: d["created_at"], reverse=True)
    page = whole(call.params.get("page"), 0)
    start, end = page * PAGE, (page + 1) * PAGE
    about = {"page": page, "per_page": PAGE, "total": len(rows), "has_more": len(rows) > end}
    return {"deliveries": rows[start:end], "pagination": about}


def retry_delivery(call: Call) -> Row:
    """Queue a failed delivery again."""
    org_id = _org(call, deliveryId=text())
    delivery_id = call.params["deliveryId"]
    delivery = call.state.deliveries.get(delivery_id)
    if not delivery or delivery["org_id"] != org_id:
        raise bad("delivery_not_found", "Delivery not found", deliveryId=delivery_id)
    if delivery["status"] != "failed":
        raise bad("delivery_not_failed", "Only failed deliveries can be retried", status=delivery["status"])
    if not call.state.webhooks[delivery["webhook_id"]]["enabled"]:
        raise bad("webhook_disabled", "Webhook is disabled", webhookId=delivery["webhook_id"])
    delivery.update(status="pending", attempt_count=0, completed_at=None, response_status=None, response_body=None)
    return {"status": "Delivery queued for retry", "deliveryId": delivery_id}


def _org(call: Call, **rules: Rule) -> str:
    check(call.params, {"orgId": text(), **rules})
    org_id = stored_uuid(call.params["orgId"])
    if is_scoped(call.key):
        message = "App-scoped API keys cannot manage organization webhooks"
        raise bad("no_permission", message, org_id=org_id)
    if not call.may_org("org.update_settings", org_id):
        raise no_org_access("invalid_org_id", org_id=org_id)
    call.need_fresh_key(org_id)
    return org_id


def _webhook(call: Call, **missing: Any) -> Row:
    webhook = call.state.webhooks.get(call.text("webhookId"))
    if not webhook or webhook["org_id"] != call.params["orgId"]:
        raise ErrorAnswer(400, "webhook_not_found", "Webhook not found", missing)
    return webhook


def _deliveries(call: Call, webhook: Row) -> list[Row]:
    return [d for d in call.state.deliveries.values() if d["webhook_id"] == webhook["id"]]


ROUTES = (
    Route("GET", "/webhooks", read_webhooks, Middleware.AUTH),
    Route("POST", "/webhooks", create_webhook, Middleware.AUTH, status=201),
    Route("PUT", "/webhooks", update_webhook, Middleware.AUTH),
    Route("DELETE", "/webhooks", delete_webhook, Middleware.AUTH),
    Route("POST", "/webhooks/test", send_test, Middleware.AUTH),
    Route("GET", "/webhooks/deliveries", list_deliveries, Middleware.AUTH),
    Route("POST", "/webhooks/deliveries/retry", retry_delivery, Middleware.AUTH),
)
