"""Which bundles a clean-up takes: none that is new, served, rolled out or run, and none where that is not known."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx2
import pytest

from capgo_mcp.client.reads import CURSOR_ROWS
from capgo_mcp.insights.clean_up import AT_ONCE
from capgo_mcp.operations.devices import ListDevices
from capgo_mcp.sandbox import State, create_app
from capgo_mcp.sandbox.seed.fleet import STRAGGLER
from capgo_mcp.sandbox.seed.people import DEMO_APP
from tests.support.safety import Desk, Facts, desk, unlimited

TOOL: Final = "capgo_clean_up_bundles"
DAY: Final = timedelta(days=1)


def names(state: State) -> list[str]:
    """The demo app's bundles, newest first."""
    rows = [row for row in state.bundles.values() if row["app_id"] == DEMO_APP and not row["deleted"]]
    return [row["name"] for row in sorted(rows, key=lambda row: row["created_at"], reverse=True)]


def served(state: State) -> set[str]:
    """What channels of the demo app serve or roll out."""
    return {state.bundles[number]["name"] for number in state.linked_bundles(DEMO_APP)}


def run(state: State, since: datetime | None = None) -> set[str]:
    """What devices run that were seen since a moment, or are pinned."""
    return {
        row["version_name"]
        for (app_id, device), row in state.devices.items()
        if app_id == DEMO_APP
        and (
            since is None or datetime.fromisoformat(row["updated_at"]) >= since or (DEMO_APP, device) in state.overrides
        )
    }


async def preview(here: Desk, **arguments: Any) -> Facts:
    """What a clean-up of the demo app shows first."""
    facts = await here.facts(TOOL, app_id=DEMO_APP, **arguments)
    told: Facts = facts["preview"]
    return told


@pytest.mark.parametrize("keep", [1, 10, 60, 500])
async def test_new_served_and_run_bundles_stay(keep: int) -> None:
    """All others go, the oldest first; what stays is told with the reason."""
    state = unlimited()
    async with desk(state=state) as here:
        facts = (await preview(here, keep=keep))["facts"]
    stay = {*names(state)[:keep], *served(state), *run(state)}
    assert facts["versions"] == [name for name in reversed(names(state)) if name not in stay]
    assert facts["bundles_to_delete"] + sum(group["bundles"] for group in facts["stays"]) == len(names(state))
    assert facts["stays"][0]["why"] == f"among the newest {keep}"
    assert facts["stays"][0]["versions"][0] == names(state)[0]


async def test_reasons_name_channels_and_devices() -> None:
    """A person sees which channels and how many devices a bundle stays for."""
    async with desk() as here:
        stays = {group["why"]: group["versions"] for group in (await preview(here, keep=1))["facts"]["stays"]}
    assert any(told.startswith("2.2.8 (production, ") for told in stays["served or rolled out by channels"])
    assert f"{STRAGGLER} (2)" in stays["run by devices"]


async def test_only_old_ones_go() -> None:
    """With `older_than`, what was uploaded since stays."""
    state = unlimited()
    async with desk(state=state) as here:
        facts = (await preview(here, keep=1, older_than="300d"))["facts"]
    bound = datetime.now(UTC) - 300 * DAY
    made = [
        datetime.fromisoformat((state.bundle_named(DEMO_APP, name) or {})["created_at"]) for name in facts["versions"]
    ]
    assert max(made) < bound
    assert f"uploaded since {bound:%Y-%m-%d}" in {group["why"] for group in facts["stays"]}


async def test_devices_that_are_quiet_for_long_count_only_if_pinned() -> None:
    """With `seen_since`, a forgotten device keeps its bundle only while it is pinned."""
    state = unlimited()
    since = datetime.now(UTC) - 30 * DAY
    async with desk(state=state) as here:
        assert STRAGGLER in (await preview(here, keep=1, seen_since="30d"))["facts"]["versions"]
        quiet = next(device for (_, device), row in state.devices.items() if row["version_name"] == STRAGGLER)
        state.overrides[DEMO_APP, quiet] = {**next(iter(state.overrides.values())), "device_id": quiet}
        versions = (await preview(here, keep=1, seen_since="30d"))["facts"]["versions"]
        assert STRAGGLER not in versions
        assert not run(state, since) & set(versions)
        pages = [request for request in here.wire.seen if request.url.path == "/device"]
    assert {request.url.params["limit"] for request in pages} == {str(ListDevices.spec.at_once)}


