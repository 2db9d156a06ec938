"""What a reading tool counts or finds is what there is, and what it does not see it says."""

from collections import Counter
from typing import Any, Final

import pytest

from capgo_mcp.insights.filters import is_below
from capgo_mcp.sandbox import State
from capgo_mcp.sandbox.seed.people import DEMO_APP
from tests.support.safety import Facts, desk, unlimited

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
        state.overrides[key] = {"app_id": DEMO_APP, "device_id": row["device_id"], "channel_id": BETA}
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
