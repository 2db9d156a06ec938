"""Organizations."""

import re
from typing import Any

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.sandbox import changes
from capgo_mcp.sandbox.answers import OK, ErrorAnswer, Row, bad, broken, no_org_access
from capgo_mcp.sandbox.auth import Middleware
from capgo_mcp.sandbox.call import Call
from capgo_mcp.sandbox.cascade import drop_org
from capgo_mcp.sandbox.paging import PAGE, whole
from capgo_mcp.sandbox.rights import binding
from capgo_mcp.sandbox.routing import Route
from capgo_mcp.sandbox.rows import new_member, new_org
from capgo_mcp.sandbox.schema import check, email, flag, numeric, one_of, optional, text
from capgo_mcp.sandbox.times import javascript

_SHOWN = ("id", "created_by", "created_at", "updated_at", "logo", "name", "management_email", "customer_id", "website")
_TAGS = re.compile(r"<[^>]*>")
_MOST_DAYS = 365
_FOUNDERS = frozenset({"org_admin", "org_super_admin"})

_LOOKUP = {"orgId": optional(text()), "page": optional(numeric)}
_LOOKUP_SINCE = {**_LOOKUP, "page": optional(lambda page: None if str(page).isdecimal() else numeric(page))}
"""A page in a query is text, which is no number to July's check, so that nobody saw a second page."""
_PASSWORD_RULES = ("require_uppercase", "require_number", "require_special")
_SHORTEST, _LONGEST = 6, 72


def _password_policy(value: Any) -> Row | None:
    """Demand rules for passwords: whether they apply, a least length, and three flags."""
    rules = value if isinstance(value, dict) else {}
    length = rules.get("min_length", _SHORTEST)
    flags = [flag(rules.get("enabled")), *(flag(rules.get(name, False)) for name in _PASSWORD_RULES)]
    bounded = numeric(length) is None and _SHORTEST <= length <= _LONGEST
    return next(filter(None, flags), None if bounded else {"code": "custom", "message": "Invalid min_length"})


_INTENTS = one_of("ota", "builder", "both", "exploring", "unknown")
_NEW = {
    "name": text(3),
    "email": optional(email),
    "estimatedMau": optional(numeric),
    "website": optional(text()),
    "intent": optional(_INTENTS),
}
_SETTINGS = {
    "name": optional(text()),
    "logo": optional(text()),
    "website": optional(text(), nullable=True),
    "management_email": optional(email),
    "require_apikey_expiration": optional(flag),
    "max_apikey_expiration_days": optional(numeric, nullable=True),
    "enforce_hashed_api_keys": optional(flag),
    "enforce_encrypted_bundles": optional(flag),
    "required_encryption_key": optional(text(), nullable=True),
    "enforcing_2fa": optional(flag),
    "password_policy_config": optional(_password_policy, nullable=True),
}


def read_orgs(call: Call) -> Row | list[Row]:
    """List the organizations the key can read, or read the one that is named."""
    july = call.state.behaviour is Behaviour.JULY
    check(call.params, _LOOKUP if july else _LOOKUP_SINCE)
    if org_id := call.text("orgId"):
        if not call.may_org("org.read", org_id):
            raise no_org_access("invalid_org_id", org_id=org_id)
        call.need_fresh_key(org_id)
        return _shown(call.state.orgs[org_id])
    readable = [_shown(org) for org in call.state.orgs.values() if call.may_org("org.read", org["id"])]
    first = 0 if july else whole(call.params.get("page"), 0) * PAGE
    return readable[first : first + PAGE]


def _shown(org: Row) -> Row:
    return {name: org[name] for name in _SHOWN}


def create_org(call: Call) -> Row:
    """Create an organization, which the caller's user and key then own."""
    check(call.params, _NEW)
    founds = any(b["role_name"] in _FOUNDERS for b in call.key["bindings"])
    if "org.create" not in call.key["global_permissions"] or not founds:
        raise ErrorAnswer(403, "permission_denied", "Permission denied: org.create")
    state, user_id = call.state, call.key["user_id"]
    name = call.text("name")
    if any(org["name"] == name and org["created_by"] == user_id for org in state.orgs.values()):
        # To the database a name is unique for its creator, and the backend does not expect its refusal.
        raise broken()
    address = call.params.get("email") or state.users[user_id]["email"]
    about = {"management_email": address, "website": call.params.get("website")}
    org = changes.insert(call, "orgs", new_org(state, name, user_id, **about))
    changes.insert(call, "org_users", new_member(state, org["id"], user_id, "org_super_admin"))
    call.key["bindings"].append(binding("org_super_admin", org["id"]))
    return {"id": org["id"]}


def update_org(call: Call) -> Row:
    """Change settings of an organization."""
    check(call.params, {"orgId": text(), **_SETTINGS})
    org_id = call.params["orgId"]
    if not call.may_org("org.update_settings", org_id):
        raise no_org_access("cannot_access_organization", orgId=org_id)
    call.need_fresh_key(org_id)
    values = {name: call.params[name] for name in _SETTINGS if name in call.params}
    _check_policies(values)
    if "name" in values:
        values["name"] = _TAGS.sub("", values["name"]).strip()
        if not values["name"]:
            raise bad("cannot_update_org", "Cannot update org")
    org = changes.update(call, "orgs", call.state.orgs[org_id], **values)
    times = {column: javascript(org[column]) for column in ("created_at", "updated_at")}
    return {"status": "Organization updated", "id": org_id, "data": {**org, **times}}


def _check_policies(values: dict[str, Any]) -> None:
    days = values.get("max_apikey_expiration_days")
    if days is not None and not 1 <= days <= _MOST_DAYS:
        raise bad("invalid_max_expiration_days", "Maximum expiration days must be between 1 and 365")
    key = values.get("required_encryption_key")
    if key is not None and len(key) not in {20, 21}:
        raise bad("invalid_required_encryption_key", "Required encryption key must be 20 or 21 characters")
    # Nobody in the sandbox has a second factor.
    if values.get("enforcing_2fa"):
        raise bad("requires_2fa_to_enforce_2fa", "You must have 2FA enabled to enforce it")


def delete_org(call: Call) -> Row:
    """Delete an organization and everything in it."""
    org_id = call.text("orgId")
    if not org_id:
        raise bad("missing_org_id", "Missing orgId")
    if not call.may_org("org.delete", org_id):
        raise ErrorAnswer(403, "invalid_org_id", "You can't delete this organization", {"org_id": org_id})
    drop_org(call, call.state.orgs[org_id])
    return OK


ROUTES = (
    Route("GET", "/organization", read_orgs),
    Route("POST", "/organization", create_org, Middleware.AUTH),
    Route("PUT", "/organization", update_org, Middleware.AUTH),
    Route("DELETE", "/organization", delete_org),
)