class Without(httpx2.AsyncBaseTransport):
    """A sandbox that fails to answer some paths, from a request to each on."""

    def __init__(self, state: State, **works: int) -> None:
        self._inner = httpx2.ASGITransport(app=create_app(state))
        self._works = works

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer, or say that the server is broken."""
        for part in self._works:
            if part in request.url.path and request.method == "GET":
                self._works[part] -= 1
                if self._works[part] < 0:
                    return httpx2.Response(500, json={"error": "unknown_error", "message": "No"})
        return await self._inner.handle_async_request(request)


async def test_statistics_tell_what_devices_do_not() -> None:
    """Where devices cannot be read, every bundle stays that the statistics of its usage name, and the gap is told."""
    state = unlimited()
    async with desk(state=state, inner=Without(state, device=0)) as here:
        told = await preview(here, keep=1)
    days = [counts for (app_id, _), counts in state.bundle_days.items() if app_id == DEMO_APP]
    used = {name for counts in days for name, count in counts.items() if count}
    assert used & set(names(state))
    assert not used & set(told["facts"]["versions"])
    assert told["facts"]["versions"]
    assert told["unknown"][0].startswith("devices: ")


async def test_nothing_goes_where_nobody_knows_what_runs() -> None:
    """Where neither devices nor statistics can be read, the call is an error that says so."""
    state = unlimited()
    async with desk(state=state, inner=Without(state, device=0, statistics=0)) as here:
        said = await here.error(TOOL, app_id=DEMO_APP, keep=1)
    assert said.startswith("[devices_not_known]")
    assert here.wire.writes == []


async def test_recent_devices_are_enough_where_only_they_count() -> None:
    """A list that breaks off behind the moment that counts needs no statistics; that pins may lack is told."""
    state = unlimited()
    async with desk(state=state, inner=Without(state, device=1, statistics=0)) as here:
        told = await preview(here, keep=1, seen_since="5d")
        assert told["unknown"][0].startswith("devices: Stopped after")
        assert not run(state, datetime.now(UTC) - 5 * DAY) - {"2.2.7"} & set(told["facts"]["versions"])


async def test_an_app_without_devices_is_told_as_doubtful() -> None:
    """An empty list is what an outage looks like: the statistics are asked, and the doubt stays in the preview."""
    state = unlimited()
    state.devices.clear()
    async with desk(state=state) as here:
        told = await preview(here, keep=1)
        assert any("bundle_usage" in request.url.path for request in here.wire.seen)
    assert "out of reach" in told["unknown"][0]


async def test_only_as_many_go_at_once_as_a_person_reads() -> None:
    """More than that are left for another call, and none of them is gone unseen."""
    state = unlimited()
    first = next(row for row in state.bundles.values() if row["name"] == "1.0.0")
    for number in range(AT_ONCE + 7):
        row = {**first, "id": 10_000 + number, "name": f"0.0.{number}"}
        state.bundles[row["id"]] = row
    async with desk(state=state) as here:
        facts = (await preview(here, keep=10))["facts"]
        assert facts["bundles_to_delete"] == len(facts["versions"]) == AT_ONCE
        answer = await here.facts(TOOL, app_id=DEMO_APP, keep=10)
        done = await here.follow(answer["after_consent"])
        rest = (await preview(here, keep=10))["facts"]
    assert done["changed"] == "in part"
    assert f"{facts['in_a_later_call']} more can go" in done["note"]
    assert rest["bundles_to_delete"] == facts["in_a_later_call"] == done["result"]["left"]


async def test_a_bundle_that_no_call_can_name_stays() -> None:
    """What Capgo would read as taking bundles away is never sent."""
    state = unlimited()
    oldest = next(row for row in state.bundles.values() if row["name"] == "1.0.0")
    oldest["name"] = "builtin"
    async with desk(state=state) as here:
        stays = (await preview(here, keep=1))["facts"]["stays"]
    assert {"why": "no tool can name them", "bundles": 1, "versions": ["builtin"]} in stays


async def test_long_lists_of_devices_are_read_in_large_pages() -> None:
    """Where every device counts, pins do not matter and pages are long."""
    async with desk() as here:
        await preview(here, keep=1)
        pages = [request for request in here.wire.seen if request.url.path == "/device"]
    assert {request.url.params["limit"] for request in pages} == {str(CURSOR_ROWS)}
