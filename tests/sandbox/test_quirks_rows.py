"""Apps, channels, bundles and devices behave as the recordings do not show but the contract says."""

from typing import Any

import pytest

from capgo_mcp.sandbox import DEVELOPER_KEY, State
from capgo_mcp.sandbox.rights import binding
from capgo_mcp.sandbox.rows import new_bundle, new_key
from tests.support.caller import APP, Caller, code
from tests.support.recorded_world import Clock

DEVICE = "d0d0cafe-0000-4000-8000-000000000001"
OK = {"status": "ok"}


async def _channel(sandbox: Caller, name: str) -> dict[str, Any]:
    row: dict[str, Any] = (await sandbox.ask("GET /channel", {"app_id": APP, "channel": name})).json()
    return row


async def _set(sandbox: Caller, name: str, **settings: object) -> tuple[int, str] | dict[str, Any]:
    answer = await sandbox.ask("POST /channel", {"app_id": APP, "channel": name, **settings})
    body: dict[str, Any] = answer.json()
    return code(answer) if "error" in body else body


async def test_deleting_an_app_takes_everything_along(sandbox: Caller) -> None:
    """Nothing of a deleted app is left, and deleting it again is refused."""
    assert (await sandbox.ask(f"DELETE /app/{APP}")).json() == OK
    state = sandbox.state
    rows = [*state.channels.values(), *state.bundles.values(), *state.devices.values(), *state.overrides.values()]
    assert not [row for row in rows if row["app_id"] == APP]
    assert not [app_id for app_id, _ in (*state.usage, *state.bundle_days, *state.native_days) if app_id == APP]
    assert code(await sandbox.ask(f"DELETE /app/{APP}")) == (400, "cannot_delete_app")


async def test_app_settings_change_and_tags_are_stripped(sandbox: Caller) -> None:
    """An update changes what is sent, without markup in the name, and moves the time of change."""
    before = (await sandbox.ask(f"GET /app/{APP}")).json()
    after = (await sandbox.ask(f"PUT /app/{APP}", {"name": "<b>Bold</b>", "retention": "60"})).json()
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"name", "retention", "updated_at"}
    assert (after["name"], after["retention"]) == ("Bold", 60)


async def test_new_app_ignores_retention_and_channel(sandbox: Caller) -> None:
    """A new app starts with the defaults whatever is sent, and answers big numbers as text."""
    org_id = sandbox.state.apps[APP]["owner_org"]
    wishes = {"retention": 5, "default_upload_channel": "beta"}
    made = await sandbox.ask("POST /app", {"app_id": "com.new.app", "name": "New", "owner_org": org_id, **wishes})
    assert (made.json()["retention"], made.json()["default_upload_channel"]) == ("2592000", "dev")


async def test_pages_overlap(sandbox: Caller) -> None:
    """Page 0 holds 50 rows, every later page far more than that."""
    pages = [(await sandbox.ask("GET /bundle", {"app_id": APP, "page": page})).json() for page in (0, 1, 2)]
    assert [len(page) for page in pages] == [50, 74, 24]
    assert pages[1][50:] == pages[2]


async def test_rows_are_capped_at_a_thousand(sandbox: Caller) -> None:
    """The data layer never gives more than a thousand rows."""
    state = sandbox.state
    for number in range(2000):
        row = new_bundle(state, state.apps[APP], f"9.0.{number}", "nobody")
        state.bundles[row["id"]] = row
    assert len((await sandbox.ask("GET /bundle", {"app_id": APP, "page": 2})).json()) == 950
    assert len((await sandbox.ask("GET /bundle", {"app_id": APP, "page": 30})).json()) == 624
    assert len((await sandbox.ask("GET /bundle", {"app_id": APP, "page": "x"})).json()) == 1000


@pytest.mark.parametrize("detaching", [None, "", "builtin", "unknown"])
async def test_some_versions_detach_the_bundle(sandbox: Caller, detaching: str | None) -> None:
    """Null, nothing, builtin and unknown take the bundle off a channel; leaving the field out keeps it."""
    assert await _set(sandbox, "beta", allow_dev=True) == OK
    assert (await _channel(sandbox, "beta"))["version"]["name"] == "2.3.0-beta.6"
    assert await _set(sandbox, "beta", version=detaching) == OK
    assert (await _channel(sandbox, "beta"))["version"] is None


async def test_unknown_version_depends_on_the_channel(sandbox: Caller) -> None:
    """An unknown bundle breaks an existing channel's update and politely refuses a new channel."""
    assert await _set(sandbox, "beta", version="77.0.0") == (500, "unknown_error")
    assert await _set(sandbox, "fresh", version="77.0.0") == (400, "cannot_find_version")
    assert code(await sandbox.ask("GET /channel", {"app_id": APP, "channel": "fresh"})) == (400, "cannot_find_version")


