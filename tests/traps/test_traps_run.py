"""What driving the real handlers showed, R1 to R13: what misleads there cannot hurt a user here."""

from typing import Any

import httpx2
import pytest

from capgo_mcp.api.rights import UNASSIGNABLE
from capgo_mcp.sandbox import DEVELOPER_KEY, UPLOADER_KEY
from capgo_mcp.sandbox.rights import binding
from tests.traps.conftest import Scene

APP = "com.demo.app"
ORG = "11111111-0000-4000-8000-000000000001"
STAGING = {"app_id": APP, "channel": "staging"}


async def test_r1_an_undo_never_makes_a_paused_bundle_live(scene: Scene) -> None:
    """On the whole way back, no device gets the bundle that was stopped; at its end the rollout is paused as it was."""
    await scene.call("capgo_set_rollout", **STAGING, action="pause", pause_reason="crashes")
    answer = await scene.call("capgo_set_rollout", **STAGING, action="drop")
    channel = scene.state.channels[3]
    for call in answer["undo"]:
        await scene.call(call["tool"], **call["arguments"])
        live = channel["rollout_enabled"] and channel["rollout_version"] and not channel["rollout_paused_at"]
        assert not live or channel["rollout_percentage_bps"] == 0
    assert channel["rollout_paused_at"]
    assert (channel["rollout_pause_reason"], channel["rollout_percentage_bps"]) == ("crashes", 2500)


async def test_r2_the_last_super_admin_is_confirmed_by_the_name_of_the_organization(scene: Scene) -> None:
    """Capgo deletes the organization with them, and answers ok: nothing goes before its name was said."""
    member = {"org_id": ORG, "email": "mira@example.com"}
    answer = await scene.call("capgo_remove_member", **member, confirm=True)
    assert not answer["done"]
    assert "deletes the whole organization" in answer["ask"]
    assert answer["preview"]["facts"]["apps"] == 2
    assert ORG in scene.state.orgs
    await scene.refused("capgo_remove_member", **member, confirm=True, confirm_name="Harbor Bikes")
    assert scene.sent("DELETE") == []


async def test_r3_pins_are_read_in_pages_that_have_them(scene: Scene) -> None:
    """Above 200 devices a page comes back without pins and without a word: none is asked for so large."""
    answer = await scene.call("capgo_list_devices", app_id=APP, limit=1000, fields=["channel"])
    assert sum("channel" in row for row in answer["items"]) == len(scene.state.overrides)
    assert max(int(one.url.params["limit"]) for one in scene.requests) <= 150


@pytest.mark.parametrize(
    ("tool", "given"), [("capgo_delete_bundle", {"version": "1.0.0"}), ("capgo_delete_channel", {"channel": "qa"})]
)
async def test_r4_who_may_delete_is_named(scene: Scene, tool: str, given: dict[str, Any]) -> None:
    """An admin of the organization may not, and hears who may."""
    scene.state.keys[2]["bindings"] = [binding("org_admin", ORG)]
    scene.log_in(DEVELOPER_KEY)
    error = await scene.refused(tool, app_id=APP, **given, confirm=True)
    assert "app_admin, org_super_admin" in error
    assert "org_admin" not in error


async def test_r5_a_402_is_not_blamed_on_the_plan(scene: Scene) -> None:
    """A key with roles of an app gets one, paying or not; the hint names a role that can be given."""
    scene.log_in(UPLOADER_KEY)
    error = await scene.refused("capgo_get_bundle_usage", app_id=APP, from_date="2026-11-01", to_date="2026-11-02")
    assert "org_member" in error
    assert not any(role in error for role in UNASSIGNABLE)


async def test_r6_a_rollout_on_a_new_channel_is_explained(scene: Scene) -> None:
    """The channel has to exist and to serve something first; the hint says how."""
    error = await scene.refused(
        "capgo_set_rollout", app_id=APP, channel="weekly", action="start", version="2.3.0", percentage=5
    )
    assert error.startswith("[cannot_find_channel]")
    assert "capgo_set_channel" in error


async def test_r7_creating_a_channel_takes_a_right_of_its_own(scene: Scene) -> None:
    """A developer may create channels and not change them: the hint says which right does what."""
    scene.log_in(DEVELOPER_KEY)
    assert (await scene.call("capgo_set_channel", app_id=APP, channel="weekly", create=True))["done"]
    error = await scene.refused("capgo_set_channel", app_id=APP, channel="weekly", allow_dev=False)
    assert "channel.update_settings" in error
    assert "app.create_channel" in error


async def test_r8_what_was_null_is_said_not_to_come_back(scene: Scene) -> None:
    """Null is told by Capgo, so it is known that there was nothing; what cannot be set to nothing again is named."""
    scene.state.orgs[ORG]["website"] = None
    answer = await scene.call("capgo_update_organization", org_id=ORG, website="https://lighthouse.example.com")
    assert "does not bring back: website" in answer["note"]
    pause = await scene.call("capgo_set_rollout", **STAGING, action="pause", pause_reason="crashes")
    for call in pause["undo"]:
        await scene.call(call["tool"], **call["arguments"])
    assert scene.state.channels[3]["rollout_pause_reason"] is None


