"""The status of a release: where it is served, who runs it, and what keeps devices from it."""

from typing import Any, Final

import mcp_types as t
import pytest

from capgo_mcp.client.capgo import Capgo
from capgo_mcp.config.settings import Settings
from capgo_mcp.insights.bundles import serving
from capgo_mcp.insights.fleet import Fleet
from capgo_mcp.insights.obstacles import Obstacle, nobody_gets_it, obstacles
from capgo_mcp.operations.bundles import Bundle
from capgo_mcp.operations.channels import Channel, ServedBundle
from capgo_mcp.operations.devices import Device
from capgo_mcp.sandbox import State
from capgo_mcp.sandbox.seed.people import DEMO_APP, HARBOR, LIGHTHOUSE
from tests.support.samples import toolbox

V: Final = "2.0.0"


async def status(capgo: Capgo, **arguments: Any) -> dict[str, Any]:
    """The release status of a bundle of the demo app."""
    result = await toolbox(capgo).call("capgo_get_release_status", {"app_id": DEMO_APP, **arguments})
    assert isinstance(result, t.CallToolResult)
    assert not result.is_error, result.content
    assert result.structured_content is not None
    content: dict[str, Any] = result.structured_content
    return content


def channel(name: str = "production", **settings: Any) -> Channel:
    """A default channel that serves the bundle."""
    return Channel(**{"name": name, "public": True, "version": ServedBundle(id=1, name=V), **settings})


def fleet(*devices: Device) -> Fleet:
    """Counts of some devices."""
    counted = Fleet()
    for device in devices:
        counted.add(device)
    return counted


def found(*channels: Channel, bundle: Bundle | None = None, devices: Fleet | None = None) -> list[Obstacle]:
    """What keeps devices from the bundle."""
    by = serving(list(channels), V)
    named = bundle or Bundle(id=1, name=V)
    return [*nobody_gets_it(V, by), *obstacles(V, by, list(channels), named, devices or Fleet())]


async def test_current_release_is_what_the_default_channel_serves(capgo: Capgo) -> None:
    """Without a version the answer is about the bundle in production, with its adoption by day."""
    answer = await status(capgo)
    assert answer["version"] == "2.2.8"
    assert answer["channels"][0] == {"channel": "production", "role": "stable", "percent": 100.0, "reach": "default"}
    assert len(answer["adoption"]["days"]) == len(answer["adoption"]["percent"]) == 7
    assert answer["adoption"]["latest_devices"] > 0
    assert answer["summary"].startswith('"2.2.8" is served by "production" (default, stable at 100 %)')


async def test_rollout_is_told_with_its_share(capgo: Capgo, state: State) -> None:
    """A rollout target is served to its percentage, the stable bundle to the rest."""
    staging = state.channel_named(DEMO_APP, "staging") or {}
    staging["public"] = True
    by = {(one["channel"], one["role"]): one for one in (await status(capgo, version="2.3.0"))["channels"]}
    assert by["staging", "rollout"]["percent"] == 25
    assert by["staging", "rollout"]["auto_pause"] is True
    by = {(one["channel"], one["role"]): one for one in (await status(capgo, version="2.2.8"))["channels"]}
    assert by["staging", "stable"]["percent"] == 75


async def test_rollout_of_the_default_channel_is_the_current_release(capgo: Capgo, state: State) -> None:
    """Without a version, what is being rolled out is asked about before what is stable."""
    production = state.channel_named(DEMO_APP, "production") or {}
    bundle = state.bundle_named(DEMO_APP, "2.3.0") or {}
    production.update(rollout_version=bundle["id"], rollout_enabled=True, rollout_percentage_bps=1000)
    assert (await status(capgo))["version"] == "2.3.0"


async def test_pinned_devices_are_counted(capgo: Capgo, state: State) -> None:
    """Devices that are pinned to channels without the bundle are told, with the channels."""
    answer = await status(capgo)
    serve = {one["channel"] for one in answer["channels"]}
    names = [state.channels[row["channel_id"]]["name"] for (app, _), row in state.overrides.items() if app == DEMO_APP]
    assert answer["pinned_elsewhere"]["devices"] == sum(name not in serve for name in names) > 0
    assert not serve & set(answer["pinned_elsewhere"]["channels"])


async def test_old_bundle_nobody_serves(capgo: Capgo) -> None:
    """A bundle far down the list is found all the same, and that no channel serves it is the obstacle."""
    answer = await status(capgo, version="1.0.0")
    assert answer["comment"] == "First release"
    assert answer["channels"] == []
    assert "No channel serves" in answer["obstacles"][0]["what"]


