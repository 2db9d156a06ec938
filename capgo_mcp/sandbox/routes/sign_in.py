"""Signing in with the browser: the authorization server whose tokens are API keys. July's Capgo has none."""

import base64
import hashlib
from collections.abc import Callable
from datetime import timedelta
from hmac import compare_digest
from typing import Any
from urllib.parse import SplitResult, urlencode, urlsplit

from starlette.responses import RedirectResponse, Response

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.sandbox.answers import ErrorAnswer, OAuthRefusal, Row
from capgo_mcp.sandbox.auth import Middleware
from capgo_mcp.sandbox.call import Call
from capgo_mcp.sandbox.consent import consent_page, refusal_page
from capgo_mcp.sandbox.rights import binding
from capgo_mcp.sandbox.routing import Route, Source
from capgo_mcp.sandbox.rows import new_key
from capgo_mcp.sandbox.times import postgres

_KEY_DAYS = 90
_REQUEST_SECONDS = 10 * 60
_CODE_SECONDS = 60
_MOST_REDIRECTS = 20
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def protected_resource(call: Call) -> Row:
    """Name the authorization server of the resource (RFC 9728)."""
    return {
        "resource": f"{call.origin}/mcp",
        "authorization_servers": [call.origin],
        "scopes_supported": ["capgo"],
        "bearer_methods_supported": ["header"],
    }


def authorization_server(call: Call) -> Row:
    """Describe the authorization server (RFC 8414)."""
    return {
        "issuer": call.origin,
        **{f"{name}_endpoint": f"{call.origin}/mcp/oauth/{path}" for name, path in _ENDPOINTS.items()},
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "scopes_supported": ["capgo"],
        "authorization_response_iss_parameter_supported": True,
    }


_ENDPOINTS = {"authorization": "authorize", "token": "token", "registration": "register", "revocation": "revoke"}


def register(call: Call) -> Row:
    """Make a client known (RFC 7591); it has no secret."""
    call.state.meters.registration(call.address)
    redirects = call.params.get("redirect_uris")
    if (
        not isinstance(redirects, list)
        or not 1 <= len(redirects) <= _MOST_REDIRECTS
        or not all(map(_may_be, redirects))
    ):
        raise OAuthRefusal("invalid_redirect_uri", "redirect_uris must be https, loopback or private addresses")
    if call.params.get("token_endpoint_auth_method", "none") != "none":
        raise OAuthRefusal("invalid_client_metadata", "token_endpoint_auth_method must be none")
    client: Row = {
        "client_id": call.state.uuid("oauth client"),
        "client_id_issued_at": int(call.state.clock()),
        "client_name": str(call.params.get("client_name") or "MCP client"),
        "redirect_uris": redirects,
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    }
    call.state.oauth_clients[client["client_id"]] = client
    return client


def authorize(call: Call) -> Response:
    """Show the consent page; what is wrong goes back to the client, once it is known to be one."""
    call.state.meters.authorization(call.address)
    client = call.state.oauth_clients.get(call.text("client_id"))
    redirect = call.text("redirect_uri")
    if client is None or not any(_same(redirect, known) for known in client["redirect_uris"]):
        return refusal_page("The client or the address it wants to be called back at is not known here.")
    if problem := _problem(call):
        return _back(call, {"redirect_uri": redirect, "state": call.text("state")}, error=problem)
    request = {
        "id": call.state.uuid("oauth request"),
        "client_id": client["client_id"],
        "client_name": client["client_name"],
        "redirect_uri": redirect,
        "state": call.text("state"),
        "challenge": call.text("code_challenge"),
        "until": call.state.clock() + _REQUEST_SECONDS,
        "key_until": call.state.moment() + timedelta(days=_KEY_DAYS),
    }
    call.state.oauth_requests[request["id"]] = request
    return consent_page(request, _organizations(call))


def consent(call: Call) -> Response:
    """Take what the person decided, and go back to the client with it."""
    request = call.state.oauth_requests.get(call.text("request"))
    if request is None or request["until"] < call.state.clock():
        return refusal_page("This page is too old: begin again.")
    chosen = call.params.get("org", [])
    orgs = [
        org["id"] for org in _organizations(call) if org["id"] in (chosen if isinstance(chosen, list) else [chosen])
    ]
    allowed = call.text("answer") == "allow"
    if allowed and not orgs:
        return consent_page(request, _organizations(call), warning="Pick at least one organization.")
    del call.state.oauth_requests[request["id"]]
    if not allowed:
        return _back(call, request, error="access_denied")
    code = call.state.uuid("oauth code")
    key = _made_key(call, request, orgs)
    call.state.oauth_codes[code] = {**request, "key": key["key"], "until": call.state.clock() + _CODE_SECONDS}
    return _back(call, request, code=code)


def token(call: Call) -> Row:
    """Give the key for a code, once."""
    call.state.meters.check_lockout(call.address)
    if call.text("grant_type") != "authorization_code":
        raise OAuthRefusal("unsupported_grant_type", "grant_type must be authorization_code")
    granted = call.state.oauth_codes.pop(call.text("code"), None)
    if granted is None or granted["until"] < call.state.clock() or not _belongs(call, granted):
        call.state.meters.failed_login(call.address)
        raise OAuthRefusal("invalid_grant", "The code is unknown, used or expired")
    seconds = int((granted["key_until"] - call.state.moment()).total_seconds())
    return {"access_token": granted["key"], "token_type": "Bearer", "scope": "capgo", "expires_in": seconds}


