"""Who may do what: the scope at which a key holds the permissions of its roles."""

from capgo_mcp.api.rights import HOLDERS
from capgo_mcp.sandbox.answers import Row
from capgo_mcp.sandbox.state import State

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
    return [b for b in key["bindings"] if b["role_name"] in HOLDERS[permission]]


def _covers_app(b: Row, app: Row) -> bool:
    column = {"org": "owner_org", "app": "app_id"}.get(b["scope_type"])
    return column is not None and bool(b[f"{b['scope_type']}_id"] == app[column])
