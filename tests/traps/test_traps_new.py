"""The traps that came after July, N1 to N12: what misleads there cannot hurt a user here."""

import time
from functools import partial
from typing import Any

import pytest

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.sandbox import DEVELOPER_KEY, State, seeded
from capgo_mcp.sandbox.seed.fleet import PINNED_DEVICE
from tests.traps.conftest import Scene

APP = "com.demo.app"
STAGING = {"app_id": APP, "channel": "staging"}
STABLE = {"version_id": 117, "channel_id": 3}


@pytest.fixture
def state() -> State:
    """A sandbox of today, where these traps are; what an older one does, a test says by itself."""
    return seeded()


@pytest.mark.parametrize("behaviour", Behaviour)
@pytest.mark.parametrize(
    ("tool", "given"),
    [("capgo_set_channel", {"channel": "staging", "version": "2.2.7"}), ("capgo_set_bundle_channel", STABLE)],
)
async def test_n1_a_stable_write_says_what_becomes_of_the_rollout(
    scene: Scene, tool: str, given: dict[str, Any], behaviour: Behaviour
) -> None:
    """Current servers end the rollout, older ones let it run on: the answer tells which of the two happened."""
    scene.state.behaviour = behaviour
    answer = await scene.call(tool, app_id=APP, **given)
    ended = behaviour is Behaviour.NOVEMBER
    assert ("This ended the rollout of" if ended else 'The rollout of "2.3.0" goes on') in answer["note"]
    assert (scene.state.channels[3]["rollout_version"] is None) is ended


async def test_n2_a_rollout_that_is_switched_off_is_said_to_be_forgotten(scene: Scene) -> None:
    """Whoever goes on later has to name the bundle again, and the undo does."""
    answer = await scene.call("capgo_set_rollout", **STAGING, action="off")
    assert "forgot the rollout's bundle" in answer["note"]
    for call in answer["undo"]:
        await scene.call(call["tool"], **call["arguments"])
    assert scene.state.channels[3]["rollout_version"] == (scene.state.bundle_named(APP, "2.3.0") or {})["id"]


async def test_n3_a_bundle_is_put_on_a_channel_as_its_stable_one(scene: Scene) -> None:
    """Without a target, one Capgo would replace what everybody has and another one only the candidate."""
    await scene.call("capgo_set_bundle_channel", app_id=APP, **STABLE)
    assert scene.sent("PUT") == [{"app_id": APP, **STABLE, "target": "stable"}]


async def test_n4_a_pin_is_told_to_end(scene: Scene) -> None:
    """Whoever pins a device, or asks why it gets a bundle, hears that the pin ends 90 days after it was last set."""
    device = {"app_id": APP, "device_id": PINNED_DEVICE}
    assert "90 days" in str(await scene.call("capgo_explain_device", **device))
    pinned = await scene.call("capgo_set_device_channel", **device, channel="internal")
    assert "ends in 90 days" in pinned["note"]
    for days, channel in ((89, "internal"), (90, None)):
        scene.state.clock = partial(lambda ahead: time.time() + ahead, days * 86_400)
        assert (await scene.call("capgo_get_device", **device)).get("channel") == channel


@pytest.mark.parametrize("target", [None, {}, ""])
async def test_n5_an_update_check_without_target_wakes_nobody(scene: Scene, target: Any) -> None:
    """Capgo takes it for a broadcast to every device, so it is never sent."""
    error = await scene.refused("capgo_trigger_update_check", app_id=APP, target=target, confirm=True)
    assert error.startswith("[invalid_arguments]")
    assert scene.requests == []


async def test_n6_settings_that_are_not_named_are_sent_as_they_are(scene: Scene) -> None:
    """Capgo resets what is left out of the notification settings."""
    await scene.call("capgo_update_notification_settings", app_id=APP, push_update_install_mode="set", confirm=True)
    (sent,) = scene.sent("PUT")
    settings = {"pushUpdateEnabled": True, "pushUpdateInstallMode": "set", "pushUpdateChannel": "production"}
    assert sent == {"appId": APP, **settings}


