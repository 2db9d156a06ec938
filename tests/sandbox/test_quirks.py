"""Routing, parameters, credentials and limits behave as the recordings do not show but the contract says."""

import pytest

from capgo_mcp.sandbox import ADMIN_KEY, EXPIRED_KEY, READER_KEY, UPLOADER_KEY, Limits
from capgo_mcp.sandbox.rights import binding
from tests.support.caller import APP, Caller, code
from tests.support.recorded_world import Clock

ORG = "11111111-0000-4000-8000-000000000001"
DEVICE = "d0d0cafe-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    "what",
    ["GET //app", "GET /APP", "GET /v1/app", "PATCH /channel", "PUT /bundle/metadata", "GET /channel/1", "GET /"],
)
async def test_anything_else_is_not_found(sandbox: Caller, what: str) -> None:
    """Whatever is no route is one 404, wrong methods included, with a body of two fields."""
    answer = await sandbox.ask(what, {} if what.startswith("P") else None)
    assert answer.status_code == 404
    assert answer.json() == {"error": "not_found", "message": "Not found"}


async def test_head_answers_without_a_body(sandbox: Caller) -> None:
    """HEAD works where GET does and sends no body."""
    answer = await sandbox.ask(f"HEAD /app/{APP}/")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_escaped_slash_stays_in_the_app_id(sandbox: Caller) -> None:
    """A percent-encoded slash belongs to the value and makes it invalid."""
    assert code(await sandbox.ask("GET /app/com.a%2Fb")) == (400, "invalid_app_id")


async def test_request_id_is_echoed_when_it_fits(sandbox: Caller) -> None:
    """The caller's request id comes back if it is made of the allowed letters; any answer has one, and a worker."""
    echoed = await sandbox.ask("GET /ok", headers={"X-Request-Id": "abc-1_2="})
    other = await sandbox.ask("GET /nope", headers={"X-Request-Id": "no spaces"})
    assert echoed.headers["x-request-id"] == "abc-1_2="
    assert other.headers["x-request-id"] != "no spaces"
    assert other.headers["x-worker-source"].startswith("sandbox-")


async def test_first_of_repeated_parameters_counts(sandbox: Caller) -> None:
    """A repeated query key keeps its first value."""
    answer = await sandbox.ask(f"GET /channel?app_id={APP}&channel=beta&channel=dev")
    assert answer.json()["name"] == "beta"


async def test_body_wins_whole_over_the_query(sandbox: Caller) -> None:
    """A body and a query are never merged."""
    answer = await sandbox.ask(f"DELETE /device?app_id={APP}", {"device_id": DEVICE})
    assert code(answer) == (400, "missing_app_id")


async def test_unreadable_body_gives_way_to_the_query(sandbox: Caller) -> None:
    """A body that is not JSON is as good as none where the query may speak."""
    answer = await sandbox.ask(f"DELETE /device?app_id={APP}&device_id={DEVICE}", content="{")
    assert answer.json() == {"status": "ok"}


async def test_body_only_routes_ignore_the_query(sandbox: Caller) -> None:
    """POST /channel and POST /device read no query, and a body of null breaks them."""
    assert code(await sandbox.ask(f"POST /channel?app_id={APP}&channel=x")) == (400, "invalid_json_parse_body")
    assert code(await sandbox.ask("POST /device", content="null")) == (500, "unknown_error")
    assert code(await sandbox.ask("POST /channel", {})) == (400, "missing_app_id")


@pytest.mark.parametrize(
    ("headers", "key_route", "auth_route"),
    [
        ({"authorization": ADMIN_KEY}, 200, 200),
        ({"authorization": f"Bearer {ADMIN_KEY}"}, 401, 401),
        ({"capgkey": ADMIN_KEY}, 200, 200),
        ({"x-api-key": ADMIN_KEY}, 401, 200),
        ({"capgkey": ADMIN_KEY, "authorization": UPLOADER_KEY}, 200, 401),
        ({"capgkey": ADMIN_KEY, "authorization": "legacy-key"}, 200, 401),
        ({"authorization": EXPIRED_KEY}, 401, 401),
    ],
)
async def test_guards_read_different_headers(
    sandbox: Caller, headers: dict[str, str], key_route: int, auth_route: int
) -> None:
    """Key routes and auth routes look for the key in different headers."""
    key_answer = await sandbox.ask("GET /organization", {"orgId": ORG}, key=None, headers=headers)
    auth_answer = await sandbox.ask("GET /apikey", key=None, headers=headers)
    assert (key_answer.status_code, auth_answer.status_code) == (key_route, auth_route)


