"""No parameter, however odd, makes the sandbox itself stumble: it answers or refuses."""

import json
import re
from typing import Any

import pytest
from starlette.responses import Response

from capgo_mcp.sandbox.answers import ErrorAnswer
from capgo_mcp.sandbox.call import Call
from capgo_mcp.sandbox.rights import binding
from capgo_mcp.sandbox.routes import ROUTES
from capgo_mcp.sandbox.routing import Route
from capgo_mcp.sandbox.rows import (
    new_app,
    new_bundle,
    new_channel,
    new_device,
    new_event,
    new_key,
    new_member,
    new_org,
    new_webhook,
)
from capgo_mcp.sandbox.state import State
from tests.support.caller import APP
from tests.support.recorded_world import Clock

_ORG = "11111111-0000-4000-8000-000000000001"
_REDIRECT = "http://127.0.0.1:8000/callback"

# Something that makes sense under every name a route reads; each name is made senseless in turn.
_SENSIBLE: dict[str, Any] = {
    "app_id": APP,
    "owner_org": _ORG,
    "org_id": _ORG,
    "orgId": _ORG,
    "name": "Some name",
    "icon": "https://example.com/icon.png",
    "retention": 86400,
    "channel": "beta",
    "version": "2.2.8",
    "version_id": 1,
    "channel_id": 2,
    "external_url": "https://example.com/b.zip",
    "checksum": "c",
    "link": "https://example.com",
    "public": True,
    "disableAutoUpdate": "minor",
    "rolloutVersion": "2.3.0",
    "rolloutPercentage": 10,
    "rolloutPausedAt": "2026-01-01",
    "autoPauseConfidence": 0.9,
    "autoPauseAction": "notify",
    "autoPauseMinAttempts": 5,
    "device_id": "d0d0cafe-0000-4000-8000-000000000001",
    "page": 0,
    "limit": 5,
    "cursor": "2026-01-01|x",
    "updated_at": "2026-01-01",
    "order": "asc",
    "customIdMode": "true",
    "email": "robin@example.com",
    "management_email": "desk@example.com",
    "website": "https://example.com",
    "invite_type": "read",
    "tableName": "channels",
    "operation": "UPDATE",
    "from": "2026-11-01",
    "to": "2026-11-08",
    "noAccumulate": "true",
    "breakdown": "true",
    "url": "https://hooks.example.com/x",
    "events": ["channels"],
    "enabled": True,
    "webhookId": "x",
    "deliveryId": "x",
    "deliveryVersion": "standard",
    "max_apikey_expiration_days": 30,
    "required_encryption_key": "k" * 20,
    "job_id": "x",
    "days": 7,
    "expires_at": None,
    "appId": APP,
    "devicesId": ["d0d0cafe-0000-4000-8000-000000000001"],
    "rangeStart": "2026-01-01",
    "rangeEnd": 1_900_000_000_000,
    "versionName": "2.2.8",
    "actions": ["set"],
    "client_id": "c",
    "redirect_uri": _REDIRECT,
    "redirect_uris": [_REDIRECT],
    "response_type": "code",
    "code_challenge": "x",
    "code_challenge_method": "S256",
    "scope": "capgo",
    "request": "r",
    "org": _ORG,
    "answer": "allow",
    "grant_type": "authorization_code",
    "code": "x",
    "code_verifier": "v",
    "token": "key",
}
_ODD: list[Any] = [
    None, True, False, 0, -1, 1.5, 10**30, "", "x", "-1", "1e400", "nan", "9" * 30, "0001-01-01T00:00:00+05:00",
    "2030-12-31", "https://[", [], ["x"], [[]], {}, {"a": 1},
]  # fmt: skip
_JOB = "b1d0c0de-0000-4000-8000-000000000003"
_USER = "aaaaaaaa-0000-4000-8000-000000000001"
_PATH_VALUES = {"app_id": APP, "org_id": _ORG, "id": "2", "jobId": _JOB}


def _tiny_world() -> State:
    """Make a world with one of everything, cheap enough to be made anew for each parameter."""
    state = State(Clock())
    state.users[_USER] = {"id": _USER, "email": "mira@example.com", "image_url": ""}
    state.orgs[_ORG] = new_org(state, "Org", _USER, id=_ORG)
    key = new_key(state, "Key", "key", _USER, [binding("org_super_admin", _ORG)], global_permissions=["org.create"])
    state.keys = {1: key, 2: {**key, "id": 2, "key": "other"}}
    app = state.apps[APP] = new_app(state, APP, "App", _ORG, _USER)
    state.bundles = {n: new_bundle(state, app, name, _USER) for n, name in ((1, "2.2.8"), (2, "2.3.0"))}
    state.channels = {n: new_channel(state, app, name, _USER, version=1) for n, name in ((1, "dev"), (2, "beta"))}
    device_id = _SENSIBLE["device_id"]
    state.devices[APP, device_id] = new_device(APP, device_id, "2.2.8", state.now())
    state.webhooks["x"] = new_webhook(state, _ORG, _USER, id="x", url="https://hooks.example.com", name="x", events=[])
    state.builds[_JOB] = {"job_id": _JOB, "app_id": APP, "status": "running", "started_at": state.now(), "logs": []}
    state.members[1] = new_member(state, _ORG, _USER, "org_super_admin")
    client = {"client_id": "c", "client_name": "x", "redirect_uri": _REDIRECT, "redirect_uris": [_REDIRECT]}
    until = {"until": state.clock() + 60, "key_until": state.moment()}
    state.oauth_clients["c"] = client
    state.oauth_requests["r"] = {**client, **until, "id": "r", "state": "s", "challenge": "x"}
    state.oauth_codes["x"] = {**client, **until, "key": "key", "challenge": "x"}
    state.events = [new_event(APP, device_id, "set", "2.2.8", state.now())]
    return state


def _written(answer: Any) -> None:
    """Write an answer as it would go out; a page is written already."""
    if not isinstance(answer, Response):
        json.dumps(answer)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_odd_parameters_are_answered_or_refused(route: Route) -> None:
    """A route answers with JSON or a page, or refuses, whatever stands under one of its parameters."""
    path = {name: _PATH_VALUES[name] for name in re.findall(r"{(\w+)}", route.path)}
    for name in _SENSIBLE:
        state = _tiny_world()
        state.limits.device_calls = state.limits.address_calls = 10**6
        for odd in _ODD:
            call = Call(state, state.keys[1], path, {**_SENSIBLE, name: odd}, "127.0.0.1")
            try:
                _written(route.handler(call))
            except ErrorAnswer as refusal:
                _written(refusal.body)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
@pytest.mark.parametrize("sent", [5, "text", ["x"], {}, True])
def test_parameters_may_be_no_object(route: Route, sent: Any) -> None:
    """A body that is no object reads as one without fields."""
    state = _tiny_world()
    path = {name: _PATH_VALUES[name] for name in re.findall(r"{(\w+)}", route.path)}
    try:
        _written(route.handler(Call(state, state.keys[1], path, sent, "127.0.0.1")))
    except ErrorAnswer as refusal:
        _written(refusal.body)
