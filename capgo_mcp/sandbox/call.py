"""One call as a route sees it, and the ways to read and write through it."""

import re
from dataclasses import dataclass
from typing import Any

from capgo_mcp.sandbox import rights
from capgo_mcp.sandbox.answers import ErrorAnswer, Row, bad, broken, no_app_access
from capgo_mcp.sandbox.state import State

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
APP_ID = re.compile(r"[a-z0-9]+(\.[\w-]+)+", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class Call:
    """A call that passed its middleware: who calls, with what, on which sandbox."""

    state: State
    key: Row
    path: dict[str, str]
    sent: Any
    address: str
    origin: str = ""
    """Where the sandbox is reached, as its own addresses name it."""

    @property
    def params(self) -> Row:
        """The parameters by name, wherever they were sent."""
        return self.sent if isinstance(self.sent, dict) else {}

    def text(self, name: str) -> str:
        """Read a parameter the backend treats as text; anything else makes it stumble."""
        value = self.params.get(name) or ""
        if not isinstance(value, str):
            raise broken()
        return value

    def app_id(self, **missing: Any) -> str:
        """Read the app id, refusing an absent or malformed one."""
        value = self.params.get("app_id")
        if not value:
            # Capgo repeats the caller's own body in its errors.
            raise bad("missing_app_id", "Missing app_id", **(missing or {"body": self.sent}))
        return checked_app_id(value)

    def may_app(self, permission: str, app_id: object) -> bool:
        """Tell whether the caller holds a permission on an app."""
        return rights.may_app(self.state, self.key, permission, app_id)

    def may_channel(self, permission: str, channel: Row) -> bool:
        """Tell whether the caller holds a permission on a channel."""
        return rights.may_channel(self.state, self.key, permission, channel)

    def may_org(self, permission: str, org_id: object) -> bool:
        """Tell whether the caller holds a permission on an organization."""
        return rights.may_org(self.key, permission, org_id)

    def need_app(self, permission: str, app_id: str, status: int = 400, code: str = "cannot_access_app") -> Row:
        """Give the app, or refuse a caller who lacks the permission on it."""
        if not self.may_app(permission, app_id):
            raise no_app_access(app_id, status, code)
        return self.state.apps[app_id]

    def need_fresh_key(self, org_id: str) -> None:
        """Refuse a key without expiry where the organization wants keys to expire."""
        if self.state.orgs[org_id]["require_apikey_expiration"] and not self.key["expires_at"]:
            message = "This organization requires API keys with an expiration date"
            raise ErrorAnswer(401, "org_requires_expiring_key", message, {"org_id": org_id})


def checked_app_id(value: object) -> str:
    """Refuse an app id that is not a reverse domain."""
    if not isinstance(value, str) or not APP_ID.fullmatch(value):
        raise bad("invalid_app_id", "App ID must be a reverse domain string", app_id=value)
    return value


def stored_uuid(value: str) -> str:
    """Stumble over an id that the database cannot compare with its own (R10)."""
    if not UUID.fullmatch(value):
        raise broken()
    return value
