"""What one device should get and why, as the channels, their rules and the device itself say."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx2
import mcp_types as t
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capgo_mcp.api.text import compact
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.insights.rules import blocks, is_under_native
from capgo_mcp.sandbox import State
from capgo_mcp.sandbox.seed.fleet import PINNED_DEVICE, STRAGGLERS, device_id
from capgo_mcp.sandbox.seed.people import DEMO_APP
from tests.support.safety import desk
from tests.support.samples import toolbox

TOKENS: Final = 500
"""What one answer may cost an agent, at four characters each."""
DEVICE: Final = device_id(DEMO_APP, 3)
"""An iOS or Android device that is not pinned and runs what production serves."""


async def call(capgo: Capgo, **arguments: Any) -> t.CallToolResult:
    """What the tool answers about a device of the demo app."""
    result = await toolbox(capgo).call("capgo_explain_device", {"app_id": DEMO_APP, **arguments})
    assert isinstance(result, t.CallToolResult)
    return result


async def explained(capgo: Capgo, device: str = DEVICE, **arguments: Any) -> dict[str, Any]:
    """The explanation of a device."""
    result = await call(capgo, **(arguments or {"device_id": device}))
    assert not result.is_error, result.content
    assert result.structured_content is not None
    content: dict[str, Any] = result.structured_content
    assert len(compact(content)) / 4 < TOKENS
    return content


def production(state: State) -> dict[str, Any]:
    """The default channel's row."""
    channel = state.channel_named(DEMO_APP, "production")
    assert channel
    return channel


def row(state: State) -> dict[str, Any]:
    """The device's row."""
    return state.devices[DEMO_APP, DEVICE]


async def test_device_follows_the_default_channel(capgo: Capgo) -> None:
    """A device that is not pinned gets what the default channel of its platform serves."""
    answer = await explained(capgo)
    assert (answer["channel"], answer["should_get"], answer["runs"]) == ("production", "2.2.8", "2.2.8")
    assert answer["obstacles"] == []
    assert "which is what it should run" in answer["summary"]


async def test_pinned_device_follows_its_channel(capgo: Capgo) -> None:
    """A pin decides, lasts 90 days, and the device has not asked since."""
    answer = await explained(capgo, PINNED_DEVICE)
    assert (answer["channel"], answer["should_get"]) == ("beta", "2.3.0-beta.6")
    assert "90 days" in answer["because"][0]
    assert "at its next update check" in answer["summary"]


async def test_device_with_an_old_native_build_gets_none(capgo: Capgo) -> None:
    """The rule that keeps a bundle away is told with the cure, and that the device was not seen for long."""
    answer = await explained(capgo, STRAGGLERS[57])
    assert "should_get" not in answer
    assert "blocks major updates" in answer["obstacles"][0]["what"]
    assert "app from the store" in answer["obstacles"][0]["do"]
    assert "last seen" in answer["obstacles"][1]["what"]


async def test_custom_id_finds_the_device_with_its_pin(capgo: Capgo, state: State) -> None:
    """A custom id names a device as well, exactly; its pin is known although long lists leave pins out (R3)."""
    state.overrides[DEMO_APP, DEVICE] = {**state.overrides[DEMO_APP, PINNED_DEVICE], "device_id": DEVICE}
    row(state)["custom_id"] = "Mira's phone"
    answer = await explained(capgo, custom_id="Mira's phone")
    assert (answer["device_id"], answer["channel"]) == (DEVICE, "beta")
    assert "[device_not_found]" in str((await call(capgo, custom_id="Mira")).content)


async def test_several_devices_with_one_custom_id_are_told(capgo: Capgo, state: State) -> None:
    """Of two phones of one person the one seen last is explained, and the answer says so."""
    for number in (3, 6):
        state.devices[DEMO_APP, device_id(DEMO_APP, number)]["custom_id"] = "mira"
    answer = await explained(capgo, custom_id="mira")
    assert answer["device_id"] == DEVICE
    assert "2 have this custom id" in answer["unknown"][0]


@pytest.mark.parametrize("arguments", [{}, {"device_id": DEVICE, "custom_id": "mira"}])
async def test_one_way_to_name_the_device(capgo: Capgo, arguments: dict[str, str]) -> None:
    """An agent that names no device, or one in two ways, is told."""
    assert "device_id or custom_id" in str((await call(capgo, **arguments)).content)


@pytest.mark.parametrize(
    ("settings", "device", "what"),
    [
        ({"allow_prod": False}, {"is_prod": True}, "no production builds"),
        ({"allow_dev": False}, {"is_prod": False}, "no development builds"),
        ({"allow_device": False}, {"is_emulator": False}, "no physical devices"),
        ({"allow_emulator": False}, {"is_emulator": True}, "no emulators"),
        ({"disable_auto_update": "major"}, {"version_build": "1.9.9"}, "blocks major updates"),
        ({"disable_auto_update": "minor"}, {"version_build": "2.1.0"}, "blocks minor updates"),
        ({"disable_auto_update": "patch"}, {"version_build": "2.2.7"}, "blocks patch updates"),
        ({"disable_auto_update_under_native": True}, {"version_build": "3.0.0"}, "older than native build"),
        ({"disable_auto_update": "version_number"}, {}, "has none"),
        ({"version": None}, {}, "no bundle"),
    ],
)
async def test_what_keeps_a_device_from_its_bundle(
    capgo: Capgo, state: State, settings: dict[str, Any], device: dict[str, Any], what: str
) -> None:
    """Each setting that stands between a device and its bundle is named, with what to do about it."""
    production(state).update({"allow_dev": True, "allow_emulator": True, **settings})
    row(state).update({"version_name": "2.2.7", **device})
    answer = await explained(capgo)
    assert "should_get" not in answer
    assert [what in one["what"] for one in answer["obstacles"]] == [True]
    assert answer["obstacles"][0]["do"]
    assert "gets no update" in answer["summary"]


