"""Resources: what an address stands for, inside the same locks as the tools."""

import json
from typing import Any, Final
from urllib.parse import quote

import mcp_types as t
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import MCPError

from capgo_mcp.client.capgo import Capgo
from capgo_mcp.sandbox import State
from capgo_mcp.sandbox.seed.fleet import PINNED_DEVICE
from capgo_mcp.sandbox.seed.people import DEMO_APP, HARBOR, LIGHTHOUSE, NOTES_APP
from capgo_mcp.server.resources import GUIDE, KINDS
from tests.support.connected import Mode, connected, each_mode

BASE: Final = f"capgo://apps/{DEMO_APP}"


async def contents(capgo: Capgo, uri: str, mode: Mode = "auto", **settings: Any) -> t.TextResourceContents:
    """The contents of a resource."""
    async with connected(capgo, mode, **settings) as client:
        (block,) = (await client.read_resource(uri)).contents
    assert isinstance(block, t.TextResourceContents)
    assert block.uri == uri
    return block


async def refusal(capgo: Capgo, uri: str, mode: Mode = "auto", **settings: Any) -> MCPError:
    """The error that reading a resource ends in."""
    async with connected(capgo, mode, **settings) as client:
        with pytest.raises(MCPError) as caught:
            await client.read_resource(uri)
    assert caught.value.data == {"uri": uri}
    return caught.value


@each_mode
@pytest.mark.parametrize(
    ("uri", "fact"),
    [
        (BASE, ("app_id", DEMO_APP)),
        (f"{BASE}/channels/production", ("name", "production")),
        (f"{BASE}/bundles/2.2.7", ("name", "2.2.7")),
        (f"{BASE}/bundles/1.0.0", ("comment", "First release")),
        (f"{BASE}/devices/{PINNED_DEVICE}", ("channel", "beta")),
    ],
)
async def test_reads_what_the_address_names(uri: str, fact: tuple[str, str], capgo: Capgo, mode: Mode) -> None:
    """Each kind of address brings the facts about one object, as JSON."""
    block = await contents(capgo, uri, mode)
    name, value = fact
    assert block.mime_type == "application/json"
    assert json.loads(block.text)[name] == value


async def test_names_may_hold_anything(capgo: Capgo, state: State) -> None:
    """A channel's name with slashes, blanks and percent signs is found by its encoded address."""
    strange = "feature/50% off & möre"
    (state.channel_named(DEMO_APP, "qa") or {})["name"] = strange
    block = await contents(capgo, f"{BASE}/channels/{quote(strange, safe='')}")
    assert json.loads(block.text)["name"] == strange


@given(
    st.lists(
        st.text(min_size=1).filter(lambda text: text.encode(errors="ignore").decode() == text), min_size=2, max_size=2
    )
)
def test_encoded_values_come_back(values: list[str]) -> None:
    """Whatever stands in an address comes back as it was, and the address is of one kind only."""
    app_id, channel = values
    uri = f"capgo://apps/{quote(app_id, safe='')}/channels/{quote(channel, safe='')}"
    read = [found for kind in KINDS if (found := kind.values(uri)) is not None]
    assert read == [{"app_id": app_id, "channel": channel}]


@each_mode
@pytest.mark.parametrize(
    "uri",
    [
        "capgo://nothing",
        "https://example.com/",
        f"{BASE}/channels/nope",
        f"{BASE}/channels/production/more",
        f"{BASE}/channels/%FF",
        f"{BASE}/bundles/9.9.9",
        f"{BASE}/devices/nobody",
        "capgo://apps/com.nobody.app",
        "capgo://apps/noapp",
        "",
    ],
)
async def test_what_does_not_exist_is_a_wrong_parameter(uri: str, capgo: Capgo, mode: Mode) -> None:
    """Every address without an object is -32602, with the address in the error's data."""
    assert (await refusal(capgo, uri, mode)).code == t.INVALID_PARAMS


async def test_failure_of_capgo_is_no_missing_resource(capgo: Capgo, state: State) -> None:
    """When Capgo refuses for the number of calls, the error says that and not that there is nothing."""
    state.limits.key_calls = 0
    error = await refusal(capgo, f"{BASE}/devices/{PINNED_DEVICE}")
    assert error.code == t.INTERNAL_ERROR
    assert "[too_many_requests]" in error.message


async def test_crash_tells_nothing(capgo: Capgo, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of this server is told without its text."""

    async def crash(*_: object) -> object:
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr(Capgo, "send", crash)
    error = await refusal(capgo, BASE)
    assert error.code == t.INTERNAL_ERROR
    assert "secret" not in error.message


@each_mode
async def test_guide_needs_no_account(capgo: Capgo, mode: Mode) -> None:
    """What surprises people about the API is listed and can be read as Markdown."""
    async with connected(capgo, mode) as client:
        (listed,) = (await client.list_resources()).resources
    block = await contents(capgo, GUIDE, mode)
    assert listed.uri == GUIDE
    assert block.mime_type == listed.mime_type == "text/markdown"
    assert "seconds" in block.text


@pytest.mark.parametrize("path", ["", "/channels/production", "/bundles/1.0.0", f"/devices/{PINNED_DEVICE}"])
async def test_locks_hold(path: str, capgo: Capgo) -> None:
    """With --app or --org only what lies inside can be read."""
    inside = await contents(capgo, f"{BASE}{path}", app=DEMO_APP, org=LIGHTHOUSE)
    assert json.loads(inside.text)
    elsewhere: list[dict[str, Any]] = [{"app": NOTES_APP}, {"org": HARBOR}]
    for settings in elsewhere:
        error = await refusal(capgo, f"{BASE}{path}", **settings)
        assert error.code == t.INVALID_PARAMS
        assert "[out_of_scope]" in error.message


async def test_resources_follow_the_toolsets(capgo: Capgo) -> None:
    """What no tool may read, no address can."""
    async with connected(capgo, toolsets=frozenset({"channels"})) as client:
        offered = [one.uri_template for one in (await client.list_resource_templates()).resource_templates]
    assert offered == ["capgo://apps/{app_id}/channels/{channel}"]
    error = await refusal(capgo, BASE, toolsets=frozenset({"channels"}))
    assert error.code == t.INVALID_PARAMS


async def test_answers_may_be_kept_for_a_while(capgo: Capgo) -> None:
    """The guide may be shared between users, facts of an account may not."""
    async with connected(capgo) as client:
        guide = await client.read_resource(GUIDE)
        app = await client.read_resource(BASE)
    assert (guide.cache_scope, guide.ttl_ms) == ("public", 3_600_000)
    assert app.cache_scope == "private"
    assert 0 < app.ttl_ms <= 60_000
