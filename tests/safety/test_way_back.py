"""The way back of a channel, searched and then walked with the model of an edit."""

from typing import Any, Final

import pytest

from capgo_mcp.api.channel_edit import Behaviour, Edit, EditRefused, edited, share
from capgo_mcp.operations.channels import SetChannel, SetRollout
from capgo_mcp.safety.way_back import MOST_CALLS, way_back
from tests.api.test_channel_edit import recorded_edit, steps

WHERE: Final = {"app_id": "com.demo.app", "channel": "production"}
BUNDLES: Final = [f"b{number}" for number in range(6)]
PAUSED: Final = "2026-11-01T10:20:30+00:00"
COLUMNS: Final = {
    "the rollout's bundle": "rollout_version",
    "whether the rollout is on": "rollout_enabled",
    "percentage": "rollout_percentage_bps",
    "paused_at": "rollout_paused_at",
    "pause_reason": "rollout_pause_reason",
    "cache_ttl_seconds": "rollout_cache_ttl_seconds",
}
ROW: Final[dict[str, Any]] = {
    "version": "b1",
    "rollout_version": "b2",
    "rollout_enabled": True,
    "rollout_percentage_bps": 2000,
    "rollout_paused_at": PAUSED,
    "rollout_pause_reason": "crashes",
}


@pytest.mark.parametrize("behaviour", Behaviour)
@pytest.mark.parametrize(("before", "step", "after"), [*steps()])
def test_the_way_back_from_each_recorded_change(
    before: dict[str, Any], step: dict[str, Any], after: dict[str, Any], behaviour: Behaviour
) -> None:
    """At most three calls restore the row but for what is named, and on the way nothing reaches more devices."""
    del after  # the same change is tried on either Capgo
    was = {name: value for name, value in before.items() if name != "electron"}
    was["rollout_paused_at"] = was["rollout_paused_at"] and PAUSED
    edit = recorded_edit(step["request"])
    try:
        row: dict[str, Any] = edited(was, edit, behaviour)
    except EditRefused:
        return
    way = way_back(was, edit, row, WHERE)
    limit = {bundle: max(share(was, bundle), share(row, bundle)) for bundle in BUNDLES}
    assert len(way.calls) <= MOST_CALLS
    for call in way.calls:
        assert isinstance(call, SetChannel | SetRollout)
        row = edited(row, call.edit(), behaviour)
        assert all(share(row, bundle) <= most for bundle, most in limit.items())
    assert {name for name in was if row[name] != was[name]} <= {COLUMNS.get(name, name) for name in way.lost}
    restored = [share(row, bundle) for bundle in BUNDLES] == [share(was, bundle) for bundle in BUNDLES]
    assert restored or "the rollout's bundle" in way.lost  # no call can roll out on a channel without a bundle


@pytest.mark.parametrize("behaviour", Behaviour)
@pytest.mark.parametrize(
    ("edit", "ways"),
    [
        (Edit(rolls_back=True), [["start 0", "pause 20"]]),
        (Edit({"rollout_version": "b3"}), [["start 0", "pause 20"]]),
        (Edit(promotes=True), [["b1", "start 0", "pause 20"]]),
        (Edit({"version": "b3"}), [["b1"], ["b1", "start 0", "pause 20"]]),
        (Edit({"rollout_enabled": False}), [["start 0", "pause 20"], ["start 0", "widen 20"]]),
    ],
    ids=["dropped", "replaced", "promoted", "stable changed", "switched off"],
)
def test_a_paused_rollout_comes_back_paused(behaviour: Behaviour, edit: Edit, ways: list[list[str]]) -> None:
    """What somebody stopped is named at no share, then paused at the one it had, whatever took it away."""
    way = way_back(ROW, edit, edited(ROW, edit, behaviour), WHERE)
    said = [
        f"{call.action} {call.percentage:g}" if isinstance(call, SetRollout) else str(call.model_dump()["version"])
        for call in way.calls
    ]
    assert way.lost == []
    assert said in ways
