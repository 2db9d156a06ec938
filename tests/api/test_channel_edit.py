"""What a write does to a channel is what the recorded writes did."""

from typing import Final, NamedTuple

import pytest

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.api.channel_edit import ChannelRow, Edit, EditRefused, edited, possible, served
from tests.support.recorded_edits import SEQUENCES, Facts, recorded_edit


@pytest.mark.parametrize("sequence", SEQUENCES, ids=lambda sequence: str(sequence["n"]))
def test_each_recorded_write_is_foretold(sequence: Facts) -> None:
    """From no channel on, each answer and the row after it are the predicted ones."""
    row: ChannelRow | None = None
    for step in sequence["steps"]:
        after = edited(row, recorded_edit(step["request"]), Behaviour.JULY, now="set")
        refusal = (after.status, after.code) if isinstance(after, EditRefused) else (200, None)
        assert refusal == (step["response"]["status"], step["response"].get("error"))
        row = row if isinstance(after, EditRefused) else after
        told: Facts | None = step["channel_after"]
        assert (row and {name: getattr(row, name) for name in told or {}}) == told


ROLLING: Final = ChannelRow(
    version="a",
    electron=True,
    update_package="all",
    rollout_version="b",
    rollout_enabled=True,
    rollout_percentage_bps=2000,
    rollout_paused_at="then",
    rollout_pause_reason="crash",
)
ENDED: Final = {
    "rollout_version": None,
    "rollout_enabled": False,
    "rollout_percentage_bps": 0,
    "rollout_paused_at": None,
    "rollout_pause_reason": None,
}
UNPAUSED: Final = {"rollout_paused_at": None, "rollout_pause_reason": None}
_NO_TARGET: Final = EditRefused("missing_rollout_version", "Cannot advance without a rollout version")
_NO_NEXT: Final = EditRefused("missing_rollout_version", "Cannot advance without a new rollout target")


class Case(NamedTuple):
    """A write to a channel that rolls out, paused, and what it changes in July and in November."""

    edit: Edit
    july: Facts | EditRefused
    november: Facts | EditRefused
    row: ChannelRow = ROLLING


CASES: Final = {
    "stable": Case(Edit(version="c"), {"version": "c"}, {"version": "c", **ENDED}),
    "stable, the same": Case(Edit(version="a"), {}, {}),
    "stable, with the same target": Case(
        Edit(version="c", rollout_version="b"), {"version": "c"}, {"version": "c", **ENDED}
    ),
    "stable and target": Case(
        Edit(version="c", rollout_version="d"),
        {"version": "c", "rollout_version": "d", **UNPAUSED},
        {"version": "c", "rollout_version": "d", **UNPAUSED},
    ),
    "unlinked": Case(Edit(version=None), {"version": None}, {"version": None, **ENDED}),
    "off": Case(
        Edit(rollout_enabled=False),
        {"rollout_enabled": False},
        {"rollout_enabled": False, "rollout_version": None, **UNPAUSED},
    ),
    "off, with a target": Case(
        Edit(rollout_enabled=False, rollout_version="c"),
        {"rollout_enabled": False, "rollout_version": "c", **UNPAUSED},
        {"rollout_enabled": False, "rollout_version": None, **UNPAUSED},
    ),
    "off and rolled back": Case(Edit(rollout_enabled=False, rollback=True), ENDED, ENDED),
    "off, with a target that needs a stable bundle": Case(
        Edit(rollout_enabled=False, rollout_version="c"),
        EditRefused("missing_stable_version", "Cannot set a rollout version without a stable version"),
        {"rollout_enabled": False, "rollout_version": None, **UNPAUSED},
        ROLLING.model_copy(update={"version": None}),
    ),
    "advanced": Case(
        Edit(advance_rollout=True, rollout_version="c"),
        {"rollout_version": "c", **UNPAUSED},
        {"version": "b", "rollout_version": "c", **UNPAUSED},
    ),
    "advanced, rather than promoted": Case(
        Edit(advance_rollout=True, promote_to_stable=True, rollout_version="c"),
        {"version": "c", **ENDED},
        {"version": "b", "rollout_version": "c", **UNPAUSED},
    ),
    "advanced, and off": Case(
        Edit(advance_rollout=True, rollout_version="c", rollout_enabled=False),
        {"rollout_version": "c", "rollout_enabled": False, **UNPAUSED},
        {"version": "b", "rollout_version": "c", "rollout_enabled": False, **UNPAUSED},
    ),
    "advanced to nothing": Case(Edit(advance_rollout=True), {}, _NO_NEXT),
    "advanced and rolled back": Case(Edit(advance_rollout=True, rollout_version="c", rollback=True), ENDED, _NO_NEXT),
    "advanced from nothing": Case(
        Edit(advance_rollout=True, rollout_version="c"),
        {"rollout_version": "c"},
        _NO_TARGET,
        ChannelRow(version="a", rollout_enabled=True),
    ),
    "promoted with a target": Case(
        Edit(promote_to_stable=True, rollout_version="c"), {"version": "c", **ENDED}, {"version": "c", **ENDED}
    ),
    "promoted and rolled back": Case(
        Edit(promote_to_stable=True, rollback=True), {"version": "b", **ENDED}, {"version": "b", **ENDED}
    ),
    "target, paused in the same call": Case(
        Edit(rollout_version="c", rollout_paused=True),
        {"rollout_version": "c", **UNPAUSED},
        {"rollout_version": "c", **UNPAUSED},
    ),
    "target taken away": Case(
        Edit(rollout_version=None), {"rollout_version": None, **UNPAUSED}, {"rollout_version": None, **UNPAUSED}
    ),
    "kind of download": Case(Edit(update_package="zip"), {}, {"update_package": "zip"}),
    "paused at a time, which wins": Case(
        Edit(rollout_paused=False, rollout_paused_at="other"),
        {"rollout_paused_at": "other", "rollout_pause_reason": None},
        {"rollout_paused_at": "other", "rollout_pause_reason": None},
    ),
}