async def test_new_channel_with_a_bundle_tells_its_id(sandbox: Caller) -> None:
    """Only a channel created together with a bundle answers with its id."""
    assert await _set(sandbox, "bare") == OK
    made = await _set(sandbox, "full", version="2.2.8")
    assert made == {"status": "ok", "id": (await _channel(sandbox, "full"))["id"], "public": False}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"disableAutoUpdate": "metadata"}, (500, "unknown_error")),
        ({"disableAutoUpdate": "patch"}, OK),
        ({"public": "maybe"}, (500, "unknown_error")),
        ({"rolloutVersion": "77.0.0"}, (500, "unknown_error")),
        ({"rolloutVersion": 99999}, (500, "unknown_error")),
        ({"rolloutPausedAt": "yesterday"}, (500, "unknown_error")),
        ({"rolloutPercentage": 101}, (400, "invalid_rollout_percentage")),
        ({"rollout_percentage": "half"}, (400, "invalid_rollout_percentage")),
        ({"rolloutPercentageBps": 0.5}, (400, "invalid_rollout_config")),
        ({"rollout_cache_ttl_seconds": 59}, (400, "invalid_rollout_config")),
        ({"autoPauseWindowMinutes": 0}, (400, "invalid_rollout_config")),
        ({"autoPauseMinAttempts": -1}, (400, "invalid_rollout_config")),
        ({"autoPauseMinAttempts": None}, OK),
        ({"autoPauseConfidence": 1}, (400, "invalid_auto_pause_confidence")),
        ({"auto_pause_action": "stop"}, (400, "invalid_auto_pause_action")),
        ({"updatePackage": "delta"}, OK),
    ],
)
async def test_settings_are_checked_unevenly(
    sandbox: Caller, settings: dict[str, object], expected: tuple[int, str] | dict[str, str]
) -> None:
    """Some bad settings are refused with a code, others break the call."""
    assert await _set(sandbox, "beta", **settings) == expected


async def test_missing_channel_name_breaks_the_call(sandbox: Caller) -> None:
    """A channel without a name is an unknown error rather than a refusal."""
    assert code(await sandbox.ask("POST /channel", {"app_id": APP})) == (500, "unknown_error")


async def test_rollout_settings_have_two_spellings(sandbox: Caller) -> None:
    """A snake_case alias is read unless the camelCase name is there; basis points win over percent."""
    sent = {"rollout_percentage_bps": 700, "rolloutPercentage": 50, "rollout_enabled": True, "rolloutEnabled": False}
    assert await _set(sandbox, "beta", rolloutVersion="2.3.0", **sent) == OK
    channel = await _channel(sandbox, "beta")
    assert (channel["rolloutPercentageBps"], channel["rolloutEnabled"]) == (700, False)
    assert channel["rollout_version_info"]["name"] == "2.3.0"
    assert await _set(sandbox, "beta", rollout_percentage=12.5, rollout_paused=True, rollout_pause_reason="wait") == OK
    channel = await _channel(sandbox, "beta")
    assert channel["rolloutPercentageBps"] == 1250
    assert channel["rolloutPausedAt"]
    assert channel["rolloutPauseReason"] == "wait"


async def test_rollout_ends_in_promotion_or_rollback(sandbox: Caller) -> None:
    """Promotion serves the rollout's bundle to all, rollback drops it; both end the rollout."""
    assert await _set(sandbox, "beta", rolloutVersion="2.3.0", rolloutPercentage=10) == OK
    assert await _set(sandbox, "beta", promoteToStable=True) == OK
    channel = await _channel(sandbox, "beta")
    assert (channel["version"]["name"], channel["rollout_version"], channel["rolloutPercentageBps"]) == (
        "2.3.0", None, 0,
    )  # fmt: skip
    assert await _set(sandbox, "beta", promoteToStable=True) == (400, "missing_rollout_version")
    assert await _set(sandbox, "staging", rollback=True) == OK
    assert (await _channel(sandbox, "staging"))["version"]["name"] == "2.2.8"


async def test_rollout_needs_a_channel_and_a_stable_bundle(sandbox: Caller) -> None:
    """A rollout cannot start on a new channel, nor beside no stable bundle."""
    assert await _set(sandbox, "fresh", rolloutVersion="2.3.0") == (400, "cannot_find_channel")
    await _set(sandbox, "fresh")
    assert await _set(sandbox, "fresh", rolloutVersion="2.3.0") == (400, "missing_stable_version")


