"""Counting and finding devices: right figures in one call, in little memory, and honest about what was not read."""

import tracemalloc
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, Final, get_args

import anyio
import mcp_types as t
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import Client
from pydantic import ValidationError

from capgo_mcp.api.errors import CapgoError, RateLimited, Unreachable
from capgo_mcp.api.fields import moment
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.client.reads import CURSOR_ROWS
from capgo_mcp.insights.filters import is_below
from capgo_mcp.insights.search import FindDevices
from capgo_mcp.insights.summary import DISTINCT, Property, SummarizeDevices, Tally
from capgo_mcp.operations.devices import Device
from capgo_mcp.sandbox import State
from capgo_mcp.sandbox.seed.fleet import PINNED_DEVICE, STRAGGLERS
from capgo_mcp.sandbox.seed.people import DEMO_APP
from tests.support.faulty import EPOCH, VirtualClock
from tests.support.fleet import FakeCapgo, Heard, context, devices
from tests.support.samples import toolbox

APP: Final = "com.demo.app"
LIMITED: Final = RateLimited("too_many_requests", "Capgo refuses more calls for now.", "Wait.")


async def facts(capgo: Capgo, tool: str, **arguments: Any) -> dict[str, Any]:
    """What a tool answers about the demo app."""
    result = await toolbox(capgo).call(tool, {"app_id": DEMO_APP, **arguments})
    assert isinstance(result, t.CallToolResult)
    assert not result.is_error, result.content
    assert result.structured_content is not None
    content: dict[str, Any] = result.structured_content
    return content


def rows(state: State) -> list[dict[str, Any]]:
    """The demo app's devices as the sandbox holds them."""
    return [row for (app_id, _), row in state.devices.items() if app_id == DEMO_APP]


async def test_counts_are_those_of_the_fleet(capgo: Capgo, state: State) -> None:
    """Every property is counted as the sandbox holds it, and shares add up to the whole."""
    by = ["version", "platform", "os_version", "plugin_version", "version_build", "is_prod", "is_emulator"]
    summary = await facts(capgo, "capgo_summarize_devices", group_by=by, limit=100)
    assert summary["devices"] == summary["devices_seen"] == len(rows(state))
    assert summary["complete"] is True
    for breakdown in summary["breakdown"]:
        column = {"version": "version_name"}.get(breakdown["by"], breakdown["by"])
        expected = Counter(str(row[column]).lower() for row in rows(state))
        assert {group["value"].lower(): group["devices"] for group in breakdown["groups"]} == expected
        assert sum(group["percent"] for group in breakdown["groups"]) == pytest.approx(100, abs=1)
        assert "other_devices" not in breakdown


@pytest.mark.parametrize("properties", range(1, 1 + len(get_args(Property))))
async def test_an_answer_stays_short_however_much_is_counted(capgo: Capgo, properties: int) -> None:
    """Without a limit, fewer values of each property are shown the more properties are counted."""
    by = get_args(Property)[:properties]
    summary = await facts(capgo, "capgo_summarize_devices", group_by=list(by))
    shown = [len(breakdown["groups"]) for breakdown in summary["breakdown"]]
    assert max(shown) <= 10
    assert sum(shown) <= 28
    assert all(
        sum(group["devices"] for group in breakdown["groups"]) + breakdown.get("other_devices", 0) == summary["devices"]
        for breakdown in summary["breakdown"]
    )


async def test_pinned_channels_are_counted(capgo: Capgo, state: State) -> None:
    """Devices without an override are a group of their own."""
    summary = await facts(capgo, "capgo_summarize_devices", group_by=["channel"])
    groups = {group["value"]: group["devices"] for group in summary["breakdown"][0]["groups"]}
    pinned = sum(app_id == DEMO_APP for app_id, _ in state.overrides)
    assert groups.pop("(not pinned)") == len(rows(state)) - pinned
    assert sum(groups.values()) == pinned


