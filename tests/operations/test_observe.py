"""Observe tells figures and nothing that speaks to agents."""

from typing import Any, Final

import pytest

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.sandbox.seed.people import DEMO_APP
from evals.tokens import estimated
from tests.support import samples
from tests.support.safety import desk, text, unlimited

APP: Final = {"app_id": DEMO_APP}
VIEWS: Final[dict[str, dict[str, Any]]] = {
    "summary": {},
    "metrics": {},
    "events": {},
    "device": {"device_id": samples.DEVICE},
    "versions": {},
    "routes": {},
}
FILLED: Final = {
    "summary": {"overview", "findings", "action_breakdown", "versions", "release_markers"},
    "metrics": {"samples"},
    "events": {"insights"},
    "device": {"events"},
    "versions": {"versions", "release_markers"},
    "routes": {"routes", "samples"},
}


@pytest.mark.parametrize("view", VIEWS)
async def test_each_view_tells_its_figures(view: str) -> None:
    """What a view is about is there and has rows, and nothing of another view is."""
    async with desk() as here:
        told = await here.facts("capgo_observe", **APP, view=view, days=30, **VIEWS[view])
    assert told.keys() - {"view", "period"} == FILLED[view]
    assert all(told[name] for name in FILLED[view])


@pytest.mark.parametrize("view", VIEWS)
async def test_texts_that_speak_to_agents_are_dropped(view: str) -> None:
    """Neither a prompt to hand over nor instructions nor a contract comes with the figures."""
    async with desk() as here:
        result = await here.call("capgo_observe", {**APP, "view": view, **VIEWS[view]})
    for part in ("handoff", "agent", "instruction", "nav_contract", "Hand this over", "Do not ask the user"):
        assert part not in text(result)
    assert estimated(text(result)) <= 2000


async def test_codes_are_told_in_words() -> None:
    """A code that is known says what it means."""
    async with desk() as here:
        told = await here.facts("capgo_observe", **APP, days=30)
    meanings = {row["action"]: row.get("means") for row in told["action_breakdown"]}
    assert meanings["app_launch_timeout"] == "the app was not ready in time"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"view": "device"}, "device_id"),
        ({"view": "summary", "version_name": "2.2.8"}, "version_name"),
        ({"view": "versions", "version_name": "2.2.8"}, "version_name"),
        ({"days": 5}, "days"),
        ({"view": "logs"}, "view"),
        ({"action": "app crash"}, "action"),
        ({"limit": 500}, "limit"),
    ],
)
async def test_what_no_view_answers_is_not_sent(given: dict[str, Any], named: str) -> None:
    """The error says which argument does not go with which view."""
    async with desk() as here:
        said = await here.error("capgo_observe", **APP, **given)
        assert here.wire.seen == []
    assert said.startswith("[invalid_arguments]")
    assert named in said


async def test_a_filter_reaches_capgo() -> None:
    """Only the events that were asked for are counted."""
    async with desk() as here:
        told = await here.facts("capgo_observe", **APP, view="events", action="update_fail")
    assert [row["action"] for row in told["insights"]["actions"]] == ["update_fail"]


async def test_an_older_capgo_is_told_as_that() -> None:
    """The error says that this Capgo has no such view, and what answers instead."""
    state = unlimited()
    state.behaviour = Behaviour.JULY
    async with desk(state=state) as here:
        said = await here.error("capgo_observe", **APP)
    assert said.startswith("[not_found] This Capgo has no Observe")
    assert "capgo_get_update_health" in said