def revoke(call: Call) -> Row:
    """Delete a key that was made here (RFC 7009); whether there was one is not told."""
    keys = call.state.keys
    for number in [n for n, key in keys.items() if key.get("oauth_client") and key["key"] == call.text("token")]:
        del keys[number]
    return {}


def _problem(call: Call) -> str:
    """What is wrong with a request to sign in, in a word of OAuth; empty where nothing is."""
    if call.text("response_type") != "code":
        return "unsupported_response_type"
    if call.text("code_challenge_method") != "S256" or not call.text("code_challenge"):
        return "invalid_request"
    if call.text("scope") not in {"", "capgo"}:
        return "invalid_scope"
    return "" if call.text("resource") in {"", f"{call.origin}/mcp"} else "invalid_target"


def _back(call: Call, request: Row, **answer: str) -> Response:
    known = {"state": request["state"]} if request["state"] else {}
    separator = "&" if urlsplit(request["redirect_uri"]).query else "?"
    query = urlencode(answer | known | {"iss": call.origin})
    # With 303 the browser asks for that address, and posts nothing there.
    return RedirectResponse(f"{request['redirect_uri']}{separator}{query}", 303)


def _made_key(call: Call, request: Row, orgs: list[str]) -> Row:
    """A key with the rights that the person has in the organizations they picked, under the policies of those."""
    state, roles = call.state, _roles(call)
    key = new_key(
        state,
        f"MCP · {request['client_name']}",
        state.uuid("oauth key"),
        _person(call),
        [binding(roles[org], org) for org in orgs],
        expires_at=postgres(request["key_until"]),
        is_hashed_key=any(state.orgs[org].get("enforce_hashed_api_keys") for org in orgs),
        oauth_client=request["client_id"],
    )
    state.keys[key["id"]] = key
    return key


def _person(call: Call) -> str:
    """Whoever sits at the browser: in the sandbox, its first user."""
    return next(iter(call.state.users))


def _roles(call: Call) -> dict[str, str]:
    """The person's role in each of their organizations."""
    mine = [row for row in call.state.members.values() if row["user_id"] == _person(call) and not row["is_invite"]]
    return {row["org_id"]: row["rbac_role_name"] for row in mine}


def _organizations(call: Call) -> list[Row]:
    return [call.state.orgs[org_id] for org_id in _roles(call)]


def _belongs(call: Call, granted: Row) -> bool:
    """Whether whoever brings a code is the one who asked for it."""
    digest = hashlib.sha256(call.text("code_verifier").encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    # It compares ASCII only, and the client chose the challenge.
    proven = compare_digest(challenge, granted["challenge"].encode("ascii", "replace").decode())
    return proven and all(call.text(name) == granted[name] for name in ("client_id", "redirect_uri"))


def _may_be(redirect: object) -> bool:
    """Whether an address may be called back: nobody else's over plain http, and no part of a page."""
    if not isinstance(redirect, str):
        return False
    parts = _parts(redirect)
    http = parts.scheme == "http" and parts.hostname in _LOOPBACK
    private = parts.scheme not in {"", "http", "https", "javascript", "data", "file"}
    return not parts.fragment and (http or private or (parts.scheme == "https" and bool(parts.hostname)))


def _same(redirect: str, known: str) -> bool:
    """Whether a redirect is a registered one; on loopback, the port may be any (RFC 8252)."""
    if redirect == known:
        return True
    one, other = _parts(redirect), _parts(known)
    loopback = one.scheme == other.scheme == "http" and one.hostname == other.hostname and one.hostname in _LOOPBACK
    return loopback and (one.path, one.query, one.fragment) == (other.path, other.query, "")


def _parts(address: str) -> SplitResult:
    """The parts of an address; none of one that cannot be read."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")


def _since_november(handler: Callable[[Call], Any]) -> Callable[[Call], Any]:
    """The handler on a Capgo that has it."""

    def offered(call: Call) -> Any:
        if call.state.behaviour is not Behaviour.NOVEMBER:
            raise ErrorAnswer(404, "not_found", "Not found")
        return handler(call)

    return offered


ROUTES = tuple(
    Route(method, path, _since_november(handler), Middleware.NONE, source, status)
    for method, path, handler, source, status in (
        ("GET", "/.well-known/oauth-protected-resource/mcp", protected_resource, Source.PATH, 200),
        ("GET", "/.well-known/oauth-authorization-server", authorization_server, Source.PATH, 200),
        ("POST", "/mcp/oauth/register", register, Source.FORM, 201),
        ("GET", "/mcp/oauth/authorize", authorize, Source.QUERY, 200),
        ("POST", "/mcp/oauth/consent", consent, Source.FORM, 200),
        ("POST", "/mcp/oauth/token", token, Source.FORM, 200),
        ("POST", "/mcp/oauth/revoke", revoke, Source.FORM, 200),
    )
)