async def test_filters_narrow_what_is_counted(capgo: Capgo, state: State) -> None:
    """Only matching devices count, while all that were read are told."""
    summary = await facts(capgo, "capgo_summarize_devices", platform="ios", version="2.2.8")
    expected = [row for row in rows(state) if row["platform"] == "ios" and row["version_name"] == "2.2.8"]
    assert summary["devices"] == len(expected) > 0
    assert summary["devices_seen"] == len(rows(state))


async def test_recent_devices_are_left_to_capgo(capgo: Capgo, state: State) -> None:
    """Devices that were not seen lately are not even read."""
    summary = await facts(capgo, "capgo_summarize_devices", updated_since="7d")
    recent = datetime.now(UTC) - timedelta(days=7)
    expected = [row for row in rows(state) if datetime.fromisoformat(row["updated_at"]) > recent]
    assert summary["devices_seen"] == len(expected) < len(rows(state))


async def test_walk_asks_for_the_largest_safe_pages() -> None:
    """A fleet takes one request per 999 devices, each with the cursor of the one before."""
    capgo = FakeCapgo(devices(CURSOR_ROWS * 3 + 5))
    heard = Heard()
    summary = await SummarizeDevices(app_id=APP).gather(context(capgo, report=heard))
    assert summary.devices == CURSOR_ROWS * 3 + 5
    assert [page.limit for page in capgo.pages] == [CURSOR_ROWS] * 4
    assert [page.cursor for page in capgo.pages][1] == f"after|device-{CURSOR_ROWS - 1:07}"
    assert heard.figures == [CURSOR_ROWS, CURSOR_ROWS * 2, CURSOR_ROWS * 3, summary.devices]


@pytest.mark.parametrize("error", [LIMITED, Unreachable("unreachable", "Could not connect.", "Wait.")])
async def test_walk_stops_with_what_it_has(error: CapgoError) -> None:
    """When Capgo refuses a later page the figures so far are told, and how many devices they are about."""
    summary = await SummarizeDevices(app_id=APP).gather(context(FakeCapgo(devices(5000), fails={3: error})))
    assert summary.devices == summary.devices_seen == 2 * CURSOR_ROWS
    assert summary.complete is False
    assert summary.note is not None
    assert str(2 * CURSOR_ROWS) in summary.note
    assert error.sentence.rstrip(".") in summary.note


async def test_walk_ends_with_its_time() -> None:
    """When the time is over after the first page, that page is what is told."""
    capgo = FakeCapgo(devices(5000))
    summary = await SummarizeDevices(app_id=APP).gather(context(capgo, seconds=0))
    assert len(capgo.pages) == 1
    assert summary.devices == CURSOR_ROWS
    assert summary.complete is False
    assert "seconds" in (summary.note or "")


async def test_request_that_hangs_ends_with_the_time(clock: VirtualClock) -> None:
    """A page that never comes does not hold the answer up for longer than the time there is."""

    class Hanging(FakeCapgo):
        async def send(self, operation: Any) -> Any:
            if self.pages:
                clock.run_out()
                await anyio.sleep_forever()
            return await super().send(operation)

    summary = await SummarizeDevices(app_id=APP).gather(context(Hanging(devices(5000)), clock=clock))
    assert summary.devices == CURSOR_ROWS
    assert summary.complete is False


async def test_first_page_that_fails_is_an_error() -> None:
    """Without any device there is nothing to tell but the error."""
    with pytest.raises(RateLimited):
        await SummarizeDevices(app_id=APP).gather(context(FakeCapgo(devices(5), fails={1: LIMITED})))


async def test_no_devices_may_be_an_outage() -> None:
    """An empty fleet is told with a doubt, because Capgo answers an outage the same way (T25)."""
    summary = await SummarizeDevices(app_id=APP).gather(context(FakeCapgo(devices(0))))
    assert summary.devices == 0
    assert summary.complete is True
    assert "out of reach" in (summary.note or "")


