"""Notifications, as far as they can be read."""

from datetime import timedelta

from capgo_mcp.sandbox.answers import Row, bad
from capgo_mcp.sandbox.call import Call
from capgo_mcp.sandbox.paging import whole
from capgo_mcp.sandbox.routing import Route

_MOST_CAMPAIGNS = 100
_DAYS = 30
_MOST_DAYS = 365


def get_settings(call: Call) -> Row:
    """Read an app's push-update settings, the defaults when it has none."""
    app_id = _app(call)
    unset = {"appId": app_id, "pushUpdateEnabled": False, "pushUpdateInstallMode": "next", "pushUpdateChannel": None}
    return call.state.notification_settings.get(app_id, unset)


def list_campaigns(call: Call) -> Row:
    """List the latest campaigns."""
    app_id = _app(call)
    rows = [campaign for campaign in call.state.campaigns.values() if campaign["app_id"] == app_id]
    return {"data": sorted(rows, key=lambda c: c["created_at"], reverse=True)[:_MOST_CAMPAIGNS]}


def delivery_counts(call: Call) -> Row:
    """Count deliveries day by day."""
    app_id, campaign_id = _app(call), call.params.get("campaign_id")
    days = min(whole(call.params.get("days"), _DAYS), _MOST_DAYS)
    since = str((call.state.moment() - timedelta(days=days)).date())
    rows = [row for row in call.state.notification_days if row["app_id"] == app_id and row["date"] >= since]
    return {"data": [row for row in rows if not campaign_id or row["campaign_id"] == campaign_id]}


def _app(call: Call) -> str:
    app_id = call.text("app_id")
    if not app_id:
        raise bad("missing_app_id", "Missing app_id")
    if not call.may_app("app.manage_notifications", app_id):
        raise bad("app_access_denied", "You can't access this app", app_id=app_id)
    return app_id


ROUTES = (
    Route("GET", "/notifications/settings", get_settings),
    Route("GET", "/notifications/campaigns", list_campaigns),
    Route("GET", "/notifications/stats", delivery_counts),
)