async def test_limited_key_narrows_a_key(sandbox: Caller) -> None:
    """A key acts as one of its user's app-scoped keys; hashed or organization-wide ones are refused."""
    narrow = await sandbox.ask("GET /app", headers={"x-limited-key-id": "3"})
    assert [app["app_id"] for app in narrow.json()] == [APP]
    sandbox.state.keys[3]["is_hashed_key"] = True
    for refused in ("3", "1", "03"):
        answer = await sandbox.ask("GET /app", headers={"x-limited-key-id": refused})
        assert code(answer) == (401, "invalid_subkey")


async def test_only_a_malformed_limited_key_counts_as_failure(sandbox: Caller) -> None:
    """A malformed sub-key id counts towards the lockout, an unknown one does not."""
    sandbox.state.limits.failed_logins = 1
    await sandbox.ask("GET /app", headers={"x-limited-key-id": "999"})
    assert (await sandbox.ask("GET /app")).status_code == 200
    await sandbox.ask("GET /app", headers={"x-limited-key-id": "x"})
    assert (await sandbox.ask("GET /app")).status_code == 429


async def test_policies_lock_keys_out(sandbox: Caller) -> None:
    """Organizations may demand keys that expire, with a code of its own, or hashed ones, without."""
    sandbox.state.orgs[ORG]["require_apikey_expiration"] = True
    assert code(await sandbox.ask("GET /organization", {"orgId": ORG})) == (401, "org_requires_expiring_key")
    sandbox.state.orgs[ORG]["enforce_hashed_api_keys"] = True
    assert code(await sandbox.ask("GET /app")) == (401, "invalid_apikey")


