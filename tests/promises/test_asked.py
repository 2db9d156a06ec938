"""With `--ask`, every change that reaches devices, people or settings is put to the person."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import mcp_types as t
import pytest
from mcp import Client

from capgo_mcp.safety.areas import MEANINGS
from capgo_mcp.sandbox.seed.people import DEMO_APP
from tests.support import samples
from tests.support.safety import CHANGING, DANGEROUS, YES, Desk, Facts, User, desk, name_of, serving, text

AGAINST: Final = "an agent that changes what devices get before anybody was asked"
HOLDS: Final = ("`--ask` asks about every change that matters",)
ATTACKER: Final = "the agent"
ASSET: Final = "the devices"

NO: Final = t.ElicitResult(action="decline")
DEPLOY: Final = {"app_id": DEMO_APP, "channel": "production", "version": "2.2.7"}
each = pytest.mark.parametrize("operation", MEANINGS, ids=name_of)


@asynccontextmanager
async def asking(user: User, mode: Any = "legacy") -> AsyncIterator[tuple[Client, Desk]]:
    """A client of a server that asks, over a fresh sandbox."""
    async with desk() as here:
        server = serving(here, ask=True, toolsets=samples.ALL_TOOLSETS)
        async with Client(server, mode=mode, elicitation_callback=user) as client:
            yield client, here


def consenting(operation: samples.AnyOperation) -> Facts:
    """Arguments with which a call changes something, as far as flags decide that."""
    name = operation.spec.name
    given = samples.required(operation) | (CHANGING.get(name) or DANGEROUS.get(name, {}))
    named = "Lighthouse Labs" if "org_id" in operation.model_fields else "Demo app"
    consent: Facts = {"confirm": True} if operation.can_destroy() else {}
    return given | consent | ({"confirm_name": named} if operation.spec.by_name else {})


@each
async def test_every_change_that_matters_is_asked_about(operation: samples.AnyOperation) -> None:
    """A no stops it; what reaches nobody yet is done without a question."""
    user = User(NO)
    async with asking(user) as (client, here):
        said = text(await client.call_tool(operation.spec.name, consenting(operation)))
        assert bool(here.wire.writes) is not MEANINGS[operation].consequential
        assert ("[consent_declined]" in said) is MEANINGS[operation].consequential
    assert len(user.asked) == MEANINGS[operation].consequential
    assert all(question.startswith(f"{operation.spec.title}? ") for question in user.asked)


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_deploying_to_the_default_channel_asks(mode: Any) -> None:
    """The question names the bundle that is served now and the one that would be; with a yes it is done."""
    user = User(YES)
    async with asking(user, mode) as (client, here):
        answer = await client.call_tool("capgo_set_channel", DEPLOY)
        assert (answer.structured_content or {})["done"] is True
        assert here.wire.writes == ["POST /channel"]
    (question,) = user.asked
    assert '"version":"2.2.7"' in question
    assert '"now":{"public":true,"version":{"id":118,"name":"2.2.8"}' in question


async def test_ids_are_asked_about_by_name() -> None:
    """A deploy by ids tells the person which bundle and which channel are meant."""
    user = User(NO)
    async with asking(user) as (client, here):
        ids = {"version_id": here.state.bundle_named(DEMO_APP, "2.2.7")["id"], "channel_id": 1}  # type: ignore[index]  # it is there
        await client.call_tool("capgo_set_bundle_channel", {"app_id": DEMO_APP, **ids})
    (question,) = user.asked
    assert '"name":"2.2.7"' in question
    assert '"now":{"name":"production","public":true,"version":{"id":118,"name":"2.2.8"}' in question


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("capgo_set_channel", {**DEPLOY, "version": "2.2.8"}),
        ("capgo_set_channel", {**DEPLOY, "expected_version": "1.0.0"}),
        ("capgo_set_channel", {**DEPLOY, "channel": "productoin"}),
        ("capgo_set_rollout", {"app_id": DEMO_APP, "channel": "production", "action": "pause"}),
    ],
)
async def test_nobody_is_asked_about_what_would_not_be_sent(tool: str, arguments: Facts) -> None:
    """What would change nothing, or is not what the agent thinks, ends before the question."""
    user = User(YES)
    async with asking(user) as (client, here):
        await client.call_tool(tool, arguments)
        assert (user.asked, here.wire.writes) == ([], [])


async def test_without_the_setting_nobody_is_asked() -> None:
    """A deploy asks only where `--ask` says so."""
    async with desk() as here:
        assert (await here.facts("capgo_set_channel", **DEPLOY))["done"] is True
