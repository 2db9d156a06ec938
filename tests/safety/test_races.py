"""Nothing is done that was not seen: a state that moved between two calls stops the second one."""

from collections.abc import Callable
from typing import Any, Final

import pytest

from capgo_mcp.api.rollout import OF_THE_RUNNING
from capgo_mcp.sandbox import State
from capgo_mcp.sandbox.seed.fleet import PINNED_DEVICE
from capgo_mcp.sandbox.seed.people import DEMO_APP, LIGHTHOUSE
from tests.support import samples
from tests.support.safety import Facts, desk

AGAINST: Final = "somebody who changes what was shown before it is confirmed"
HOLDS: Final = ("Consent",)
ATTACKER: Final = "a colleague"
ASSET: Final = "the account"
LEAVES: Final = ("There is a moment between the last look and the write",)

Move = Callable[[State, int], object]
"""Something that somebody else does, one of several alike."""


def channel(name: str) -> Move:
    """Somebody moves a channel to another bundle."""
    return lambda state, nth: (state.channel_named(DEMO_APP, name) or {}).update(version=100 + nth)


def again(table: str, of: Any) -> Move:
    """Somebody adds a row like another one."""

    def add(state: State, nth: int) -> None:
        rows = getattr(state, table)
        row = next(row for key, row in rows.items() if of in (key, row.get("app_id")) and not row.get("deleted"))
        key = f"com.sample.app{nth}" if table == "apps" else 9000 + nth
        rows[key] = {**row, "id": key, "app_id": key if table == "apps" else row["app_id"], "name": f"9.9.{nth}"}

    return add


def changed(table: str, key: Any, **values: str) -> Move:
    """Somebody changes a row."""
    return lambda state, nth: getattr(state, table)[key].update({name: f"{text}{nth}" for name, text in values.items()})


def role(state: State, nth: int) -> None:
    """Somebody gives a member another role."""
    del nth
    for member in state.members.values():
        if state.users[member["user_id"]]["email"] == "jonas@example.com":
            member.update(rbac_role="org_admin", role="org_admin", role_name="org_admin")


APP: Final = {"app_id": DEMO_APP}
RACES: Final[dict[str, tuple[Facts, Move]]] = {
    "capgo_delete_channel": ({**APP, "channel": "beta"}, channel("beta")),
    "capgo_set_channel": ({**APP, "channel": "beta", "detach_bundle": True}, channel("beta")),
    "capgo_delete_bundle": ({**APP, "version": "1.0.0"}, changed("bundles", 1, comment="keep it ")),
    "capgo_delete_all_bundles": (APP, again("bundles", DEMO_APP)),
    "capgo_delete_app": (APP, again("channels", DEMO_APP)),
    "capgo_update_app": ({**APP, "retention": 30}, again("bundles", DEMO_APP)),
    "capgo_unset_device_channel": (
        {**APP, "device_id": PINNED_DEVICE},
        lambda state, nth: state.overrides[DEMO_APP, PINNED_DEVICE].update(channel_id=3 + nth),
    ),
    "capgo_delete_organization": ({"org_id": LIGHTHOUSE}, again("apps", DEMO_APP)),
    "capgo_delete_api_key": ({"api_key_id": 3}, changed("keys", 3, name="Other ")),
    "capgo_delete_webhook": (
        {"org_id": LIGHTHOUSE, "webhook_id": samples.BY_NAME["webhook_id"]},
        changed("webhooks", samples.BY_NAME["webhook_id"], url="https://hooks.example.com/"),
    ),
}


@pytest.mark.parametrize("nth", range(1, 6))
@pytest.mark.parametrize("tool", RACES)
async def test_a_state_that_moved_after_the_preview_is_shown_anew(tool: str, nth: int) -> None:
    """The call in after_consent does nothing once what the preview showed has changed, and shows what is so now."""
    arguments, move = RACES[tool]
    async with desk() as here:
        first = await here.facts(tool, **arguments)
        move(here.state, nth)
        second = await here.follow(first["after_consent"])
        assert (second["done"], here.wire.writes) == (False, [])
        assert second["ask"].startswith("What was shown has changed since, so nothing was done.")
        assert second["preview"]["facts"] != first["preview"]["facts"]
        assert second["after_consent"]["arguments"]["seen"] != first["after_consent"]["arguments"]["seen"]


async def test_a_state_that_stayed_has_the_same_mark_in_every_process() -> None:
    """Another process, which shares nothing with the one that showed the preview, knows the mark."""
    async with desk() as here, desk(state=here.state) as other:
        shown = await here.facts("capgo_delete_channel", app_id=DEMO_APP, channel="beta")
        assert (await other.follow(shown["after_consent"]))["done"] is True