async def test_r9_a_key_without_an_expiry_is_good_elsewhere(scene: Scene) -> None:
    """One organization refuses it: the hint says so, and the next call is made."""
    scene.state.orgs[ORG]["require_apikey_expiration"] = True
    error = await scene.refused("capgo_get_organization", org_id=ORG)
    assert error.startswith("[org_requires_expiring_key]")
    assert "works for other organizations" in error
    await scene.call("capgo_get_app", app_id=APP)


@pytest.mark.parametrize("tool", ["capgo_list_audit_log", "capgo_list_webhooks"])
async def test_r10_an_id_that_is_none_never_reaches_capgo(scene: Scene, tool: str) -> None:
    """It would stumble over it, and answer with a server error that says nothing."""
    assert "UUID" in await scene.refused(tool, org_id="zz")
    assert scene.requests == []


@pytest.mark.parametrize("path", ["/organization/audit", "/webhooks"])
async def test_r10_the_sandbox_stumbles_as_capgo_does(scene: Scene, path: str) -> None:
    """An id that is none is a server error there, and a missing app is an invalid body."""
    key = {"authorization": scene.state.keys[1]["key"]}
    async with httpx2.AsyncClient(transport=scene, base_url="http://sandbox.invalid", headers=key) as client:
        stumbled = await client.get(path, params={"orgId": "zz"})
        missing = await client.get("/notifications/settings")
    assert (stumbled.status_code, stumbled.json()["error"]) == (500, "unknown_error")
    assert (missing.status_code, missing.json()["error"]) == (400, "invalid_body")


@pytest.mark.parametrize(
    "code",
    [
        "missing_stable_version",
        "invalid_auto_pause_confidence",
        "invalid_version_format",
        "invalid_updated_at",
        "cannot_update_bundle_metadata",
        "cannot_access_channel",
        "organization_member_not_found",
        "invalid_url",
    ],
)
@pytest.mark.parametrize("words", ["Some words", "", "Andere Worte"])
async def test_r11_an_error_is_told_by_its_code_whatever_its_words(scene: Scene, code: str, words: str) -> None:
    """Capgo's texts differ from one server to the next, and so do their details: none decides or is shown."""
    more = {"supabaseError": {"message": words or "x", "code": "23514"}, "channel": words}
    scene.answer = lambda _: httpx2.Response(400, json={"error": code, "message": words, "moreInfo": more})
    error = await scene.refused("capgo_list_channels", app_id=APP)
    assert error.startswith(f"[{code}] ")
    assert not words or words not in error


@pytest.mark.parametrize(
    "given",
    [{"rollback": True}, {"action": "pause"}, {"action": "widen", "percentage": 50}, {"rolloutPaused": True}],
)
async def test_r12_what_does_nothing_is_not_called_done(scene: Scene, given: dict[str, Any]) -> None:
    """Without a rollout Capgo answers ok, and a pause would stop the next one: nothing is sent, and that is said."""
    before = dict(scene.state.channels[1])
    answer = await scene.call("capgo_set_rollout", app_id=APP, channel="production", **given)
    assert (answer["done"], answer["changed"]) == (False, "nothing")
    assert scene.sent("POST") == []
    assert scene.state.channels[1] == before


async def test_r12_a_share_without_a_switch_reaches_somebody(scene: Scene) -> None:
    """Capgo takes a candidate and its share, answers ok, and serves it to nobody: here that starts the rollout."""
    answer = await scene.call(
        "capgo_set_rollout", app_id=APP, channel="production", rolloutVersion="2.3.0", rolloutPercentage=10
    )
    assert answer["done"]
    assert scene.sent("POST")[0]["rolloutEnabled"] is True
    channel = scene.state.channels[1]
    assert (channel["rollout_enabled"], channel["rollout_percentage_bps"]) == (True, 1000)


@pytest.mark.parametrize("limit", [7, 50, 150, 1000])
async def test_r13_a_walk_brings_every_device_once(scene: Scene, limit: int) -> None:
    """With any limit, also where all of them were last seen in the same moment."""
    for row in scene.state.devices.values():
        row["updated_at"] = "2026-11-20 10:00:00+00"
    seen: list[str] = []
    cursor: str | None = None
    while True:
        answer = await scene.call(
            "capgo_list_devices", app_id=APP, limit=limit, **({"cursor": cursor} if cursor else {})
        )
        seen += [row["device_id"] for row in answer["items"]]
        cursor = answer.get("next")
        if cursor is None:
            break
    assert sorted(seen) == sorted(device for app, device in scene.state.devices if app == APP)