async def test_cursor_that_repeats_ends_the_walk() -> None:
    """A host that answers the same cursor for ever does not keep the walk going for ever."""

    class Stuck(FakeCapgo):
        async def send(self, operation: Any) -> Any:
            answer = await super().send(operation)
            return answer.model_copy(update={"next": "again"})

    capgo = Stuck(devices(10_000))
    await SummarizeDevices(app_id=APP).gather(context(capgo))
    assert len(capgo.pages) == 2


async def test_memory_stays_flat() -> None:
    """Twenty times the devices, each with a name of its own, take hardly more memory."""

    async def peak(count: int) -> int:
        def strange() -> Any:
            return (Device(device_id=str(n), version_build=f"{'x' * 200}-{n}", os_version=str(n)) for n in range(count))

        asked = SummarizeDevices(app_id=APP, group_by=["version_build", "os_version"])
        tracemalloc.start()
        await asked.gather(context(FakeCapgo(strange)))
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    few = await peak(2 * CURSOR_ROWS)
    assert await peak(20 * CURSOR_ROWS) < 2 * few


@given(st.lists(st.text(max_size=3), max_size=200), st.integers(1, 20))
def test_breakdown_counts_every_device_once(names: list[str], most: int) -> None:
    """What is shown and what is left over are together all devices, the most common first."""
    tally = Tally("version")
    for name in names:
        tally.add(Device(version_name=name))
    breakdown = tally.breakdown(most)
    counts = [group.devices for group in breakdown.groups]
    assert sum(counts) + (breakdown.other_devices or 0) == len(names)
    assert counts == sorted(counts, reverse=True)
    assert len(counts) <= most


def test_values_beyond_counting_are_left_over() -> None:
    """When devices name too many different values, the later ones are counted together."""
    tally = Tally("os_version")
    for number in range(DISTINCT + 50):
        tally.add(Device(os_version=str(number)))
    assert tally.breakdown(10).other_devices == DISTINCT + 50 - 10


async def test_finds_who_is_not_on_a_version(capgo: Capgo, state: State) -> None:
    """Every device on another version is found, and none on it."""
    found = await facts(capgo, "capgo_find_devices", not_version="2.2.8", limit=200)
    expected = {row["device_id"] for row in rows(state) if row["version_name"] != "2.2.8"}
    assert {item["device_id"] for item in found["items"]} == expected
    assert found["complete"] is True


async def test_finds_old_plugins(capgo: Capgo, state: State) -> None:
    """Plugin versions are compared by number: 6.14.10 is below 7.4.0, and above 6.2."""
    found = await facts(capgo, "capgo_find_devices", plugin_version_below="7.4.0", limit=200, fields=["plugin_version"])
    assert {item["plugin_version"] for item in found["items"]} == {"5.6.0", "6.14.10"}
    expected = sum(row["plugin_version"] in {"5.6.0", "6.14.10"} for row in rows(state))
    assert len(found["items"]) == expected


async def test_finds_a_pinned_device_by_its_custom_id(capgo: Capgo) -> None:
    """A part of the custom id is enough, in any case."""
    found = await facts(capgo, "capgo_find_devices", custom_id="MIRA", channel="beta")
    assert [item["device_id"] for item in found["items"]] == [PINNED_DEVICE]


async def test_finds_who_was_not_seen_lately(capgo: Capgo) -> None:
    """Devices that were forgotten in a drawer are found, and the walk ends where the recent ones begin."""
    found = await facts(capgo, "capgo_find_devices", not_seen_since="60d")
    assert {item["device_id"] for item in found["items"]} == set(STRAGGLERS.values())
    assert found["complete"] is True
    assert "note" not in found


async def test_walk_for_old_devices_ends_where_recent_ones_begin() -> None:
    """Sorted by last sight, the first device seen later ends the search."""
    long_ago, today = datetime(2020, 1, 1, tzinfo=UTC), datetime.now(UTC)

    def old_first() -> Any:
        return (Device(device_id=str(n), updated_at=long_ago if n < 7 else today) for n in range(100_000))

    capgo = FakeCapgo(old_first)
    found = await FindDevices(app_id=APP, not_seen_since="30d").gather(context(capgo))
    assert [device.device_id for device in found.items] == [str(n) for n in range(7)]
    assert found.complete is True
    assert [page.order for page in capgo.pages] == ["asc", "asc"], "the second page is read ahead"


