"""The first half of the API's traps, T1 to T18: what misleads there cannot hurt a user here."""

from typing import Any

import httpx2
import pytest

from capgo_mcp.api.behaviour import Behaviour
from tests.traps.conftest import Scene

APP = "com.demo.app"


@pytest.mark.parametrize("version", [None, "", "  ", "builtin", "unknown"])
async def test_t1_an_absent_or_empty_version_never_becomes_all(scene: Scene, version: str | None) -> None:
    """Deleting one bundle without naming it is refused before anything is sent."""
    error = await scene.refused("capgo_delete_bundle", app_id=APP, version=version, confirm=True)
    assert error.startswith("[invalid_arguments]")
    assert scene.requests == []


@pytest.mark.parametrize("wrong", ["bundle", "versoin", "name"])
async def test_t1_a_misspelt_version_never_becomes_all(scene: Scene, wrong: str) -> None:
    """Neither delete tool takes an argument that looks like a version but is none."""
    for tool in ("capgo_delete_bundle", "capgo_delete_all_bundles"):
        await scene.refused(tool, app_id=APP, confirm=True, confirm_name="Demo app", **{wrong: "2.2.7"})
    assert scene.requests == []


async def test_t1_deleting_all_refuses_a_version(scene: Scene) -> None:
    """Who names a version does not want to delete all of them."""
    error = await scene.refused("capgo_delete_all_bundles", app_id=APP, version="2.2.7", confirm=True)
    assert "capgo_delete_bundle" in error
    assert scene.requests == []


async def test_t1_deleting_one_sends_one_well_formed_body(scene: Scene) -> None:
    """App and version travel together in the body, so that the query cannot be read instead."""
    await scene.call("capgo_delete_bundle", app_id=APP, version="2.1.0", confirm=True)
    assert scene.sent("DELETE") == [{"app_id": APP, "version": "2.1.0"}]
    assert not scene.last.url.query


async def test_t2_deleting_a_channel_sends_the_app(scene: Scene) -> None:
    """The original page forgets app_id, the backend wants it."""
    await scene.call("capgo_delete_channel", app_id=APP, channel="qa", confirm=True)
    assert scene.sent("DELETE") == [{"app_id": APP, "channel": "qa"}]


@pytest.mark.parametrize("seconds", [0, 30, 45, 86_399])
async def test_t3_a_retention_under_a_day_needs_consent(scene: Scene, seconds: int) -> None:
    """The pages' 30 "days" are half a minute, so nothing is sent before the user has agreed."""
    answer = await scene.call("capgo_update_app", app_id=APP, retention=seconds)
    assert not answer["done"]
    assert "seconds" in answer["ask"]
    assert scene.sent("PUT") == []
    await scene.call("capgo_update_app", app_id=APP, retention=seconds, confirm=True)
    assert scene.state.apps[APP]["retention"] == seconds


async def test_t3_a_longer_retention_needs_no_consent(scene: Scene) -> None:
    """A value that keeps bundles longer is sent at once."""
    assert (await scene.call("capgo_update_app", app_id=APP, retention=5_184_000))["done"]


async def test_t4_version_id_of_a_device_is_explained(scene: Scene) -> None:
    """The error says what Capgo does with version_id and what to do instead."""
    error = await scene.refused("capgo_set_device_channel", app_id=APP, device_id="x", version_id="2.2.7")
    assert "invalid_version_id" in error
    assert "capgo_set_channel" in error
    assert scene.requests == []


@pytest.mark.parametrize("tool", ["capgo_list_bundles", "capgo_list_channels"])
@pytest.mark.parametrize("limit", [7, 50, 60, 1000])
async def test_t5_overlapping_pages_bring_each_row_once(scene: Scene, tool: str, limit: int) -> None:
    """Walking with any limit gives every row exactly once, although Capgo's pages overlap."""
    names: list[str] = []
    page: int | None = 0
    while page is not None:
        answer = await scene.call(tool, app_id=APP, page=page, limit=limit)
        names += [row["name"] for row in answer["items"]]
        page = answer.get("next")
    rows = scene.state.bundles if tool == "capgo_list_bundles" else scene.state.channels
    expected = [row["name"] for row in rows.values() if row["app_id"] == APP and not row.get("deleted")]
    assert sorted(names) == sorted(expected)