async def test_public_channel_is_one_per_platform(sandbox: Caller) -> None:
    """A channel that becomes public takes the flag from those it shares a platform with."""
    assert await _set(sandbox, "dev", android=False, electron=False) == OK
    assert await _set(sandbox, "production", ios=False) == OK
    assert await _set(sandbox, "dev", public=True) == OK
    assert (await _channel(sandbox, "production"))["public"] is True
    assert await _set(sandbox, "beta", public=True) == OK
    assert [(await _channel(sandbox, name))["public"] for name in ("production", "dev", "beta")] == [False, False, True]


async def test_public_with_one_platform_switches_electron_off(sandbox: Caller) -> None:
    """Publishing with ios but without android writes electron false, though true is asked for; nobody can read it."""
    assert await _set(sandbox, "beta", public=True, ios=True, electron=True) == OK
    assert sandbox.state.channels[2]["electron"] is False
    assert not {"ios", "android", "electron"} & set(await _channel(sandbox, "beta"))


async def test_deleting_a_channel_unpins_its_devices(sandbox: Caller) -> None:
    """Overrides go with the channel; a delete_bundle in the query is ignored."""
    assert (await sandbox.ask(f"DELETE /channel?app_id={APP}&channel=beta&delete_bundle=true")).json() == OK
    device = await sandbox.ask("GET /device", {"app_id": APP, "device_id": DEVICE})
    assert "channel" not in device.json()
    assert sandbox.state.bundle_named(APP, "2.3.0-beta.6")


def _preview_key(state: State) -> str:
    org_id = state.apps[APP]["owner_org"]
    value = "5a4db0cc-0000-4000-8000-0000000000ff"
    key = new_key(state, "Previews", value, state.keys[1]["user_id"], [binding("app_preview", org_id, APP)])
    state.keys[key["id"]] = key
    return value


async def test_preview_key_cleans_up_after_itself(sandbox: Caller) -> None:
    """A preview key lists no channels, and deletes the channel it made together with its bundle."""
    key = _preview_key(sandbox.state)
    bundle = {"app_id": APP, "version": "0.0.1-pr.9", "external_url": "https://example.com/9.zip", "checksum": "c"}
    made = (await sandbox.ask("POST /bundle", bundle, key=key)).json()["bundle"]
    mine = {"app_id": APP, "channel": "pr-9"}
    assert (await sandbox.ask("POST /channel", mine, key=key)).json() == OK
    await sandbox.ask("POST /channel", {**mine, "version": "0.0.1-pr.9"})
    assert code(await sandbox.ask("GET /channel", mine, key=key)) == (400, "cannot_access_app")
    other = {"app_id": APP, "channel": "beta", "delete_bundle": True}
    assert code(await sandbox.ask("DELETE /channel", other, key=key)) == (400, "cannot_access_app")
    assert (await sandbox.ask("DELETE /channel", {**mine, "delete_bundle": True}, key=key)).json() == OK
    assert sandbox.state.bundles[made["id"]]["deleted"]


@pytest.mark.parametrize("version", ["v1.0.0", "1.2", "1.0.0-", "01.0.0", "latest"])
async def test_new_bundle_needs_strict_semver(sandbox: Caller, version: str) -> None:
    """A bundle is not registered under a name that is no semantic version."""
    bundle = {"app_id": APP, "version": version, "external_url": "https://example.com/b.zip", "checksum": "c"}
    assert code(await sandbox.ask("POST /bundle", bundle)) == (400, "invalid_version_format")


async def test_encryption_can_be_enforced(sandbox: Caller) -> None:
    """An organization may demand encrypted bundles, of one key."""
    org = sandbox.state.orgs[sandbox.state.apps[APP]["owner_org"]]
    org.update(enforce_encrypted_bundles=True, required_encryption_key="k" * 20)
    bundle = {"app_id": APP, "version": "3.0.0", "external_url": "https://example.com/b.zip", "checksum": "c"}
    assert code(await sandbox.ask("POST /bundle", bundle)) == (400, "encryption_required")
    bundle["session_key"] = "s"
    assert code(await sandbox.ask("POST /bundle", bundle)) == (400, "encryption_key_required")
    assert code(await sandbox.ask("POST /bundle", {**bundle, "key_id": "x"})) == (400, "encryption_key_mismatch")
    assert (await sandbox.ask("POST /bundle", {**bundle, "key_id": "k" * 20})).status_code == 200


