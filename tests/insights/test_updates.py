"""Questions about all apps and whole fleets, each answered in one call and without figures that nobody asked for."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Final

import httpx2
import pytest

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.sandbox import State
from capgo_mcp.sandbox.seed.people import DEMO_APP, HARBOR, LIGHTHOUSE, NOTES_APP, RIDER_APP
from tests.support.safety import desk, unlimited

TOOL: Final = "capgo_find_apps"
PERIOD: Final = {
    "from_date": str(datetime.now(UTC).date() - timedelta(days=7)),
    "to_date": str(datetime.now(UTC).date() - timedelta(days=1)),
}


@pytest.fixture(params=Behaviour, ids=lambda behaviour: behaviour.value)
def state(request: pytest.FixtureRequest) -> State:
    """A sandbox of each behaviour."""
    seeded = unlimited()
    seeded.behaviour = request.param
    return seeded


def newest(state: State, app_id: str) -> str:
    """When the newest bundle of an app was uploaded, as the sandbox holds it."""
    return max(
        str(row["created_at"]) for row in state.bundles.values() if row["app_id"] == app_id and not row["deleted"]
    )


async def test_each_app_has_its_newest_bundle_and_date(state: State) -> None:
    """The one that was updated last comes first, and one without any bundle last."""
    state.apps["com.empty.app"] = {**state.apps[NOTES_APP], "app_id": "com.empty.app", "name": "Empty"}
    async with desk(state=state) as here:
        told = await here.facts(TOOL)
    dates = {row["app_id"]: row.get("uploaded_at") for row in told["items"]}
    assert dates.keys() == {DEMO_APP, NOTES_APP, RIDER_APP, "com.empty.app"}
    for app_id in (DEMO_APP, NOTES_APP, RIDER_APP):
        assert dates[app_id][:10] == newest(state, app_id)[:10]
    assert [*dates] == sorted(dates, key=lambda app_id: dates[app_id] or "", reverse=True)
    assert told["items"][0]["newest_bundle"] == "2.3.0"
    assert told["apps_seen"] == 4


async def test_apps_without_an_update_are_found(state: State) -> None:
    """Those whose newest bundle is older, and those that have none."""
    bound = datetime.now(UTC) - timedelta(days=5)
    async with desk(state=state) as here:
        old = await here.facts(TOOL, no_update_since="5d")
        none = await here.facts(TOOL, no_update_since="900d")
    late = {
        app_id for app_id in (DEMO_APP, NOTES_APP, RIDER_APP) if datetime.fromisoformat(newest(state, app_id)) < bound
    }
    assert {row["app_id"] for row in old["items"]} == late
    assert 0 < len(late) < 3
    assert none["items"] == []
    assert none["apps_seen"] == 3


async def test_apps_of_one_organization() -> None:
    """By argument, or by the settings, which then leave no choice; one app alone is no such question."""
    async with desk() as here:
        assert {row["app_id"] for row in (await here.facts(TOOL, org_id=HARBOR))["items"]} == {RIDER_APP}
    async with desk(org=LIGHTHOUSE) as here:
        assert {row["app_id"] for row in (await here.facts(TOOL))["items"]} == {DEMO_APP, NOTES_APP}
    async with desk(app=DEMO_APP) as here:
        assert TOOL not in here.tools


async def test_an_app_that_cannot_be_read_is_named() -> None:
    """The others are told all the same."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/app":
            return httpx2.Response(200, json=[{"app_id": "com.a.one"}, {"app_id": "com.a.two"}])
        if request.url.params["app_id"] == "com.a.two":
            return httpx2.Response(400, json={"error": "cannot_get_bundle", "message": "You can't access this app"})
        return httpx2.Response(200, json=[{"id": 1, "name": "1.0.0", "created_at": "2026-11-01T00:00:00Z"}])

    async with desk(inner=httpx2.MockTransport(answer)) as here:
        told = await here.facts(TOOL)
    assert told["items"] == [{"app_id": "com.a.one", "newest_bundle": "1.0.0", "uploaded_at": "2026-11-01T00:00Z"}]
    assert told["unknown"][0].startswith("com.a.two: ")


@pytest.mark.parametrize("odd", ["my_app.one", "../orgs", "com.a.\u200bone", None])
async def test_an_app_with_an_id_that_no_call_takes_is_named(odd: str | None) -> None:
    """Nothing is asked about it, and the others are told all the same."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/app":
            return httpx2.Response(200, json=[{"app_id": odd, "name": "Odd"}, {"app_id": "com.a.two"}])
        assert request.url.params["app_id"] == "com.a.two"
        return httpx2.Response(200, json=[{"id": 1, "name": "1.0.0", "created_at": "2026-11-01T00:00:00Z"}])

    async with desk(inner=httpx2.MockTransport(answer)) as here:
        told = await here.facts(TOOL)
    assert [row["app_id"] for row in told["items"]] == ["com.a.two"]
    assert "is nothing that capgo_list_bundles takes" in told["unknown"][0]


async def test_apps_that_were_not_looked_at_are_told() -> None:
    """A limit, or the end of the time, is no claim about the rest."""
    async with desk() as here:
        assert "raise limit" in (await here.facts(TOOL, limit=2))["note"]


async def test_a_cross_table_counts_combinations(state: State) -> None:
    """Version by platform: each device once, in its combination."""
    async with desk(state=state) as here:
        told = await here.facts("capgo_summarize_devices", app_id=DEMO_APP, crossed=True, limit=100)
    (table,) = told["breakdown"]
    rows = [row for (app_id, _), row in state.devices.items() if app_id == DEMO_APP]
    expected = Counter(f"{row['version_name']} + {row['platform']}" for row in rows)
    assert table["by"] == "version + platform"
    assert {group["value"]: group["devices"] for group in table["groups"]} == expected


async def test_figures_of_each_app_come_without_those_of_each_day() -> None:
    """Who asks which app uses most bandwidth gets a line for each; days come when they are asked for."""
    async with desk() as here:
        told = await here.facts("capgo_get_organization_statistics", org_id=LIGHTHOUSE, **PERIOD, breakdown=True)
        daily = await here.facts(
            "capgo_get_organization_statistics", org_id=LIGHTHOUSE, **PERIOD, breakdown=True, daily=True
        )
        plain = await here.facts("capgo_get_organization_statistics", org_id=LIGHTHOUSE, **PERIOD)
    assert "days" not in told
    assert {row["app_id"] for row in told["by_app"]} == {DEMO_APP, NOTES_APP}
    assert sum(row["bandwidth"] for row in told["by_app"]) == told["total"]["bandwidth"]
    assert len(daily["days"]) == len(plain["days"]) == 7
