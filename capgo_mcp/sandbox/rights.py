"""Who may do what: roles, the permissions they hold and the scope a key holds them at."""

from capgo_mcp.sandbox.answers import Row
from capgo_mcp.sandbox.state import State

_ORG_ADMINS = "org_admin org_super_admin"
_DEVELOPERS = f"app_developer app_admin {_ORG_ADMINS}"
_UPLOADERS = f"app_uploader {_DEVELOPERS}"
_READERS = f"app_reader {_UPLOADERS}"

_HOLDERS = {
    "app.read": f"app_preview {_READERS}",
    "app.read_bundles": f"app_preview {_READERS}",
    "app.read_channels": _READERS,
    "app.read_devices": _READERS,
    "app.upload_bundle": f"app_preview {_UPLOADERS}",
    "app.create_channel": f"app_preview {_DEVELOPERS}",
    "app.manage_devices": _DEVELOPERS,
    "app.build_native": _DEVELOPERS,
    "app.manage_notifications": f"app_notifications {_DEVELOPERS}",
    "app.update_settings": f"app_admin {_ORG_ADMINS}",
    "app.delete": "org_super_admin",
    "bundle.delete": f"app_admin {_ORG_ADMINS}",
    "channel.promote_bundle": f"channel_uploader channel_developer channel_admin {_UPLOADERS}",
    "channel.manage_forced_devices": f"channel_developer channel_admin {_DEVELOPERS}",
    "channel.update_settings": f"channel_admin app_admin {_ORG_ADMINS}",
    "channel.delete": f"channel_preview channel_admin app_admin {_ORG_ADMINS}",
    "org.read": f"apikey_org_reader apikey_manager org_member org_billing_admin {_ORG_ADMINS}",
    "org.create_app": f"org_member org_billing_admin {_ORG_ADMINS}",
    "org.read_members": f"org_member {_ORG_ADMINS}",
    "org.read_audit": _ORG_ADMINS,
    "org.update_settings": _ORG_ADMINS,
    "org.invite_user": _ORG_ADMINS,
    "org.update_user_roles": _ORG_ADMINS,
    "org.manage_apikeys": f"apikey_manager {_ORG_ADMINS}",
    "org.delete": "org_super_admin",
}
PERMISSIONS = {permission: frozenset(roles.split()) for permission, roles in _HOLDERS.items()}

RANKS = {"org_member": 1, "org_billing_admin": 2, "org_admin": 3, "org_super_admin": 4}


def may_org(key: Row, permission: str, org_id: object) -> bool:
    """Tell whether a key holds a permission on an organization."""
    return any(b["scope_type"] == "org" and b["org_id"] == org_id for b in _bindings(key, permission))


def may_app(state: State, key: Row, permission: str, app_id: object) -> bool:
    """Tell whether a key holds a permission on an app; nobody holds any on an app that does not exist."""
    app = state.apps.get(app_id) if isinstance(app_id, str) else None
    return app is not None and any(_covers_app(b, app) for b in _bindings(key, permission))


def may_channel(state: State, key: Row, permission: str, channel: Row) -> bool:
    """Tell whether a key holds a permission on a channel, through it, its app or its organization."""
    on_channel = (b["scope_type"] == "channel" and b["channel_id"] == channel["id"] for b in _bindings(key, permission))
    return any(on_channel) or may_app(state, key, permission, channel["app_id"])


def is_scoped(key: Row) -> bool:
    """Tell whether a key is narrowed to an app or a channel anywhere."""
    return any(b["scope_type"] != "org" for b in key["bindings"])


def rank(key: Row, org_id: str) -> int:
    """Give the rank of the highest role a key holds in an organization."""
    roles = [b["role_name"] for b in key["bindings"] if b["scope_type"] == "org" and b["org_id"] == org_id]
    return max((RANKS.get(role, 0) for role in roles), default=0)


def binding(role: str, org_id: str, app_id: str | None = None, channel_id: int | None = None) -> Row:
    """Make a binding; the narrowest id given is its scope."""
    scope = "channel" if channel_id is not None else "app" if app_id is not None else "org"
    return {"role_name": role, "scope_type": scope, "org_id": org_id, "app_id": app_id, "channel_id": channel_id}


def _bindings(key: Row, permission: str) -> list[Row]:
    return [b for b in key["bindings"] if b["role_name"] in PERMISSIONS[permission]]


def _covers_app(b: Row, app: Row) -> bool:
    column = {"org": "owner_org", "app": "app_id"}.get(b["scope_type"])
    return column is not None and bool(b[f"{b['scope_type']}_id"] == app[column])
