"""What a reading tool counts or finds is what there is, and what it does not see it says."""

from collections import Counter
from datetime import timedelta
from typing import Any, Final

import pytest

from capgo_mcp.catalog import every_tool
from capgo_mcp.insights.filters import is_below
from capgo_mcp.sandbox import State, seeded
from capgo_mcp.sandbox.seed.people import DEMO_APP
from tests.support import samples
from tests.support.faulty import EPOCH, VirtualClock
from tests.support.safety import Facts, desk, unlimited

AGAINST: Final = "a wrong decision, made on figures that hide what they left out"
ATTACKER: Final = "a mishap"
ASSET: Final = "what is decided"

BETA: Final = 2
PINNED: Final = 240


def rows(state: State) -> list[Facts]:
    """The demo app's devices as the sandbox holds them."""
    return [row for (app_id, _), row in state.devices.items() if app_id == DEMO_APP]


def pinned() -> State:
    """A sandbox in which nearly all devices are pinned to one channel."""
    state = unlimited()
    for row in rows(state)[:PINNED]:
        key = (DEMO_APP, row["device_id"])
        pin = {"app_id": DEMO_APP, "device_id": row["device_id"], "channel_id": BETA, "updated_at": state.now()}
        state.overrides[key] = pin
    return state


def counted(state: State) -> Counter[str]:
    """How many devices are pinned to each channel."""
    pins = [row for (app_id, _), row in state.overrides.items() if app_id == DEMO_APP]
    return Counter(state.channels[row["channel_id"]]["name"] for row in pins)


async def test_pins_are_told_of_however_many_devices() -> None:
    """Capgo leaves the pins out of long pages, so no page is long where they are shown or counted."""
    state = pinned()
    async with desk(state=state) as here:
        listed = await here.facts("capgo_list_devices", app_id=DEMO_APP, limit=1000)
        found = await here.facts("capgo_find_devices", app_id=DEMO_APP, channel="beta", limit=200)
        summary = await here.facts("capgo_summarize_devices", app_id=DEMO_APP, group_by=["channel"])
        status = await here.facts("capgo_get_release_status", app_id=DEMO_APP, version="2.2.8")
        plan = await here.facts("capgo_plan_release", app_id=DEMO_APP, version="2.3.0", channel="beta")
    assert Counter(row["channel"] for row in listed["items"] if "channel" in row) == counted(state)
    assert found["matches"] == counted(state)["beta"] >= PINNED
    groups = {group["value"]: group["devices"] for group in summary["breakdown"][0]["groups"]}
    assert groups.pop("(not pinned)") == len(rows(state)) - counted(state).total()
    assert groups == counted(state)
    assert status["pinned_elsewhere"]["devices"] > 0
    assert any(f"{counted(state)['beta']} of {len(rows(state))} seen last" in one["what"] for one in plan["reasons"])


@pytest.mark.parametrize("tool", ["capgo_summarize_devices", "capgo_find_devices"])
async def test_a_channel_that_nobody_is_pinned_to_is_not_called_empty(tool: str) -> None:
    """Devices follow a default channel without a pin: the answer says that it counts pins only."""
    async with desk() as here:
        answer = await here.facts(tool, app_id=DEMO_APP, channel="production")
    assert answer.get("devices", answer.get("matches")) == 0
    assert "Only pins count" in answer["note"]


@pytest.mark.parametrize("bound", ["2.2.0", "2.3.0", "1.0.0"])
async def test_devices_below_a_version_are_found_and_counted(bound: str) -> None:
    """All of them count, however few are shown; a device without a bundle runs what came with its app."""
    state = unlimited()
    fleet = rows(state)
    fleet[0] |= {"version_name": "builtin", "version_build": "0.9.0"}
    runs = [row["version_build"] if row["version_name"] == "builtin" else row["version_name"] for row in fleet]
    older = sum(is_below(version, bound) for version in runs)
    async with desk(state=state) as here:
        answer: dict[str, Any] = await here.facts("capgo_find_devices", app_id=DEMO_APP, version_below=bound, limit=1)
    assert answer["matches"] == older > 0
    assert answer["complete"] is True
    assert len(answer["items"]) == 1
    assert ("more match" in answer.get("note", "")) == (older > 1)


TODAY: Final = EPOCH.date()
STATISTICS: Final = ("capgo_get_app_statistics", "capgo_get_user_statistics", "capgo_get_organization_statistics")


@pytest.mark.parametrize("daily", [True, False])
@pytest.mark.parametrize("tool", STATISTICS)
async def test_a_day_that_is_not_counted_yet_is_no_day_without_use(
    tool: str, *, daily: bool, clock: VirtualClock
) -> None:
    """Today is left out of a series, and a note says so; the days before are there."""
    state = seeded(clock=EPOCH.timestamp)
    given = {name: samples.value(samples.tool(tool), name) for name in ("app_id", "org_id")} | {"daily": daily}
    given = {name: value for name, value in given.items() if name in samples.tool(tool).model_fields}
    period = {"from_date": str(TODAY - timedelta(days=3)), "to_date": str(TODAY)}
    async with desk(state=state, clock=clock) as here:
        usage = await here.facts(tool, **given, **period)
    assert [row["date"] for row in usage["days"]] == [str(TODAY - timedelta(days=back)) for back in (3, 2, 1)]
    assert f"Nothing is counted for {TODAY} and later" in usage["note"]


