"""Who changed production: the audit log told as people tell it."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx2
import pytest

from capgo_mcp.sandbox import UPLOADER_KEY, State, create_app
from capgo_mcp.sandbox.changes import audit_entry
from capgo_mcp.sandbox.seed.people import DEMO_APP, NOTES_APP
from evals.tokens import estimated
from tests.support.safety import desk, text, unlimited

APP: Final = {"app_id": DEMO_APP}


async def test_who_changed_production_is_told_in_one_call() -> None:
    """Person and key, from which bundle to which, and when."""
    async with desk() as here:
        (change,) = (await here.facts("capgo_list_changes", **APP, channel="production"))["items"]
    assert change["who"] == 'mira@example.com with the API key "Release desk"'
    assert change["what"] == 'changed the channel "production"'
    assert change["fields"] == [{"field": "version", "old": "2.2.7", "new": "2.2.8"}]
    assert datetime.fromisoformat(change["at"]) < datetime.now(UTC)


async def test_a_change_that_was_just_made_is_the_first() -> None:
    """A release, a rollout and a deletion each have their words; what changes along with them is left out."""
    async with desk() as here:
        await here.facts("capgo_set_channel", **APP, channel="production", version="2.3.0")
        await here.facts("capgo_set_rollout", **APP, channel="staging", action="widen", percentage=50)
        await here.facts("capgo_delete_channel", **APP, channel="qa", confirm=True)
        await here.facts("capgo_delete_bundle", **APP, version="1.0.0", confirm=True)
        changes = (await here.facts("capgo_list_changes", **APP, limit=4))["items"]
    told = {change["what"]: change.get("fields") for change in changes}
    assert told['changed the channel "production"'] == [{"field": "version", "old": "2.2.8", "new": "2.3.0"}]
    assert told['changed the channel "staging"'] == [{"field": "rollout_percentage", "old": 25.0, "new": 50.0}]
    assert told['deleted the channel "qa"'] is None
    assert told['deleted the bundle "1.0.0"'] == [{"field": "deleted", "old": False, "new": True}]


async def test_what_nobody_did_was_capgo_itself() -> None:
    """An automatic pause has no person behind it."""
    async with desk() as here:
        (change, *_) = (await here.facts("capgo_list_changes", **APP, channel="canary"))["items"]
    assert change["who"] == "Capgo itself"
    assert {field["field"] for field in change["fields"]} == {"rollout_paused_at", "rollout_pause_reason"}


async def test_another_app_of_the_organization_stays_out() -> None:
    """The log is the organization's, the answer the app's."""
    async with desk() as here:
        await here.facts("capgo_update_app", **APP, name="Renamed")
        none = await here.facts("capgo_list_changes", app_id=NOTES_APP)
        mine = await here.facts("capgo_list_changes", **APP, limit=1)
    assert none["items"] == []
    assert "30 days" in none["note"]
    assert mine["items"][0]["what"] == 'changed the app "Renamed"'
    assert {"field": "name", "old": "Demo app", "new": "Renamed"} in mine["items"][0]["fields"]


def _busy(entries: int) -> State:
    """An organization in which a machine changes the notes app all the time."""
    state = unlimited()
    notes = state.apps[NOTES_APP]
    for number in range(entries):
        old, new = ({**notes, "name": f"name {count}"} for count in (number, number + 1))
        audit_entry(state, "apps", "UPDATE", old, new, {"actor_user_id": None})
    return state


async def test_a_log_is_read_page_by_page_as_far_as_needed() -> None:
    """What is asked for is found behind two hundred other entries, and reading ends with the time that is asked for."""
    async with desk(state=_busy(250)) as here:
        found = await here.facts("capgo_list_changes", **APP)
        pages = [request for request in here.wire.seen if request.url.path == "/organization/audit"]
        assert len(found["items"]) > 10
        assert len(pages) == 3
        here.wire.seen.clear()
        assert (await here.facts("capgo_list_changes", **APP, channel="production", since="1d"))["items"] == []
        assert len([request for request in here.wire.seen if request.url.path == "/organization/audit"]) == 1


async def test_a_limit_is_said_to_be_one() -> None:
    """Where more changes were made, the note says how to see them."""
    async with desk() as here:
        assert "raise limit" in (await here.facts("capgo_list_changes", **APP, limit=2))["note"]


async def test_a_bundle_that_is_gone_is_told_by_its_id() -> None:
    """A change that speaks of a bundle nobody lists any more is told all the same."""
    async with desk() as here:
        for bundle in here.state.bundles.values():
            bundle["deleted"] = bundle["name"] == "2.2.7"
        (change,) = (await here.facts("capgo_list_changes", **APP, channel="production"))["items"]
    assert change["fields"][0]["old"].endswith("which is gone")


async def test_a_missing_right_names_who_holds_it() -> None:
    """A key of an app does not read the organization's log."""
    async with desk(key=UPLOADER_KEY) as here:
        assert "org.read_audit" in await here.error("capgo_list_changes", **APP)


@pytest.mark.parametrize(
    "body", [{"data": []}, {"data": [{}]}, {"data": [{"table_name": "channels", "new_record": 1}]}]
)
async def test_an_odd_log_is_no_crash(body: Any) -> None:
    """Entries without what they should hold are left out."""
    sandbox = httpx2.ASGITransport(app=create_app(unlimited()))

    async def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/organization/audit":
            return httpx2.Response(200, json=body)
        return await sandbox.handle_async_request(request)

    async with desk(inner=httpx2.MockTransport(answer)) as here:
        assert (await here.facts("capgo_list_changes", **APP))["items"] == []


async def test_twenty_changes_are_cheap() -> None:
    """A usual answer takes a thousand tokens at most."""
    async with desk() as here:
        result = await here.call(
            "capgo_list_changes", {**APP, "since": f"{datetime.now(UTC) - timedelta(days=30):%Y-%m-%d}"}
        )
    assert estimated(text(result)) <= 1200