@pytest.mark.parametrize("page", [0, 3, 99])
async def test_t6_an_empty_bundle_page_is_an_empty_list(scene: Scene, page: int) -> None:
    """Capgo answers 400 for a page without bundles; here it is a list without items."""
    scene.state.bundles.clear()
    assert (await scene.call("capgo_list_bundles", app_id=APP, page=page))["items"] == []


async def test_t6_a_bundle_page_without_permission_stays_an_error(scene: Scene) -> None:
    """The same code with another message is a refusal."""
    assert "[cannot_get_bundle]" in await scene.refused("capgo_list_bundles", app_id="com.unknown.app")


async def test_t7_devices_walk_by_cursor_and_refuse_page(scene: Scene) -> None:
    """A loop over pages would never end, so page is refused and the cursor is told."""
    assert "cursor" in await scene.refused("capgo_list_devices", app_id=APP, page=1)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        answer = await scene.call("capgo_list_devices", app_id=APP, limit=100, cursor=cursor)
        seen += [device["device_id"] for device in answer["items"]]
        cursor = answer.get("next")
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == sum(app == APP for app, _ in scene.state.devices)


@pytest.mark.parametrize("mode", [False, "false", None])
async def test_t8_custom_id_mode_is_left_out_when_false(scene: Scene, mode: Any) -> None:
    """Capgo takes any text for true, so false is not sent."""
    await scene.call("capgo_list_devices", app_id=APP, custom_id_mode=mode)
    assert "customIdMode" not in scene.last.url.params


async def test_t9_organizations_refuse_page(scene: Scene) -> None:
    """An older Capgo refuses every page but the first: the list says that there may be more."""
    scene.state.behaviour = Behaviour.JULY
    assert "first 50" in (await scene.call("capgo_list_organizations", page=1))["note"]


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("capgo_list_apps", {}),
        ("capgo_list_channels", {"app_id": APP}),
        ("capgo_list_bundles", {"app_id": APP}),
        ("capgo_list_organizations", {}),
        ("capgo_list_api_keys", {}),
        ("capgo_get_app", {"app_id": APP}),
    ],
)
async def test_t10_envelopes_are_read_with_and_without(
    scene: Scene, tool: str, arguments: dict[str, Any], *, wrapped: bool
) -> None:
    """The pages wrap answers in `data`, the wire does not: both give the same facts."""
    row = {"id": 1, "app_id": APP, "name": "x"}
    body: Any = row if tool == "capgo_get_app" else [row]
    scene.answer = lambda _: httpx2.Response(200, json={"data": body} if wrapped else body)
    facts = await scene.call(tool, **arguments)
    assert facts.get("items", [facts])[0]["name"] == "x"


async def test_t11_the_key_travels_in_one_header_that_every_route_reads(scene: Scene) -> None:
    """A UUID key goes raw into authorization: no Bearer, no x-api-key."""
    await scene.call("capgo_list_apps")
    assert not scene.last.headers["authorization"].startswith("Bearer")
    assert not {"x-api-key", "capgkey"} & set(scene.last.headers)


