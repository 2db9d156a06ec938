"""The skill that ships an update, followed step by step on the sandbox, to both of its ends."""

from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
from mcp import Client

from capgo_mcp.client.capgo import Capgo
from capgo_mcp.sandbox import State
from capgo_mcp.sandbox.rows import new_bundle
from capgo_mcp.sandbox.seed.people import DEMO_APP
from capgo_mcp.server.recipes import RECIPES
from tests.support.connected import connected

VERSION: Final = "2.4.0"
RECIPE: Final = next(recipe for recipe in RECIPES if recipe.name == "ship_update")


class Shipper:
    """An agent that has the skill, and calls nothing but what it names."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool of the skill, which must succeed."""
        assert tool in RECIPE.tools
        result = await self._client.call_tool(tool, {"app_id": DEMO_APP, **arguments})
        assert not result.is_error, result.content
        return result.structured_content or {}

    async def make(self, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Make calls exactly as an answer has them, all of which are done."""
        answers = [await self.call(call["tool"], **call["arguments"]) for call in calls]
        assert all(answer["done"] for answer in answers)
        return answers


@pytest.fixture
async def shipper(capgo: Capgo) -> AsyncIterator[Shipper]:
    """An agent at the beginning."""
    async with connected(capgo) as client:
        yield Shipper(client)


def upload(state: State) -> None:
    """What Capgo's command line does: the bundle is there, and the channel of the testers serves it."""
    app = state.apps[DEMO_APP]
    bundle = new_bundle(state, app, VERSION, app["user_id"])
    state.bundles[bundle["id"]] = bundle
    (state.channel_named(DEMO_APP, "beta") or {})["version"] = bundle["id"]


async def started(shipper: Shipper, state: State) -> list[dict[str, Any]]:
    """The skill up to the rollout: the answers of the calls that started it."""
    taken = await shipper.call("capgo_list_bundles")
    assert VERSION not in {bundle["name"] for bundle in taken["items"]}
    channels = await shipper.call("capgo_list_channels")
    assert "beta" in {channel["name"] for channel in channels["items"] if not channel.get("public")}
    upload(state)
    plan = await shipper.call("capgo_plan_release", version=VERSION, channel="production", percentage=10)
    assert plan["verdict"] == "go"
    return await shipper.make(plan["calls"])


def served(state: State) -> tuple[str, str | None]:
    """What production serves, and what it rolls out."""
    row = state.channel_named(DEMO_APP, "production") or {}
    candidate = state.bundles[row["rollout_version"]]["name"] if row["rollout_enabled"] else None
    return state.bundles[row["version"]]["name"], candidate


async def test_an_update_goes_out_to_everyone(shipper: Shipper, state: State) -> None:
    """Upload, plan, rollout, a look at its health, more devices, and at last all of them."""
    await started(shipper, state)
    assert served(state) == ("2.2.8", VERSION)
    health = await shipper.call("capgo_get_update_health", version=VERSION)
    status = await shipper.call("capgo_get_release_status", version=VERSION)
    assert health["verdict"] == status["health"]["verdict"] == "too_few"
    await shipper.call("capgo_set_rollout", channel="production", action="widen", percentage=50)
    await shipper.call("capgo_set_rollout", channel="production", action="promote")
    assert served(state) == (VERSION, None)


async def test_the_undo_of_the_rollout_is_the_way_back(shipper: Shipper, state: State) -> None:
    """The calls that the start named take everything back."""
    answers = await started(shipper, state)
    for answer in reversed(answers):
        await shipper.make(answer["undo"])
    assert served(state) == ("2.2.8", None)


async def test_dropping_the_rollout_is_the_other_way_back(shipper: Shipper, state: State) -> None:
    """Without the undo at hand the rollout is dropped, and the stable bundle stays."""
    await started(shipper, state)
    await shipper.call("capgo_set_rollout", channel="production", action="drop")
    assert served(state) == ("2.2.8", None)
