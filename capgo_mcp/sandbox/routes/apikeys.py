"""API keys, without their key material."""

import re

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.api.rights import HOLDERS
from capgo_mcp.sandbox.answers import OK, ErrorAnswer, Row, bad, no_row
from capgo_mcp.sandbox.auth import Middleware
from capgo_mcp.sandbox.call import UUID, Call
from capgo_mcp.sandbox.routing import Route, Source

_SHOWN = (
    "created_at", "expires_at", "id", "name", "rbac_id", "updated_at", "user_id", "is_hashed_key", "global_permissions",
)  # fmt: skip
_TOKEN = re.compile(r"[A-Za-z0-9._:-]{8,256}")


def list_keys(call: Call) -> list[Row]:
    """List the keys the caller may manage."""
    _need_manager(call, "cannot_list_apikeys")
    keys = [key for key in call.state.keys.values() if _may_manage(call, key) and _is_asked_for(call, key)]
    return [_shown(call, key) for key in keys]


def _is_asked_for(call: Call, key: Row) -> bool:
    """Whether a key passes the filters, which were not known in July."""
    if call.state.behaviour is Behaviour.JULY:
        return True
    owner, shared = call.params.get("owner_org_id"), call.params.get("shared")
    if owner is not None and not UUID.fullmatch(str(owner)):
        raise bad("invalid_owner_org_id", "Invalid owner_org_id", owner_org_id=owner)
    is_shared = "true" if key["owner_org_id"] else "false"
    return owner in (None, key["owner_org_id"]) and shared in (None, is_shared)


def get_key(call: Call) -> Row:
    """Read one key, found by its number or its value."""
    _need_manager(call, "cannot_get_apikey")
    wanted = call.path["id"]
    if not wanted.isdecimal() and not _TOKEN.fullmatch(wanted):
        raise _bad_id()
    key = next((k for k in call.state.keys.values() if wanted in {str(k["id"]), k["key"]}), None)
    if not key or not _may_manage(call, key):
        raise ErrorAnswer(404, "failed_to_get_apikey", "Failed to get API key", {"supabaseError": no_row()})
    return _shown(call, key)


def create_key(_: Call) -> Row:
    """Refuse: only a person who is signed in can create a key."""
    raise bad("cannot_create_apikey", "API keys cannot create other API keys")


def update_key(call: Call) -> Row:
    """Rename or re-date another key."""
    key = _other_key(call, "update")
    values: Row = {name: call.params[name] for name in ("name", "expires_at") if name in call.params}
    if not values:
        message = "Provide name, expires_at, bindings, global_permissions, or regenerate."
        raise bad("no_valid_fields_provided_for_update", f"No valid fields provided for update. {message}")
    if key is None:
        more = {"supabaseError": no_row()}
        raise ErrorAnswer(404, "api_key_not_found_or_access_denied", "API key not found or access denied", more)
    key.update(values, updated_at=call.state.now())
    return {name: value for name, value in _shown(call, key).items() if name != "global_permissions"}


def delete_key(call: Call) -> Row:
    """Revoke another key."""
    key = _other_key(call, "delete")
    if key is None:
        raise ErrorAnswer(404, "api_key_not_found", "API key not found", {"supabaseError": no_row()})
    del call.state.keys[key["id"]]
    return OK


def _other_key(call: Call, verb: str) -> Row | None:
    _need_manager(call, f"cannot_{verb}_apikey")
    wanted = call.path["id"]
    if not wanted.isdecimal():
        raise _bad_id()
    if int(wanted) == call.key["id"]:
        message = f"API keys cannot {verb} themselves"
        raise ErrorAnswer(401, f"cannot_{verb}_apikey", message, {"apikeyId": call.key["id"]})
    key = call.state.keys.get(int(wanted))
    return key if key and _may_manage(call, key) else None


def _need_manager(call: Call, code: str) -> None:
    if not any(b["role_name"] in HOLDERS["org.manage_apikeys"] for b in call.key["bindings"]):
        message = "API key management requires RBAC org role management permission"
        raise ErrorAnswer(401, code, message, {"apikeyId": call.key["id"]})


def _may_manage(call: Call, key: Row) -> bool:
    owner = key["owner_org_id"]
    mine = key["user_id"] == call.key["user_id"] or (owner and call.may_org("org.manage_apikeys", owner))
    return bool(mine) and all(call.may_org("org.manage_apikeys", b["org_id"]) for b in key["bindings"])


def _shown(call: Call, key: Row) -> Row:
    """Show a key's record; what it may do was not told in July."""
    shown = {name: key[name] for name in _SHOWN}
    if call.state.behaviour is Behaviour.JULY:
        return shown
    bindings = [{"id": f"{key['id']}-{number}", **binding} for number, binding in enumerate(key["bindings"])]
    for binding in bindings:
        if binding["app_id"]:
            binding["app_id"] = call.state.apps[binding["app_id"]]["id"]
    return shown | {"owner_org_id": key["owner_org_id"], "bindings": bindings}


def _bad_id() -> ErrorAnswer:
    return bad("invalid_id_format", "API key ID must be a numeric ID, UUID key, or legacy key token")


ROUTES = (
    Route("GET", "/apikey", list_keys, Middleware.AUTH),
    Route("GET", "/apikey/{id}", get_key, Middleware.AUTH),
    Route("POST", "/apikey", create_key, Middleware.AUTH, Source.BODY),
    Route("PUT", "/apikey/{id}", update_key, Middleware.AUTH, Source.BODY),
    Route("DELETE", "/apikey/{id}", delete_key, Middleware.AUTH, Source.PATH),
)