async def test_metadata_needs_something_to_set(sandbox: Caller) -> None:
    """Link and comment are set, or there is nothing to do."""
    about = {"app_id": APP, "version_id": 125}
    assert code(await sandbox.ask("POST /bundle/metadata", about)) == (400, "no_fields_to_update")
    assert (await sandbox.ask("POST /bundle/metadata", {**about, "comment": None})).json() == OK
    assert sandbox.state.bundles[125]["comment"] is None


@pytest.mark.parametrize("version", [{}, {"version": ""}, {"version": None}, {"bundle": "1.0.0"}])
async def test_deleting_no_version_deletes_all(sandbox: Caller, version: dict[str, str | None]) -> None:
    """A delete that names no version takes every bundle no channel uses, and keeps the others."""
    assert (await sandbox.ask(f"DELETE /bundle?version=1.0.0&app_id={APP}", {"app_id": APP, **version})).json() == OK
    left = {b["name"] for b in sandbox.state.bundles.values() if b["app_id"] == APP and not b["deleted"]}
    assert {"2.2.8", "2.3.0-beta.6", "2.3.0"} <= left
    assert "1.0.0" not in left


async def test_developer_deploys_and_deletes_nothing(sandbox: Caller) -> None:
    """A developer puts bundles on channels by id, and may neither change settings nor delete."""
    link = {"app_id": APP, "version_id": 1, "channel_id": 2}
    assert (await sandbox.ask("PUT /bundle", link, key=DEVELOPER_KEY)).json()["status"] == "success"
    settings = {"app_id": APP, "channel": "beta", "version": "1.0.0"}
    assert code(await sandbox.ask("POST /channel", settings, key=DEVELOPER_KEY)) == (400, "cannot_access_app")
    gone = {"app_id": APP, "version": "1.0.0"}
    assert code(await sandbox.ask("DELETE /bundle", gone, key=DEVELOPER_KEY)) == (400, "cannot_delete_bundle")


@pytest.mark.parametrize("order", [None, "asc", "desc"])
async def test_cursor_walks_every_device_once(sandbox: Caller, order: str | None) -> None:
    """Following the cursor gives each device once, whatever the order; the page number changes nothing."""
    query: dict[str, Any] = {"app_id": APP, "limit": 70, "page": 3} | ({"order": order} if order else {})
    seen: list[str] = []
    more = True
    while more:
        page = (await sandbox.ask("GET /device", query)).json()
        seen += [device["device_id"] for device in page["data"]]
        more = page["hasMore"]
        assert more == ("nextCursor" in page)
        query["cursor"] = page.get("nextCursor")
    assert len(seen) == len(set(seen)) == 260


@pytest.mark.parametrize("limit", ["", "0", "-1", "1.5", "many"])
async def test_device_limit_is_checked(sandbox: Caller, limit: str) -> None:
    """A limit that is no positive whole number is refused."""
    assert code(await sandbox.ask("GET /device", {"app_id": APP, "limit": limit})) == (400, "invalid_limit")


async def test_device_filters_are_checked(sandbox: Caller) -> None:
    """A time that is none is refused, a cursor without a bar ignored."""
    bad_time = await sandbox.ask("GET /device", {"app_id": APP, "updated_at": "soon"})
    assert code(bad_time) == (400, "invalid_updated_at")
    assert len((await sandbox.ask("GET /device", {"app_id": APP, "cursor": "nonsense"})).json()["data"]) == 50


async def test_only_a_single_device_shows_its_country(sandbox: Caller) -> None:
    """A list knows no countries; a lookup does, finds upper-case ids and shows the override."""
    listed = (await sandbox.ask("GET /device", {"app_id": APP})).json()["data"]
    single = (await sandbox.ask("GET /device", {"app_id": APP, "device_id": DEVICE.upper()})).json()
    assert {device["country_code"] for device in listed} == {None}
    assert (single["country_code"], single["channel"]) == ("SE", "beta")


async def test_unknown_device_can_be_pinned(sandbox: Caller, clock: Clock) -> None:
    """An override is stored for a device nobody has seen, in lower case; without a channel nothing happens."""
    pin = {"app_id": APP, "device_id": "NEW-DEVICE"}
    assert (await sandbox.ask("POST /device", pin)).json() == OK
    assert (APP, "new-device") not in sandbox.state.overrides
    assert (await sandbox.ask("POST /device", {**pin, "channel": "beta"})).json() == OK
    assert sandbox.state.overrides[APP, "new-device"]["channel_id"] == 2
    clock.time += 2
    assert (await sandbox.ask("DELETE /device", pin)).json() == OK
    assert (APP, "new-device") not in sandbox.state.overrides
