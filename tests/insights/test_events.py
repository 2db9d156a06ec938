"""What happened on one device: in words, newest first, and short however much it was."""

from typing import Any, Final

import mcp_types as t
import pytest

from capgo_mcp.api.rights import HOLDERS
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.insights.events import EMPTY, LONG
from capgo_mcp.sandbox import State, rights
from capgo_mcp.sandbox.rows import new_event
from capgo_mcp.sandbox.seed.events import FALLEN_DEVICE
from capgo_mcp.sandbox.seed.fleet import device_id
from capgo_mcp.sandbox.seed.people import DEMO_APP
from tests.support.samples import toolbox

TOOL: Final = "capgo_list_device_events"


async def events(capgo: Capgo, device: str = FALLEN_DEVICE, **arguments: Any) -> dict[str, Any]:
    """What the tool tells of a device of the demo app."""
    result = await toolbox(capgo).call(TOOL, {"app_id": DEMO_APP, "device_id": device, **arguments})
    assert isinstance(result, t.CallToolResult)
    assert not result.is_error, result.content
    assert result.structured_content is not None
    content: dict[str, Any] = result.structured_content
    return content


async def test_update_that_failed_reads_as_a_story(capgo: Capgo) -> None:
    """The newest event comes first, each in words; steps of one download are told as one."""
    answer = await events(capgo, since="5d")
    assert [item["event"] for item in answer["items"]][:6] == [
        "reset", "update_fail", "set", "download_complete", "download_90", "get",
    ]  # fmt: skip
    assert "notifyAppReady" in answer["items"][1]["means"]
    assert answer["items"][4]["times"] == 4
    times = [item["at"] for item in answer["items"]]
    assert times == sorted(times, reverse=True)


async def test_long_log_is_grouped(capgo: Capgo) -> None:
    """Over many days equal events are told together, with their number and the first one."""
    answer = await events(capgo, since="30d")
    assert answer["grouped"] is True
    assert len(answer["items"]) <= LONG
    opened = next(item for item in answer["items"] if item["event"] == "app_moved_to_foreground")
    assert opened["times"] == 11
    assert opened["first"] < opened["at"]


async def test_one_kind_of_event(capgo: Capgo) -> None:
    """Asked for one code, nothing else is told."""
    answer = await events(capgo, since="30d", event="update_fail")
    assert [item["event"] for item in answer["items"]] == ["update_fail"]


async def test_what_the_device_said_of_a_failure_is_told_cleaned(capgo: Capgo, state: State) -> None:
    """A message of a crash helps, but is a stranger's text: hidden characters go, and it is short."""
    crash = {"message": "bad\u200b draft " + "x" * 1000, "stack": "not shown"}
    state.events.append(new_event(DEMO_APP, "crashing", "app_crash", "2.2.8", state.now(), crash))
    (item,) = (await events(capgo, "crashing"))["items"]
    assert item["detail"].startswith("bad draft xxx")
    assert len(item["detail"]) <= 200 + len(" (1 hidden)")


@pytest.mark.parametrize("metadata", [None, "text", ["list"], {"message": 5}, {}])
async def test_odd_details_are_left_out(capgo: Capgo, state: State, metadata: Any) -> None:
    """Whatever stands in the metadata, the event is told."""
    state.events.append(new_event(DEMO_APP, "crashing", "app_crash", "2.2.8", state.now(), metadata))
    (item,) = (await events(capgo, "crashing"))["items"]
    assert "detail" not in item


async def test_code_that_nobody_knows_is_told_as_it_is(capgo: Capgo, state: State) -> None:
    """A newer plugin may report what this server has no words for."""
    state.events.append(new_event(DEMO_APP, "newer", "brand_new", "2.2.8", state.now()))
    (item,) = (await events(capgo, "newer"))["items"]
    assert item["event"] == "brand_new"
    assert "means" not in item


async def test_no_events_may_be_an_outage(capgo: Capgo) -> None:
    """An empty log is told with its doubt, because Capgo answers an outage the same way."""
    answer = await events(capgo, "no-such-device")
    assert answer["items"] == []
    assert answer["note"] == EMPTY


async def test_log_that_is_cut_says_so(capgo: Capgo) -> None:
    """When there may be older events, the answer tells how to see them."""
    assert "raise limit" in (await events(capgo, since="30d", limit=3))["note"]


async def test_key_without_the_right_is_told_which(capgo: Capgo, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal names the permission and who holds it."""
    monkeypatch.setattr(rights, "HOLDERS", {**HOLDERS, "app.read_logs": ()})
    result = await toolbox(capgo).call(TOOL, {"app_id": DEMO_APP, "device_id": device_id(DEMO_APP, 3)})
    assert isinstance(result, t.CallToolResult)
    assert result.is_error
    assert "app.read_logs" in str(result.content)