@pytest.mark.parametrize("nth", range(1, 11))
@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("capgo_set_channel", {"channel": "production", "version": "2.2.7"}),
        ("capgo_set_channel", {"channel": "production", "public": False}),
        ("capgo_set_rollout", {"channel": "production", "action": "start", "version": "2.3.0", "percentage": 10}),
        ("capgo_set_rollout", {"channel": "production", "action": "auto_pause", "auto_pause_enabled": True}),
        ("capgo_set_bundle_channel", {"channel_id": 1, "version_id": 90}),
    ],
)
async def test_a_channel_that_moved_after_the_plan_is_left_alone(tool: str, arguments: Facts, nth: int) -> None:
    """A call with the version that was planned on is refused once the channel serves another one."""
    async with desk() as here:
        channel("production")(here.state, nth)
        error = await here.error(tool, app_id=DEMO_APP, **arguments, expected_version="2.2.8")
        assert "[state_moved]" in error
        assert "capgo_list_changes" in error
        assert here.wire.writes == []


def rollout(name: str, version: str) -> Move:
    """Somebody begins a rollout, or another one."""

    def begin(state: State, nth: int) -> None:
        bundle = state.bundle_named(DEMO_APP, version) or {}
        began = {"rollout_version": bundle["id"], "rollout_enabled": True, "rollout_percentage_bps": 100 * nth}
        (state.channel_named(DEMO_APP, name) or {}).update(began)

    return begin


@pytest.mark.parametrize("nth", range(1, 6))
@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("capgo_set_channel", {"channel": "production", "version": "2.2.7"}),
        ("capgo_set_rollout", {"channel": "production", "action": "start", "version": "2.3.0", "percentage": 10}),
        ("capgo_set_bundle_channel", {"channel": "production", "version": "2.2.7"}),
    ],
)
async def test_a_rollout_that_began_after_the_plan_is_not_ended(tool: str, arguments: Facts, nth: int) -> None:
    """A call with the version that was planned on ends no rollout that nobody spoke of."""
    async with desk() as here:
        rollout("production", "2.2.6")(here.state, nth)
        error = await here.error(tool, app_id=DEMO_APP, **arguments, expected_version="2.2.8")
        assert '[state_moved] This would end the rollout of "2.2.6", so nothing was sent.' in error
        assert here.wire.writes == []
        assert (await here.facts(tool, app_id=DEMO_APP, **arguments))["done"] is True


@pytest.mark.parametrize("action", sorted(OF_THE_RUNNING))
async def test_a_rollout_that_is_another_one_by_now_is_left_alone(action: str) -> None:
    """An action that names the rollout's bundle reaches that rollout or none."""
    arguments: Facts = {"app_id": DEMO_APP, "channel": "staging", "action": action, "version": "2.3.0"}
    arguments |= {"percentage": 50} if action == "widen" else {}
    async with desk() as here:
        (here.state.channel_named(DEMO_APP, "staging") or {}).update(rollout_paused_at="2026-11-01T10:20:30+00:00")
        if action != "pause":
            assert (await here.facts("capgo_set_rollout", **arguments))["done"] is True
    async with desk() as here:
        rollout("staging", "2.2.6")(here.state, 25)
        error = await here.error("capgo_set_rollout", **arguments)
        assert '[state_moved] The rollout is not of "2.3.0", so nothing was sent.' in error
        assert here.wire.writes == []


@pytest.mark.parametrize("percentage", [None, 50])
@pytest.mark.parametrize("channel", ["production", "staging"])
@pytest.mark.parametrize("version", ["2.3.0", "2.2.7"])
async def test_the_calls_of_a_plan_end_no_rollout_that_began_since(
    version: str, channel: str, percentage: int | None
) -> None:
    """Whatever a plan proposes is done as long as nothing moved, and refused once another rollout runs."""
    asked: Facts = {"app_id": DEMO_APP, "version": version, "channel": channel}
    asked |= {"percentage": percentage} if percentage else {}
    async with desk() as here:
        planned = (await here.facts("capgo_plan_release", **asked))["calls"]
        for call in planned:
            assert (await here.follow(call))["done"] is True
    async with desk() as here:
        rollout(channel, "2.2.6")(here.state, 5)
        assert "[state_moved]" in await here.error(planned[0]["tool"], **planned[0]["arguments"])
        assert here.wire.writes == []
