"""The way back of a channel, searched and then walked with the model of an edit."""

from typing import Any, Final

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.api.channel_edit import BundleKey, ChannelRow, Edit, EditRefused, edited, possible, served
from capgo_mcp.insights.way_back import MOST_CALLS, WayBack, way_back
from capgo_mcp.operations.channels import SetChannel, SetRollout
from tests.support.recorded_edits import changes

pytestmark = pytest.mark.parametrize("behaviour", Behaviour, ids=lambda behaviour: behaviour.value)

WHERE: Final = {"app_id": "com.demo.app", "channel": "production"}
PAUSED: Final = "2026-11-01T10:20:30+00:00"
COLUMNS: Final = {
    "the rollout's bundle": "rollout_version",
    "whether the rollout is on": "rollout_enabled",
    "percentage": "rollout_percentage_bps",
    "paused_at": "rollout_paused_at",
    "pause_reason": "rollout_pause_reason",
    "cache_ttl_seconds": "rollout_cache_ttl_seconds",
}
ROW: Final = ChannelRow(
    version="b1",
    rollout_version="b2",
    rollout_enabled=True,
    rollout_percentage_bps=2000,
    rollout_paused_at=PAUSED,
    rollout_pause_reason="crashes",
)
CHANGES: Final = [pytest.param(before, edit, id=where) for where, before, edit in changes()]


def most(before: ChannelRow, after: ChannelRow) -> dict[BundleKey, int]:
    """The most devices that each bundle may have on the way between two rows."""
    had, has = served(before), served(after)
    return {bundle: max(had.get(bundle, 0), has.get(bundle, 0)) for bundle in had.keys() | has.keys()}


def ends(before: ChannelRow, edit: Edit, after: ChannelRow) -> dict[Behaviour, ChannelRow]:
    """The row after an edit, for each Capgo that may have answered so."""
    return dict.fromkeys(possible(before, edit, after), after)


def walked(way: WayBack, before: ChannelRow, after: ChannelRow, behaviour: Behaviour) -> ChannelRow:
    """The row at the end of a way back, on which nothing was refused and nothing reached more devices."""
    assert len(way.calls) <= MOST_CALLS
    limit, row = most(before, after), after
    for call in way.calls:
        assert isinstance(call, SetChannel | SetRollout)
        taken = edited(row, call.edit(), behaviour)
        assert not isinstance(taken, EditRefused)
        assert all(part <= limit.get(bundle, 0) for bundle, part in served(taken).items())
        row = taken
    return row


def different(before: ChannelRow, row: ChannelRow) -> set[str]:
    """The columns in which two rows differ."""
    return {name for name in ChannelRow.model_fields if getattr(row, name) != getattr(before, name)}


@pytest.mark.parametrize(("before", "edit"), CHANGES)
def test_the_way_back_from_each_recorded_change(before: ChannelRow, edit: Edit, behaviour: Behaviour) -> None:
    """At most three calls restore the row but for what is named, and on the way nothing reaches more devices."""
    paused_at = before.rollout_paused_at and PAUSED
    was = before.model_copy(update={"electron": None, "rollout_paused_at": paused_at})
    after = edited(was, edit, behaviour)
    if isinstance(after, EditRefused):
        return
    after = after.model_copy(update={"electron": None})
    way = way_back(was, ends(was, edit, after), WHERE)
    row = walked(way, was, after, behaviour)
    assert different(was, row) <= {COLUMNS.get(name, name) for name in way.lost}
    # No call can roll out on a channel without a bundle.
    assert served(row) == served(was) or "the rollout's bundle" in way.lost


@pytest.mark.parametrize(
    ("edit", "ways"),
    [
        (Edit(rollback=True), [["start 0", "pause 20"]]),
        (Edit(rollout_version="b3"), [["start 0", "pause 20"]]),
        (Edit(promote_to_stable=True), [["b1", "start 0", "pause 20"]]),
        (Edit(version="b3"), [["b1"], ["b1", "start 0", "pause 20"]]),
        (Edit(rollout_enabled=False), [["start 0", "pause 20"], ["start 0", "widen 20"]]),
    ],
    ids=["dropped", "replaced", "promoted", "stable changed", "switched off"],
)
def test_a_paused_rollout_comes_back_paused(behaviour: Behaviour, edit: Edit, ways: list[list[str]]) -> None:
    """What somebody stopped is named at no share, then paused at the one it had, whatever took it away."""
    after = edited(ROW, edit, behaviour)
    assert isinstance(after, ChannelRow)
    way = way_back(ROW, ends(ROW, edit, after), WHERE)
    said = [
        f"{call.action} {call.percentage:g}" if isinstance(call, SetRollout) else str(call.model_dump()["version"])
        for call in way.calls
    ]
    assert way.lost == []
    assert said in ways


@pytest.mark.parametrize("platforms", [{"ios": False}, {"ios": False, "android": False}])
def test_a_default_comes_back_without_losing_electron(behaviour: Behaviour, platforms: dict[str, bool]) -> None:
    """A default whose platforms come back with it keeps Electron, which one platform alone would take from it."""
    before = ChannelRow(version="b1", public=True, ios=True, android=True, electron=True)
    edit = Edit.model_validate({"public": False, **platforms})
    after = edited(before, edit, behaviour)
    assert isinstance(after, ChannelRow)
    way = way_back(before, ends(before, edit, after), WHERE)
    assert (walked(way, before, after, behaviour), way.lost) == (before, [])


BUNDLES: Final = st.sampled_from(["b0", "b1", "b2", "b3"])
FLAG: Final = st.booleans()
SHARE: Final = st.sampled_from([0, 1, 2000, 10_000])
REASON: Final = st.none() | st.sampled_from(["crashes", "holiday"])
COUNT: Final = st.none() | st.integers(0, 100)
STORED: Final[dict[str, st.SearchStrategy[Any]]] = {
    "version": st.none() | BUNDLES,
    "rollout_version": st.none() | BUNDLES,
    **dict.fromkeys(("public", "ios", "android", "allow_dev", "rollout_enabled", "auto_pause_enabled"), FLAG),
    "rollout_percentage_bps": SHARE,
    "rollout_paused_at": st.none() | st.just(PAUSED),
    "rollout_pause_reason": REASON,
    "auto_pause_min_attempts": COUNT,
    "auto_pause_window_minutes": st.integers(1, 100),
}
ROWS: Final = st.builds(ChannelRow, **STORED)
EDITS: Final = st.fixed_dictionaries(
    {},
    optional={
        **STORED,
        **dict.fromkeys(("rollout_paused", "rollback", "promote_to_stable", "advance_rollout"), FLAG),
    },
).map(Edit.model_validate)


@settings(max_examples=150)
@given(before=ROWS, edit=EDITS)
def test_the_way_back_from_any_change(before: ChannelRow, edit: Edit, behaviour: Behaviour) -> None:
    """Whatever was and whatever was done: what is not named comes back, on a way that harms nobody."""
    after = edited(before, edit, behaviour)
    assume(not isinstance(after, EditRefused))
    assert isinstance(after, ChannelRow)
    way = way_back(before, ends(before, edit, after), WHERE)
    row = walked(way, before, after, behaviour)
    assert different(before, row) <= {COLUMNS.get(name, name) for name in way.lost}
    assert different(before, after) or not way.calls
