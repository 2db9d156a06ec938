"""No answer is longer than an agent can use; what is cut can be had with the call that the note names."""

import json
import re
from typing import Any, Final

import mcp_types as t
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capgo_mcp.agent.render import compact
from capgo_mcp.agent.sizing import LARGEST, AnswerTooLong, fitted
from capgo_mcp.api.operation import Declared
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.operations.bundles import ListBundles
from capgo_mcp.operations.devices import ListDevices
from capgo_mcp.operations.members import ListMembers
from capgo_mcp.sandbox import State
from capgo_mcp.sandbox.seed.people import DEMO_APP, LIGHTHOUSE
from tests.support.samples import toolbox

ROW: Final = {"text": "x" * 200}
LONG: Final = "x" * LARGEST


def listing(rows: int, **more: Any) -> dict[str, Any]:
    """A list of so many rows."""
    return {"items": [{"id": number, **ROW} for number in range(rows)], **more}


def test_what_fits_is_left_alone() -> None:
    """Most answers pass as they are."""
    facts = listing(10, next=1)
    assert fitted(ListBundles(app_id=DEMO_APP), facts) is facts


@settings(deadline=None)
@given(st.integers(0, 5), st.integers(1, 1000), st.integers(1, 2000))
def test_cut_list_says_how_to_go_on(page: int, limit: int, size: int) -> None:
    """The page and limit in the note begin with the first item that was cut off."""
    asked = ListBundles(app_id=DEMO_APP, page=page, limit=limit)
    items = [{"id": page * limit + number, "text": "x" * size} for number in range(limit)]
    try:
        facts = fitted(asked, {"items": items, "next": page + 1})
    except AnswerTooLong:
        assert len(compact(items[0])) * 2 > LARGEST or limit > 1
        return
    assert len(compact(facts)) <= LARGEST
    if len(facts["items"]) < limit:
        assert "next" not in facts
        onward = re.search(r"limit (\d+) and page (\d+)", facts["note"])
        assert onward
        assert int(onward[1]) * int(onward[2]) == facts["items"][-1]["id"] + 1


def test_cut_list_with_a_cursor_is_to_be_asked_for_again() -> None:
    """Only Capgo knows the cursor after a cut, so the call is repeated with the limit that fits."""
    facts = fitted(ListDevices(app_id=DEMO_APP, limit=1000), listing(1000, next="a|b"))
    assert "next" not in facts
    assert f"limit {len(facts['items'])}, then follow next" in facts["note"]


def test_cut_list_without_pages_says_so() -> None:
    """Where Capgo has no pages, the note does not promise any."""
    facts = fitted(ListMembers(org_id=LIGHTHOUSE), listing(1000))
    assert 0 < len(facts["items"]) < 1000
    assert "no pages" in facts["note"]


@pytest.mark.parametrize(
    "facts", [{"text": "x" * LARGEST}, {"items": [{"text": "x" * LARGEST}]}, {"items": {}, "x": "x" * LARGEST}]
)
def test_what_cannot_be_cut_is_refused(facts: dict[str, Any]) -> None:
    """One error says how long it is and how to ask for less."""
    asked: Declared[Any] = ListBundles(app_id=DEMO_APP)
    with pytest.raises(AnswerTooLong, match="characters") as caught:
        fitted(asked, facts)
    assert "fewer fields" in caught.value.hint


async def test_tools_and_resources_are_bounded(capgo: Capgo, state: State) -> None:
    """A tool whose answer would be too long answers less or an error, and says so."""
    for bundle in state.bundles.values():
        bundle["manifest"] = [{"file_name": "x" * 400}] * 20
    asked = {"app_id": DEMO_APP, "limit": 60, "fields": ["manifest"]}
    result = await toolbox(capgo).call("capgo_list_bundles", asked)
    assert isinstance(result, t.CallToolResult)
    assert result.structured_content is not None
    assert len(json.dumps(result.structured_content)) < LARGEST * 1.2
    assert 0 < len(result.structured_content["items"]) < 60