async def test_t12_deleting_a_channel_never_offers_its_bundle(scene: Scene) -> None:
    """delete_bundle works for preview keys only and is ignored in the query, so no tool has it."""
    await scene.refused("capgo_delete_channel", app_id=APP, channel="qa", delete_bundle=True, confirm=True)
    assert scene.requests == []


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("capgo_set_channel", {"app_id": APP}),
        ("capgo_set_channel", {"app_id": APP, "channel": ""}),
        ("capgo_set_channel", {"app_id": APP, "channel": "beta", "public": "maybe"}),
        ("capgo_set_channel", {"app_id": APP, "channel": "beta", "disable_auto_update": "sometimes"}),
        ("capgo_set_channel", {"app_id": APP, "channel": "beta", "rollout_percentage_bps": 20_000}),
        ("capgo_set_device_channel", {"app_id": APP, "device_id": 5, "channel": "beta"}),
        ("capgo_get_build_status", {"job_id": "x"}),
        ("capgo_update_app", {"app_id": APP, "retention": "soon"}),
    ],
)
async def test_t13_wrong_input_is_told_before_it_is_sent(scene: Scene, tool: str, arguments: dict[str, Any]) -> None:
    """What Capgo would answer with 500 is one sentence here."""
    assert (await scene.refused(tool, **arguments)).startswith("[invalid_arguments]")
    assert scene.requests == []


async def test_t13_an_unknown_version_is_explained(scene: Scene) -> None:
    """Only Capgo can know that a version does not exist; its 500 says so here, and is not repeated."""
    error = await scene.refused("capgo_set_channel", app_id=APP, channel="beta", version="77.0.0")
    assert "names no bundle" in error
    assert len(scene.sent("POST")) == 1


async def test_t14_a_missing_channel_is_called_a_channel(scene: Scene) -> None:
    """Capgo says that the version is missing when the channel is."""
    assert "no such channel" in await scene.refused("capgo_get_channel", app_id=APP, channel="nope")


async def test_t15_metadata_is_sent_as_the_word_the_database_has(scene: Scene) -> None:
    """The pages' word would end as 500."""
    await scene.call("capgo_set_channel", app_id=APP, channel="beta", disable_auto_update="metadata")
    assert scene.sent("POST")[0]["disableAutoUpdate"] == "version_number"


@pytest.mark.parametrize("version", ["", "builtin", "unknown", "BUILTIN"])
async def test_t16_a_bundle_is_never_detached_by_a_version(scene: Scene, version: str) -> None:
    """Words that Capgo reads as "no bundle" are refused as versions."""
    await scene.refused("capgo_set_channel", app_id=APP, channel="production", version=version)
    assert scene.requests == []


async def test_t16_a_null_version_keeps_the_bundle(scene: Scene) -> None:
    """Null means that nothing was given."""
    await scene.call("capgo_set_channel", app_id=APP, channel="beta", version=None, allow_dev=False)
    assert all("version" not in body for body in scene.sent("POST"))


async def test_t16_detaching_takes_its_own_argument_and_consent(scene: Scene) -> None:
    """A channel's bundle is taken off only when the user has agreed to exactly that."""
    assert not (await scene.call("capgo_set_channel", app_id=APP, channel="qa", detach_bundle=True))["done"]
    assert scene.sent("POST") == []
    await scene.call("capgo_set_channel", app_id=APP, channel="qa", detach_bundle=True, confirm=True)
    assert "version" not in await scene.call("capgo_get_channel", app_id=APP, channel="qa")


async def test_t17_taking_the_default_flag_is_shown_with_its_undo(scene: Scene) -> None:
    """Making a channel public takes the flag from another: the answer names that one and how to give it back."""
    answer = await scene.call("capgo_set_channel", app_id=APP, channel="beta", public=True)
    assert answer["before"]["default_channels"] == ["production"]
    assert answer["undo"][-1]["arguments"] == {"app_id": APP, "channel": "production", "public": True}


async def test_t18_what_cannot_be_read_back_is_said(scene: Scene) -> None:
    """A Capgo that does not show which platforms a channel serves cannot have them set back: that is told."""
    scene.state.behaviour = Behaviour.JULY
    answer = await scene.call("capgo_set_channel", app_id=APP, channel="beta", ios=False)
    assert "ios" in answer["note"]
    preview = (await scene.call("capgo_delete_channel", app_id=APP, channel="beta"))["preview"]
    assert any("platforms" in line for line in preview["unknown"])