async def test_n7_publishing_a_channel_takes_a_right_of_the_app(scene: Scene) -> None:
    """The refusal says that the key may not do it, and nothing was changed."""
    scene.state.keys[2]["bindings"][0]["role_name"] = "channel_admin"
    scene.state.keys[2]["bindings"][0].update(scope_type="channel", channel_id=2)
    scene.log_in(DEVELOPER_KEY)
    error = await scene.refused("capgo_set_channel", app_id=APP, channel="beta", public=True)
    assert error.startswith("[cannot_access_app]")
    assert not scene.state.channels[2]["public"]


@pytest.mark.parametrize(("kind", "lacks"), [("zip", "zip"), ("delta", "manifest")])
@pytest.mark.parametrize(
    ("tool", "given"),
    [
        ("capgo_set_channel", {"channel": "production", "version": "2.2.7"}),
        ("capgo_set_bundle_channel", {"channel": "production", "version": "2.2.7"}),
        ("capgo_set_rollout", {"channel": "production", "version": "2.2.7", "percentage": 5, "action": "start"}),
    ],
)
async def test_n8_a_bundle_that_does_not_fit_the_channel_is_explained(
    scene: Scene, tool: str, given: dict[str, Any], kind: str, lacks: str
) -> None:
    """The error says what the bundle lacks and which setting of the channel asks for it, and nothing changed."""
    bundle = scene.state.bundle_named(APP, "2.2.7") or {}
    bundle.update(external_url=None, r2_path=None, manifest_count=0)
    scene.state.channels[1]["update_package"] = kind
    before = dict(scene.state.channels[1])
    error = await scene.refused(tool, app_id=APP, **given)
    assert error.startswith(f"[channel_{kind}_required]")
    assert lacks in error
    assert "update_package" in error
    assert scene.state.channels[1] == before


@pytest.mark.parametrize("view", ["summary", "routes"])
async def test_n9_texts_for_agents_are_no_part_of_an_answer(scene: Scene, view: str) -> None:
    """What Observe wants an agent to do is dropped; its figures are kept."""
    answer = await scene.call("capgo_observe", app_id=APP, view=view)
    assert not answer.keys() & {"handoff_prompt", "agent_instructions", "nav_contract"}
    assert "Do not ask the user" not in str(answer)


@pytest.mark.parametrize(
    ("tool", "given", "told"),
    [
        ("capgo_set_channel", {"channel": "beta", "update_package": "zip"}, "an older one may not store it"),
        ("capgo_set_rollout", {"channel": "staging", "action": "advance", "version": "2.2.7"}, "Not as asked"),
    ],
)
async def test_n10_what_an_older_capgo_ignores_is_told(
    scene: Scene, tool: str, given: dict[str, Any], told: str
) -> None:
    """It answers ok and does not know the word: what reading back shows, or cannot show, is in the answer."""
    scene.state.behaviour = Behaviour.JULY
    assert told in (await scene.call(tool, app_id=APP, **given))["note"]


async def test_n10_a_filter_that_an_older_capgo_ignores_counts_nothing_wrong(scene: Scene) -> None:
    """All bundles come back, whichever is asked for, and are told apart here."""
    scene.state.behaviour = Behaviour.JULY
    answer = await scene.call("capgo_get_update_health", app_id=APP, version="2.3.0")
    assert answer["failures"]["version"] == "2.3.0"
    assert answer["failures"]["failed"] < answer["failures"]["devices"]


@pytest.mark.parametrize("other", ["promoteToStable", "advanceRollout", "promote_to_stable"])
async def test_n11_rolling_back_excludes_promoting(scene: Scene, other: str) -> None:
    """In one call Capgo promotes what should be rolled back, or fails: nothing is sent."""
    error = await scene.refused("capgo_set_rollout", **STAGING, rollback=True, **{other: True})
    assert "one action" in error
    assert scene.requests == []


async def test_n12_a_candidate_is_never_placed_paused_in_one_call(scene: Scene) -> None:
    """Capgo clears the pause in the write that changes the target, so that the candidate would be live."""
    error = await scene.refused(
        "capgo_set_rollout", **STAGING, action="start", version="2.2.7", percentage=5, paused_at="2026-11-01T00:00:00Z"
    )
    assert "start takes no paused_at" in error
    flags = await scene.refused(
        "capgo_set_rollout", **STAGING, rolloutVersion="2.2.7", rolloutEnabled=True, rolloutPaused=True
    )
    assert "one action" in flags
    assert scene.requests == []