@pytest.mark.parametrize("tool", ["capgo_get_bundle_usage", "capgo_get_native_usage"])
async def test_the_latest_share_is_of_a_day_that_was_counted(tool: str, clock: VirtualClock) -> None:
    """A bundle that half of the devices ran yesterday is not told to run on none."""
    state = seeded(clock=EPOCH.timestamp)
    period = {"from_date": str(TODAY - timedelta(days=3)), "to_date": str(TODAY)}
    async with desk(state=state, clock=clock) as here:
        usage = await here.facts(tool, app_id=DEMO_APP, **period)
    rows = usage["bundles"] if "bundles" in usage else usage["builds"]
    assert usage["days"] == [str(TODAY - timedelta(days=back)) for back in (3, 2, 1)]
    assert rows[0]["latest_percent"] == rows[0]["percent"][-1] > 0
    assert {len(row["percent"]) for row in rows} == {3}
    assert f"Nothing is counted for {TODAY}" in usage["note"]


async def test_a_rollout_that_is_off_is_not_told_as_a_share() -> None:
    """A list leaves out what is as usual, but not that what looks like a running rollout is none."""
    state = unlimited()
    channel = next(row for row in state.channels.values() if row["name"] == "beta")
    channel |= {"rollout_version": 125, "rollout_percentage_bps": 1000, "rollout_enabled": False}
    async with desk(state=state) as here:
        listed = (await here.facts("capgo_list_channels", app_id=DEMO_APP))["items"]
    told = next(row for row in listed if row["name"] == "beta")
    assert told["rollout_percentage_bps"] == 1000
    assert told["rollout_enabled"] is False
    assert sum("rollout_enabled" in row for row in listed) < len(listed)


SINCE: Final = [
    ("capgo_list_devices", "updated_since"),
    ("capgo_find_devices", "updated_since"),
    ("capgo_summarize_devices", "updated_since"),
    ("capgo_find_devices", "not_seen_since"),
    ("capgo_list_device_events", "since"),
    ("capgo_list_changes", "since"),
    ("capgo_clean_up_bundles", "seen_since"),
    ("capgo_find_apps", "no_update_since"),
]


def test_all_moments_of_that_kind_are_one_type() -> None:
    """No tool has another kind of `since`."""
    kinds = {
        (tool.spec.name, name)
        for tool in every_tool()
        for name, field in tool.model_fields.items()
        if name.endswith("since")
    }
    assert kinds == set(SINCE)


@pytest.mark.parametrize(("tool", "name"), SINCE)
@pytest.mark.parametrize("text", ["7d", "7 days", "2026-10-26", "2026-10-26T12:00:00Z", "2026-10-26T14:00:00+02:00"])
async def test_a_moment_is_named_alike_everywhere(tool: str, name: str, text: str, clock: VirtualClock) -> None:
    """Days before now count from the client's clock, and Capgo gets a time."""
    async with desk(state=seeded(clock=EPOCH.timestamp), clock=clock) as here:
        await here.facts(tool, **samples.required(samples.tool(tool)), **{name: text})
        asked = here.wire.seen[0].url.params
    if name == "updated_since":
        assert asked["updated_at"] == ("2026-10-26T00:00:00Z" if text == "2026-10-26" else "2026-10-26T12:00:00Z")


@pytest.mark.parametrize(("tool", "name"), SINCE)
async def test_what_is_no_moment_is_refused_alike(tool: str, name: str) -> None:
    """By a sentence that shows what is one, and before anything is sent."""
    async with desk() as here:
        said = await here.error(tool, **samples.required(samples.tool(tool)), **{name: "lately"})
        assert f"{name} must be a day such as 2026-11-01, a time, or days before now such as 7d" in said
        assert here.wire.seen == []


async def test_a_device_is_read_by_its_custom_id() -> None:
    """Of several with the same one, the one that was seen last; who gives it as the device id hears where it goes."""
    state = unlimited()
    fleet = sorted(rows(state), key=lambda row: row["updated_at"])
    for row in (fleet[3], fleet[-3]):
        row["custom_id"] = "desk-7"
    async with desk(state=state) as here:
        device = await here.facts("capgo_get_device", app_id=DEMO_APP, custom_id="desk-7")
        wrong = await here.error("capgo_get_device", app_id=DEMO_APP, device_id="desk-7")
        none = await here.error("capgo_get_device", app_id=DEMO_APP, custom_id="desk")
    assert device["device_id"] == fleet[-3]["device_id"]
    assert "capgo_find_devices" in wrong
    assert "custom id" in wrong
    assert 'No device has the custom id "desk"' in none
