"""The log of events and the counts of it, as the routes of Capgo's console answer."""

from typing import Any

import pytest

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.sandbox import READER_KEY, seeded
from capgo_mcp.sandbox.seed.events import FAILING, FALLEN, FALLEN_DEVICE
from tests.support.caller import APP, Caller, code
from tests.support.recorded_world import Clock

COUNTS = "POST /private/stats/insights"
LOG = "POST /private/stats"


async def counted(sandbox: Caller, **sent: Any) -> dict[str, Any]:
    """The counts of the demo app."""
    answer: dict[str, Any] = (await sandbox.ask(COUNTS, {"appId": APP, **sent})).json()
    return answer


async def test_failures_are_counted_by_default(clock: Clock) -> None:
    """Without codes only failures count, and the most frequent one comes first."""
    answer = await counted(Caller(seeded(clock)), versionName=FAILING)
    assert answer["actions"][0]["action"] == "update_fail"
    assert answer["actions"][0]["device_count"] == len(FALLEN)
    assert answer["summary"] == {"total": len(FALLEN) + 1, "device_count": len(FALLEN) + 1, "action_count": 2}
    assert {row["version_name"] for row in answer["versions"]} == {FAILING}
    assert sum(row["total"] for row in answer["daily"]) == answer["summary"]["total"]


async def test_version_was_not_a_filter_in_july(clock: Clock) -> None:
    """The Capgo of July counts all bundles, whichever is asked for (N10)."""
    answer = await counted(Caller(seeded(clock, Behaviour.JULY)), versionName=FAILING)
    assert len({row["version_name"] for row in answer["versions"]}) > 1


@pytest.mark.parametrize("days", [1, 3, 7, 30])
async def test_period_ends_with_today(sandbox: Caller, days: int) -> None:
    """The days are those of the calendar, in UTC."""
    period = (await counted(sandbox, days=days))["period"]
    assert period["labels"][-1] == str(sandbox.state.moment().date())
    assert len(period["labels"]) == days
    assert period["start"].startswith(period["labels"][0])


@pytest.mark.parametrize(
    ("what", "sent", "refusal"),
    [
        (COUNTS, {"appId": APP, "days": 2}, (400, "invalid_days")),
        (COUNTS, {"appId": APP, "days": "7"}, (400, "invalid_body")),
        (COUNTS, {"days": 7}, (400, "invalid_body")),
        (COUNTS, {"appId": "com.unknown.app"}, (400, "app_access_denied")),
        (LOG, {"appId": APP, "limit": 0}, (400, "invalid_body")),
        (LOG, {"appId": APP, "rangeStart": "soon"}, (400, "invalid_body")),
        (LOG, {"appId": "com.unknown.app"}, (400, "app_access_denied")),
    ],
)
async def test_wrong_input_is_refused(sandbox: Caller, what: str, sent: Any, refusal: tuple[int, str]) -> None:
    """Bad values and apps out of reach are refused as the backend does."""
    assert code(await sandbox.ask(what, sent)) == refusal


async def test_log_of_one_device_is_newest_first(sandbox: Caller) -> None:
    """A reader sees what one device reported, cut to a span and a number of rows."""
    asked: dict[str, Any] = {"appId": APP, "devicesId": [FALLEN_DEVICE]}
    rows = (await sandbox.ask(LOG, asked, key=READER_KEY)).json()
    times = [row["created_at"] for row in rows]
    assert {row["device_id"] for row in rows} == {FALLEN_DEVICE}
    assert times == sorted(times, reverse=True)
    some = {**asked, "rangeStart": times[9], "rangeEnd": times[3], "limit": 5}
    assert (await sandbox.ask(LOG, some)).json() == rows[3:8]
    oldest = {**asked, "order": [{"key": "created_at", "sortable": "asc"}], "limit": 1}
    assert (await sandbox.ask(LOG, oldest)).json() == rows[-1:]