async def test_key_window_slides(sandbox: Caller, clock: Clock) -> None:
    """Every call of a limited key, refused or not, starts its minute anew."""
    sandbox.state.limits = Limits(key_calls=3)
    statuses = [(await sandbox.ask("GET /app")).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    clock.time += 59
    refused = await sandbox.ask("GET /app")
    assert refused.headers["retry-after"] == "60"
    assert refused.json()["moreInfo"]["reason"] == "api_key_rate_limit_exceeded"
    clock.time += 59
    assert (await sandbox.ask("GET /app")).status_code == 429
    clock.time += 61
    assert (await sandbox.ask("GET /app")).status_code == 200


async def test_failed_logins_lock_an_address_out(sandbox: Caller, clock: Clock) -> None:
    """After twenty failures even a valid key is refused, for a quarter of an hour that further calls do not prolong."""
    for _ in range(20):
        assert (await sandbox.ask("GET /app", key="wrong")).status_code == 401
    refused = await sandbox.ask("GET /app")
    assert code(refused) == (429, "too_many_requests")
    assert int(refused.headers["x-ratelimit-reset"]) == pytest.approx(clock() + 900, abs=1)
    clock.time += 899
    assert (await sandbox.ask("GET /app")).headers["retry-after"] == "1"
    clock.time += 2
    assert (await sandbox.ask("GET /app")).status_code == 200


async def test_success_does_not_forgive_failures(sandbox: Caller) -> None:
    """A good call between two bad ones does not clear the count."""
    sandbox.state.limits.failed_logins = 2
    for key in ("wrong", ADMIN_KEY, "wrong"):
        await sandbox.ask("GET /app", key=key)
    assert (await sandbox.ask("GET /app")).status_code == 429


async def test_device_is_asked_five_times_a_second(sandbox: Caller, clock: Clock) -> None:
    """The sixth call about a device within a second is refused; other operations and devices are not."""
    asked = {"app_id": APP, "device_id": DEVICE}
    statuses = [(await sandbox.ask("GET /device", asked)).status_code for _ in range(6)]
    assert statuses == [200] * 5 + [429]
    assert (await sandbox.ask("DELETE /device", asked)).status_code == 200
    assert (await sandbox.ask("GET /device", {**asked, "device_id": "other"})).status_code == 404
    clock.time += 1.1
    assert (await sandbox.ask("GET /device", asked)).status_code == 200


async def test_failed_assignment_blocks_its_repetition(sandbox: Caller, clock: Clock) -> None:
    """Setting the same channel again within a minute is refused even when the first attempt failed."""
    pin = {"app_id": APP, "device_id": DEVICE, "channel": "later"}
    assert code(await sandbox.ask("POST /device", pin)) == (404, "channel_not_found")
    await sandbox.ask("POST /channel", {"app_id": APP, "channel": "later"})
    assert code(await sandbox.ask("POST /device", pin)) == (429, "too_many_requests")
    clock.time += 61
    assert (await sandbox.ask("POST /device", pin)).json() == {"status": "ok"}


async def test_address_is_limited_on_device_routes(sandbox: Caller) -> None:
    """One address gets so many device calls a minute, app by app."""
    sandbox.state.limits.address_calls = 2
    answers = [await sandbox.ask("GET /device", {"app_id": APP}) for _ in range(3)]
    assert [a.status_code for a in answers] == [200, 200, 429]
    assert answers[-1].json()["moreInfo"]["reason"] == "ip_rate_limit_exceeded"
    assert (await sandbox.ask("GET /device", {"app_id": "com.lighthouse.notes"})).status_code == 200


async def test_reader_key_cannot_write(sandbox: Caller) -> None:
    """A reader is refused in the words and with the status of each route."""
    refusals = [
        (f"PUT /app/{APP}", {"name": "x"}, (401, "cannot_access_app")),
        (f"DELETE /app/{APP}", None, (400, "cannot_delete_app")),
        ("POST /bundle/metadata", {"app_id": APP, "version_id": 1}, (400, "cannot_update_bundle_metadata")),
        ("PUT /bundle", {"app_id": APP, "version_id": 1, "channel_id": 1}, (400, "cannot_access_app")),
        ("POST /device", {"app_id": APP, "device_id": "d", "channel": "beta"}, (400, "cannot_access_channel")),
        ("POST /device", {"app_id": APP, "device_id": "d"}, (400, "cannot_access_app")),
        ("GET /apikey", None, (401, "cannot_list_apikeys")),
        ("GET /notifications/settings?app_id=" + APP, None, (403, "app_access_denied")),
    ]
    for what, sent, expected in refusals:
        assert code(await sandbox.ask(what, sent, key=READER_KEY)) == expected, what


async def test_app_key_has_no_say_in_the_organization(sandbox: Caller) -> None:
    """A key with roles of an app only makes no app and sees no members."""
    app = {"app_id": "com.x.y", "name": "x", "owner_org": ORG}
    assert code(await sandbox.ask("POST /app", app, key=UPLOADER_KEY)) == (403, "cannot_access_organization")
    members = await sandbox.ask("GET /organization/members?orgId=" + ORG, key=UPLOADER_KEY)
    assert code(members) == (400, "cannot_access_organization")


@pytest.mark.parametrize(
    ("role", "expected"), [("org_admin", "cannot_delete_bundle"), ("app_admin", None), ("org_super_admin", None)]
)
async def test_an_organization_admin_deletes_no_bundle(sandbox: Caller, role: str, expected: str | None) -> None:
    """Super admins and admins of the app delete bundles and channels, those of the organization do not (R4)."""
    scope = APP if role == "app_admin" else None
    sandbox.state.keys[1]["bindings"] = [binding(role, ORG, scope)]
    bundle = await sandbox.ask("DELETE /bundle", {"app_id": APP, "version": "1.0.0"})
    assert bundle.json().get("error") == expected
    channel = await sandbox.ask("DELETE /channel", {"app_id": APP, "channel": "qa"})
    assert channel.json().get("error") == ("cannot_access_app" if expected else None)


async def test_a_preview_role_promotes_on_its_channel(sandbox: Caller) -> None:
    """The role of a preview may put bundles on its own channel, and on no other (R4)."""
    sandbox.state.keys[1]["bindings"] = [binding("channel_preview", ORG, APP, 2)]
    bundle = {"app_id": APP, "version_id": 118}
    assert (await sandbox.ask("PUT /bundle", {**bundle, "channel_id": 2})).status_code == 200
    assert code(await sandbox.ask("PUT /bundle", {**bundle, "channel_id": 1})) == (400, "cannot_access_app")