@pytest.mark.parametrize(("lowest", "gets"), [("2.0.0", True), ("2.5.0", False)])
async def test_least_native_build_of_a_bundle_counts(capgo: Capgo, state: State, lowest: str, *, gets: bool) -> None:
    """A channel that looks at min_update_version lets newer native builds have the bundle."""
    production(state)["disable_auto_update"] = "version_number"
    (state.bundle_named(DEMO_APP, "2.2.8") or {})["min_update_version"] = lowest
    answer = await explained(capgo)
    assert ("should_get" in answer) == gets
    assert gets or f'asks for native build "{lowest}"' in answer["obstacles"][0]["what"]


@pytest.mark.parametrize(
    ("settings", "device", "should", "may", "because"),
    [
        ({}, {}, "2.2.8", "2.3.0", "Capgo draws"),
        ({}, {"version_name": "2.3.0"}, "2.3.0", None, "among them"),
        ({"rollout_paused_at": "2026-11-01T00:00:00+00:00"}, {}, "2.2.8", None, "paused"),
        ({"rollout_enabled": False}, {}, "2.2.8", None, "serves"),
        ({"disable_auto_update": "minor"}, {"version_build": "2.2.0"}, "2.2.8", None, "not to this device"),
        ({"version": None}, {}, None, "2.3.0", "serves no bundle"),
    ],
)
async def test_rollout_is_a_draw(
    capgo: Capgo,
    state: State,
    settings: dict[str, Any],
    device: dict[str, Any],
    should: str | None,
    may: str | None,
    because: str,
) -> None:
    """Whether a device is among the percent of a rollout only Capgo knows, unless the device runs the bundle."""
    target = (state.bundle_named(DEMO_APP, "2.3.0") or {})["id"]
    rollout = {"rollout_version": target, "rollout_enabled": True, "rollout_percentage_bps": 2500}
    production(state).update({**rollout, **settings})
    row(state).update({"version_build": "2.2.0", **device})
    answer = await explained(capgo)
    assert answer.get("should_get") == should
    assert answer.get("may_get") == may
    assert because in " ".join(answer["because"])


async def test_app_without_default_channel_serves_only_pinned_devices(capgo: Capgo, state: State) -> None:
    """Without a default channel the answer says what is missing."""
    production(state)["public"] = False
    answer = await explained(capgo)
    assert "channel" not in answer
    assert "no default channel" in answer["because"][0]
    assert "public true" in answer["obstacles"][0]["do"]


async def test_platform_that_the_default_channel_leaves_out(capgo: Capgo, state: State) -> None:
    """A default channel for other platforms is not the device's."""
    production(state)[row(state)["platform"]] = False
    answer = await explained(capgo)
    assert "channel" not in answer


async def test_what_capgo_does_not_tell_is_said(capgo: Capgo, state: State) -> None:
    """A platform and a native build that nobody knows are no reason to guess."""
    row(state).update(platform="electron", version_build=None)
    unknown = " ".join((await explained(capgo))["unknown"])
    assert '"electron"' in unknown
    assert "native build" in unknown


async def test_long_unseen_device_is_told_to_be_opened(capgo: Capgo, state: State) -> None:
    """A device that lacks its bundle and was silent for long needs to be opened."""
    silent = datetime.now(UTC) - timedelta(days=40, minutes=5)
    row(state).update(version_name="2.2.7", updated_at=silent.isoformat())
    answer = await explained(capgo)
    assert answer["should_get"] == "2.2.8"
    assert "40 days ago" in answer["obstacles"][0]["what"]


versions: Final = st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))


@given(versions, versions)
def test_rules_compare_a_bundle_with_the_native_build(bundle: tuple[int, ...], native: tuple[int, ...]) -> None:
    """A stricter rule blocks whatever a milder one blocks, and nothing that is older than the native build."""
    version, build = (".".join(map(str, numbers)) for numbers in (bundle, native))
    blocked = [blocks(rule, version, build) for rule in ("major", "minor", "patch")]
    assert blocked == sorted(blocked)
    assert blocked[2] == (bundle > native)
    assert is_under_native(version, build) == (bundle < native)


@pytest.mark.parametrize("build", ["", "builtin", "unknown"])
def test_build_without_numbers_is_not_compared(build: str) -> None:
    """What cannot be compared blocks nothing."""
    assert not blocks("patch", "9.9.9", build)
    assert not is_under_native("0.0.1", build)


async def test_a_device_of_which_no_id_is_told_is_the_one_that_was_asked_for() -> None:
    """The answer says about which device it is, whatever Capgo leaves out."""
    inner = httpx2.MockTransport(
        lambda request: httpx2.Response(
            200, json=[] if request.url.path == "/channel" else {"device_id": None, "version_name": "1.0.0"}
        )
    )
    async with desk(inner=inner) as here:
        told = await here.facts("capgo_explain_device", app_id=DEMO_APP, device_id=DEVICE)
    assert told["device_id"] == DEVICE