async def test_search_counts_on_beyond_its_limit() -> None:
    """Once enough devices are found the others are counted, in long pages, and the answer says how many there are."""
    capgo = FakeCapgo(devices(50_000, platform="ios"))
    found = await FindDevices(app_id=APP, platform="ios", limit=30).gather(context(capgo))
    assert len(found.items) == 30
    assert found.matches == found.devices_seen == 50_000
    assert found.complete is True
    assert found.note == "49970 more match: raise limit or add a filter."
    assert {page.limit for page in capgo.pages[2:]} == {CURSOR_ROWS}, "the second page is read ahead as the first was"


async def test_search_asks_only_for_devices_with_a_custom_id() -> None:
    """Where a custom id is wanted, devices without one are left to Capgo."""
    capgo = FakeCapgo(devices(5))
    await FindDevices(app_id=APP, custom_id="a").gather(context(capgo))
    assert capgo.pages[0].custom_id_mode is True


@pytest.mark.parametrize("text", ["soon", "", "32", "2026-13-01", "d7", "-3d", "99999d"])
def test_moments_that_are_none_are_refused(text: str) -> None:
    """What stands for no moment is an error that shows two that do."""
    with pytest.raises(ValidationError, match="such as 2026-11-01"):
        FindDevices(app_id=APP, not_seen_since=text)


@given(st.datetimes(timezones=st.just(UTC)))
def test_moments_are_read_as_written(named: datetime) -> None:
    """A time with or without its zone means the same moment in UTC."""
    assert moment(named.isoformat(), EPOCH) == named
    assert moment(named.replace(tzinfo=None).isoformat(), EPOCH) == named


@given(st.tuples(*[st.integers(0, 99)] * 3), st.tuples(*[st.integers(0, 99)] * 3))
def test_versions_are_compared_by_number(one: tuple[int, ...], other: tuple[int, ...]) -> None:
    """Versions come in the order of their numbers, however many digits they have."""
    written = [".".join(map(str, numbers)) for numbers in (one, other)]
    assert is_below(*written) == (one < other)


@pytest.mark.parametrize("version", [None, "", "builtin", "unknown"])
def test_what_has_no_number_is_not_older(version: str | None) -> None:
    """A device that does not tell its plugin version is not called outdated."""
    assert not is_below(version, "7.0.0")


async def test_progress_reaches_the_client_that_asks(capgo: Capgo) -> None:
    """A client that sends a progress token hears of each page."""
    from tests.support.connected import connected  # noqa: PLC0415 - keeps this module's import light

    heard = Heard()
    async with connected(capgo) as client:
        assert isinstance(client, Client)
        await client.call_tool("capgo_summarize_devices", {"app_id": DEMO_APP}, progress_callback=heard)
    assert heard.figures == [260]


@pytest.mark.parametrize("tool", ["capgo_summarize_devices", "capgo_find_devices", "capgo_get_release_status"])
async def test_locks_hold_for_insights(tool: str, capgo: Capgo) -> None:
    """With --app the app is filled in and no other one can be asked about; with another --org it is out of scope."""
    locked = toolbox(capgo, app=DEMO_APP)
    answer = await locked.call(tool, {})
    other = await locked.call(tool, {"app_id": "com.lighthouse.notes"})
    foreign = await toolbox(capgo, org="22222222-0000-4000-8000-000000000002").call(tool, {"app_id": DEMO_APP})
    assert isinstance(answer, t.CallToolResult)
    assert not answer.is_error
    assert isinstance(other, t.CallToolResult)
    assert other.is_error
    assert isinstance(foreign, t.CallToolResult)
    assert "[out_of_scope]" in str(foreign.content)
