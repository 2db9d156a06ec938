"""The two middlewares in front of the routes: which headers they read and whom they let through."""

import re
from collections.abc import Mapping
from enum import Enum, auto

from capgo_mcp.sandbox.answers import ErrorAnswer, Row
from capgo_mcp.sandbox.call import UUID
from capgo_mcp.sandbox.rights import is_scoped
from capgo_mcp.sandbox.state import State
from capgo_mcp.sandbox.times import parsed

_SUBKEY = re.compile(r"[1-9][0-9]*")

Headers = Mapping[str, str]


class Middleware(Enum):
    """Which middleware stands in front of a route; they read different headers."""

    NONE = auto()
    KEY = auto()
    AUTH = auto()


def authenticate(state: State, middleware: Middleware, headers: Headers, address: str) -> Row:
    """Give the key a call acts as, or refuse the call."""
    if middleware is Middleware.NONE:
        return {}
    state.meters.check_lockout(address)
    try:
        key = _known_key(state, _READERS[middleware](headers))
        subkey_id = _subkey_id(headers)
    except ErrorAnswer:
        state.meters.failed_login(address)
        raise
    # Before the sub-key: that there is none counts as no failed login.
    state.meters.key_call(key["id"])
    return key if subkey_id is None else _subkey(state, key, subkey_id)


def _key_headers(headers: Headers) -> str:
    value = headers.get("capgkey") or headers.get("authorization")
    if not value:
        raise ErrorAnswer(401, "no_key_provided", "No key provided")
    return value


def _auth_headers(headers: Headers) -> str:
    authorization = headers.get("authorization", "")
    # Whatever is no UUID is taken for a session here, a key of the older form too.
    if authorization and not UUID.fullmatch(authorization):
        raise ErrorAnswer(401, "invalid_jwt", "Invalid JWT")
    value = authorization or headers.get("capgkey") or headers.get("x-api-key")
    if not value:
        raise ErrorAnswer(401, "no_jwt_apikey_or_subkey", "No JWT, apikey or subkey provided")
    return value


_READERS = {Middleware.KEY: _key_headers, Middleware.AUTH: _auth_headers}


def _known_key(state: State, value: str) -> Row:
    key = next((row for row in state.keys.values() if row["key"] == value), None)
    if key is None or _is_expired(state, key) or _breaks_policy(state, key):
        raise ErrorAnswer(401, "invalid_apikey", "Invalid apikey")
    return key


def _is_expired(state: State, key: Row) -> bool:
    return key["expires_at"] is not None and parsed(key["expires_at"]) <= state.moment()


def _breaks_policy(state: State, key: Row) -> bool:
    orgs = (state.orgs.get(b["org_id"], {}) for b in key["bindings"])
    return not key["is_hashed_key"] and any(org.get("enforce_hashed_api_keys") for org in orgs)


def _subkey_id(headers: Headers) -> int | None:
    value = headers.get("x-limited-key-id")
    if value is not None and not _SUBKEY.fullmatch(value):
        raise ErrorAnswer(401, "invalid_subkey", "Invalid x-limited-key-id")
    return None if value is None else int(value)


def _subkey(state: State, key: Row, subkey_id: int) -> Row:
    subkey = state.keys.get(subkey_id)
    usable = subkey is not None and subkey["user_id"] == key["user_id"] and not subkey["is_hashed_key"]
    if subkey is None or not usable or not is_scoped(subkey) or _is_expired(state, subkey):
        raise ErrorAnswer(401, "invalid_subkey", "Invalid subkey")
    return subkey
