"""What goes along when a row goes."""

from capgo_mcp.sandbox import changes
from capgo_mcp.sandbox.answers import Row
from capgo_mcp.sandbox.call import Call


def drop_channel(call: Call, channel: Row) -> None:
    """Delete a channel and the overrides that pin devices to it."""
    overrides = call.state.overrides
    for pin in [pin for pin, row in overrides.items() if row["channel_id"] == channel["id"]]:
        del overrides[pin]
    changes.delete(call, "channels", channel)


def drop_app(call: Call, app: Row) -> None:
    """Delete an app with its channels, bundles, devices, builds and statistics."""
    state, app_id = call.state, app["app_id"]
    for channel in [row for row in state.channels.values() if row["app_id"] == app_id]:
        drop_channel(call, channel)
    for bundle in [row for row in state.bundles.values() if row["app_id"] == app_id]:
        changes.delete(call, "app_versions", bundle)
    # These are kept by app and device, or by app and day.
    for keyed in (state.devices, state.overrides, state.usage, state.bundle_days, state.native_days):
        for key in [key for key in keyed if key[0] == app_id]:
            del keyed[key]
    for table in (state.builds, state.campaigns):
        for name in [name for name, row in table.items() if row["app_id"] == app_id]:
            del table[name]
    state.notification_settings.pop(app_id, None)
    for rows in (state.notification_days, state.providers, state.recipients):
        rows[:] = [row for row in rows if row["app_id"] != app_id]
    changes.delete(call, "apps", app)


def drop_org(call: Call, org: Row) -> None:
    """Delete an organization with its apps, members, webhooks, deliveries and every right on it."""
    state, org_id = call.state, org["id"]
    for app in [row for row in state.apps.values() if row["owner_org"] == org_id]:
        drop_app(call, app)
    for member in [row for row in state.members.values() if row["org_id"] == org_id]:
        changes.delete(call, "org_users", member)
    for table in (state.webhooks, state.deliveries):
        for name in [name for name, row in table.items() if row["org_id"] == org_id]:
            del table[name]
    changes.delete(call, "orgs", org)
    revoke(call, org_id)


def revoke(call: Call, org_id: str, user_id: str | None = None) -> None:
    """Take every binding on an organization from the keys of a user, or of everybody."""
    for key in call.state.keys.values():
        if user_id is None or key["user_id"] == user_id:
            key["bindings"] = [b for b in key["bindings"] if b["org_id"] != org_id]