async def test_unknown_bundle_is_an_error_that_names_others(capgo: Capgo) -> None:
    """A version that does not exist is told with the newest ones that do."""
    result = await toolbox(capgo).call("capgo_get_release_status", {"app_id": DEMO_APP, "version": "9.9.9"})
    assert isinstance(result, t.CallToolResult)
    assert result.is_error
    assert "[bundle_not_found]" in str(result.content)
    assert "2.3.0" in str(result.content)


async def test_statistics_that_cannot_be_read_are_told(capgo: Capgo, state: State) -> None:
    """An unpaid plan hides the adoption (T23) and nothing else."""
    state.unpaid |= {LIGHTHOUSE, HARBOR}
    answer = await status(capgo)
    assert "adoption" not in answer
    assert any(one.startswith("adoption: ") for one in answer["unknown"])
    assert answer["channels"]


async def test_app_without_bundles_says_so(capgo: Capgo, state: State) -> None:
    """There is no release to ask about."""
    state.bundles.clear()
    state.channels.clear()
    state.overrides.clear()
    result = await toolbox(capgo).call("capgo_get_release_status", {"app_id": DEMO_APP})
    assert isinstance(result, t.CallToolResult)
    assert "[no_bundles]" in str(result.content)


def test_nothing_stands_in_the_way() -> None:
    """A default channel that serves everyone has no obstacle."""
    assert found(channel()) == []


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"public": False}, "No default channel"),
        ({"allow_prod": False}, "production builds"),
        ({"allow_device": False}, "physical devices"),
        ({"allow_emulator": False}, "emulators"),
        ({"allow_dev": False}, "development builds"),
        ({"ios": False}, "iOS devices"),
        ({"android": False}, "Android devices"),
        ({"disable_auto_update": "version_number"}, "min_update_version"),
    ],
)
def test_settings_that_keep_devices_away(settings: dict[str, Any], what: str) -> None:
    """Each setting that withholds a bundle is told with the argument that changes it."""
    (obstacle,) = found(channel(**settings))
    assert what in obstacle.what
    assert "capgo_set_channel" in obstacle.do


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({"rollout_enabled": False}, "is off"),
        ({"rollout_enabled": True, "rollout_percentage_bps": 0}, "at 0 %"),
        ({"rollout_paused_at": "2026-11-01T00:00:00Z", "rollout_pause_reason": 'too many "failures"'}, "paused"),
    ],
)
def test_rollouts_that_do_not_run(settings: dict[str, Any], what: str) -> None:
    """A rollout that is off, empty or paused is told, and a reason somebody wrote is quoted."""
    running = {"rollout_enabled": True, "rollout_percentage_bps": 2500}
    target = {"version": None, "rollout_version_info": ServedBundle(id=2, name=V)}
    (obstacle,) = found(channel(**{**target, **running, **settings}))
    assert what in obstacle.what
    assert "rollout" in obstacle.do
    if "rollout_pause_reason" in settings:
        assert r"too many \"failures\"" in obstacle.what


@pytest.mark.parametrize(
    ("rule", "build", "blocked"),
    [
        ("major", "1.9.9", True),
        ("major", "2", False),
        ("minor", "1.9.9", True),
        ("patch", "1.0.0", True),
        ("none", "1.0.0", False),
        ("major", "no number", False),
    ],
)
def test_update_rules_look_at_the_native_build(rule: str, build: str, blocked: bool) -> None:
    """A rule keeps a bundle from devices whose native build is behind in that part of the version."""
    told = found(channel(disable_auto_update=rule), devices=fleet(Device(version_build=build)))
    assert bool(told) == blocked


def test_bundle_under_the_native_build() -> None:
    """Devices whose native build is newer do not go back to the bundle."""
    (obstacle,) = found(
        channel(disable_auto_update="none", disable_auto_update_under_native=True),
        devices=fleet(Device(version_build="2.0.1"), Device(version_build="1.9.0")),
    )
    assert "1 of 2 devices" in obstacle.what


def test_private_channels_are_not_judged_beside_the_default_one() -> None:
    """A preview channel that refuses production builds is no obstacle to a release that everyone gets."""
    assert found(channel(), channel("preview", public=False, allow_prod=False)) == []


@pytest.mark.parametrize(("behaviour", "left_out"), [("2026-11", "serves Electron"), ("2026-07", "iOS, Android or")])
async def test_platforms_that_are_not_told_are_named(behaviour: str, left_out: str) -> None:
    """Current Capgos leave out Electron alone, older ones all three."""
    async with Settings.read({"sandbox": True, "api": behaviour}, {}).connect() as capgo:
        answer = await status(capgo)
    assert left_out in answer["unknown"][-1]
