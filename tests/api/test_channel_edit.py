"""What a write does to a channel is what the recorded writes did."""

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from capgo_mcp.api.channel_edit import Behaviour, Edit, EditRefused, edited
from tests.support.data import DATA

SEQUENCES: Final[list[dict[str, Any]]] = [
    json.loads(line) for line in (DATA / "rollouts.jsonl").read_text("utf-8").splitlines()
]
_COLUMNS: Final = {
    "rolloutEnabled": "rollout_enabled",
    "rolloutVersion": "rollout_version",
    "rolloutPercentageBps": "rollout_percentage_bps",
    "rolloutPauseReason": "rollout_pause_reason",
    "rolloutCacheTtlSeconds": "rollout_cache_ttl_seconds",
    "autoPauseEnabled": "auto_pause_enabled",
    "autoPauseAction": "auto_pause_action",
    "autoPauseFailureRateBps": "auto_pause_failure_rate_bps",
    "autoPauseMinAttempts": "auto_pause_min_attempts",
}
_PLAIN: Final = ("version", "public", "ios", "android", "electron")
_NONE: Final = (None, "", "builtin", "unknown")


def recorded_edit(request: dict[str, Any]) -> Edit:
    """What a recorded request says."""
    body = request["body"]
    if request["method"] == "PUT":
        return Edit({"version": body["version_id"]})
    sets = {_COLUMNS[name]: value for name, value in body.items() if name in _COLUMNS}
    sets |= {name: body[name] for name in _PLAIN if name in body}
    sets |= {name: None for name in ("version", "rollout_version") if name in sets and sets[name] in _NONE}
    if "rolloutPercentage" in body:
        sets["rollout_percentage_bps"] = round(body["rolloutPercentage"] * 100)
    if body.get("rolloutPaused"):
        sets["rollout_paused_at"] = "set"
    if body.get("public") and body.get("ios") != body.get("android"):
        sets["electron"] = False
    return Edit(
        sets,
        resumes=body.get("rolloutPaused") is False,
        rolls_back=bool(body.get("rollback")),
        promotes=bool(body.get("promoteToStable")),
    )


def steps() -> Iterator[Any]:
    """Every recorded write to a channel that existed, with the row before and after it."""
    for sequence in SEQUENCES:
        before = None
        for number, step in enumerate(sequence["steps"]):
            after = step["channel_after"]
            if before is not None:
                yield pytest.param(before, step, after, id=f"{sequence['n']}.{number}")
            before = after


@pytest.mark.parametrize(("before", "step", "after"), [*steps()])
def test_each_recorded_write_is_foretold(before: dict[str, Any], step: dict[str, Any], after: dict[str, Any]) -> None:
    """The row after each recorded write is the predicted one, and what Capgo refused is refused with its code."""
    edit = recorded_edit(step["request"])
    if step["response"]["status"] == 200:
        assert edited(before, edit, Behaviour.JULY) == after
        return
    with pytest.raises(EditRefused) as refused:
        edited(before, edit, Behaviour.JULY)
    assert refused.value.code == step["response"]["error"]
    assert after == before