@pytest.mark.parametrize("behaviour", Behaviour)
@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_each_behaviour_has_its_own_side_effects(case: Case, behaviour: Behaviour) -> None:
    """A write changes what it changes in that Capgo, and nothing else."""
    expected = case.july if behaviour is Behaviour.JULY else case.november
    outcome = expected if isinstance(expected, EditRefused) else case.row.model_copy(update=expected)
    assert edited(case.row, case.edit, behaviour) == outcome


@pytest.mark.parametrize(
    ("edit", "refused"),
    [
        (Edit(rollout_version="a"), set(Behaviour)),
        (Edit(rollback=True), set(Behaviour)),
        (Edit(promote_to_stable=True), set(Behaviour)),
        (Edit(advance_rollout=True), {Behaviour.NOVEMBER}),
        (Edit(version="a", rollout_enabled=True, rollout_percentage_bps=100), set()),
    ],
)
def test_only_a_channel_that_exists_has_a_rollout(edit: Edit, refused: set[Behaviour]) -> None:
    """A new channel takes settings, those of a rollout included, but none that needs its bundle."""
    outcomes = {behaviour: edited(None, edit, behaviour) for behaviour in Behaviour}
    assert {behaviour for behaviour, outcome in outcomes.items() if isinstance(outcome, EditRefused)} == refused


@pytest.mark.parametrize(
    ("body", "edit"),
    [
        ({"rolloutPercentage": 12.5}, Edit(rollout_percentage_bps=1250)),
        ({"rolloutPercentage": 50, "rollout_percentage_bps": 700}, Edit(rollout_percentage_bps=700)),
        ({"version": "builtin"}, Edit(version=None)),
        ({"rolloutVersion": 0, "rolloutPaused": False}, Edit(rollout_version=None, rollout_paused=False)),
        ({"autoPauseMinAttempts": None}, Edit(auto_pause_min_attempts=None)),
        ({"app_id": "com.demo.app", "channel": "production"}, Edit()),
    ],
)
def test_an_edit_is_read_from_the_body_of_a_request(body: Facts, edit: Edit) -> None:
    """Both spellings, percent, the words for no bundle; null says something, and a field left out nothing."""
    assert Edit.model_validate(body) == edit
    assert (Edit() == edit) == (not edit.said)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, {"a": 10_000}),
        (UNPAUSED, {"a": 10_000, "b": 2000}),
        ({**UNPAUSED, "version": None}, {"b": 2000}),
        ({**UNPAUSED, "version": "b"}, {"b": 10_000}),
        ({**UNPAUSED, "rollout_enabled": False}, {"a": 10_000}),
        ({"version": None}, {}),
    ],
)
def test_a_channel_serves_the_stable_bundle_and_a_rollout_that_runs(changes: Facts, expected: dict[str, int]) -> None:
    """The rollout's bundle goes to its share while it is on and not paused; the stable one may go to all."""
    assert served(ROLLING.model_copy(update=changes)) == expected


_LIVE: Final = ROLLING.model_copy(update=UNPAUSED)


@pytest.mark.parametrize(
    ("edit", "changes", "expected"),
    [
        (Edit(version="c"), {"version": "c"}, {Behaviour.JULY}),
        (Edit(version="c"), {"version": "c", **ENDED}, {Behaviour.NOVEMBER}),
        (Edit(version="a"), {}, set(Behaviour)),
        (Edit(update_package="zip"), {"update_package": "zip"}, {Behaviour.NOVEMBER}),
        (Edit(ios=False), {}, set(Behaviour)),
        (Edit(rollout_paused=True), {"rollout_paused_at": "2026-11-01T10:20:30+00:00"}, set(Behaviour)),
        (Edit(version="c"), {"version": "somebody's"}, set(Behaviour)),
    ],
)
def test_a_change_tells_which_capgo_made_it(edit: Edit, changes: Facts, expected: set[Behaviour]) -> None:
    """The rows before and after a write tell the behaviours that lead from one to the other, or say nothing of it."""
    assert set(possible(_LIVE, edit, _LIVE.model_copy(update=changes))) == expected
