"""With `--ask`, one yes of the person serves one call, and a no holds for the call it was about."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import anyio
import mcp_types as t
import pytest
from mcp import Client

from capgo_mcp.safety.elicitation import LIFETIME
from capgo_mcp.safety.tokens import ProcessTokens
from capgo_mcp.sandbox.seed.people import DEMO_APP
from tests.support.faulty import VirtualClock
from tests.support.safety import YES, Desk, Facts, User, desk, serving, text

AGAINST: Final = "an agent or client that uses a yes again"
HOLDS: Final = ("Consent",)
ATTACKER: Final = "the client"
ASSET: Final = "the account"

TOOL: Final = "capgo_delete_channel"
BETA: Final = {"app_id": DEMO_APP, "channel": "beta", "confirm": True}
QA: Final = {**BETA, "channel": "qa"}
NO: Final = t.ElicitResult(action="decline")


@asynccontextmanager
async def asking(mode: Any, user: User, clock: VirtualClock) -> AsyncIterator[tuple[Client, Desk]]:
    """A client of a server that asks, over a fresh sandbox."""
    async with desk(clock=clock) as here:
        server = serving(here, ask=True, tokens=ProcessTokens(clock))
        async with Client(server, mode=mode, elicitation_callback=user) as client:
            yield client, here


async def question(client: Client, arguments: Facts) -> str:
    """The sealed state that comes with a question."""
    asked = await client.session.call_tool(TOOL, arguments, allow_input_required=True)
    assert isinstance(asked, t.InputRequiredResult)
    return asked.request_state or ""


async def answer(client: Client, arguments: Facts, state: str, reply: t.ElicitResult = YES) -> Any:
    """The call made again with a reply."""
    return await client.session.call_tool(
        TOOL, arguments, input_responses={"consent": reply}, request_state=state, allow_input_required=True
    )


async def test_a_yes_serves_one_call() -> None:
    """The sealed state of a deletion that was done deletes nothing more, though the same channel is there again."""
    async with asking("auto", User(YES), VirtualClock()) as (client, here):
        state = await question(client, BETA)
        beta = here.state.channel_named(DEMO_APP, "beta") or {}
        assert not (await answer(client, BETA, state)).is_error
        here.state.channels[beta["id"]] = beta
        assert isinstance(await answer(client, BETA, state), t.InputRequiredResult)
        assert here.wire.writes == ["DELETE /channel"]


async def test_a_yes_serves_one_of_two_calls_at_once() -> None:
    """Whoever brings the state first has it, however close the other one is."""
    endings: list[Any] = []

    async def call(client: Client, state: str) -> None:
        endings.append(await answer(client, BETA, state))

    async with asking("auto", User(YES), VirtualClock()) as (client, here):
        state = await question(client, BETA)
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(call, client, state)
        assert here.wire.writes == ["DELETE /channel"]
    assert sum(isinstance(ending, t.CallToolResult) and not ending.is_error for ending in endings) == 1


async def test_a_yes_is_about_what_was_shown() -> None:
    """Once the channel serves another bundle than the question said, the person is asked anew."""
    async with asking("auto", User(YES), VirtualClock()) as (client, here):
        state = await question(client, BETA)
        (here.state.channel_named(DEMO_APP, "beta") or {}).update(version=100)
        assert isinstance(await answer(client, BETA, state), t.InputRequiredResult)
        assert here.wire.writes == []


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_no_holds_for_the_call(mode: Any) -> None:
    """The same call again is refused without a question, another one is asked about; later the same is, too."""
    user, clock = User(NO), VirtualClock()
    async with asking(mode, user, clock) as (client, here):
        for arguments in (BETA, BETA, {**BETA, "appId": BETA["app_id"]} | {"app_id": None}):
            assert "[consent_declined]" in text(await client.call_tool(TOOL, arguments))
        assert len(user.asked) == 1
        await client.call_tool(TOOL, QA)
        assert len(user.asked) == 2
        clock.advance(LIFETIME)
        await client.call_tool(TOOL, BETA)
        assert len(user.asked) == 3
        assert here.wire.writes == []


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_question_that_was_cancelled_may_be_put_again(mode: Any) -> None:
    """Closing the window is no decision about the call."""
    user = User(t.ElicitResult(action="cancel"))
    async with asking(mode, user, VirtualClock()) as (client, here):
        for _ in range(2):
            assert "[consent_cancelled]" in text(await client.call_tool(TOOL, BETA))
        assert (len(user.asked), here.wire.writes) == (2, [])


async def test_a_no_outweighs_a_yes_to_the_same_question() -> None:
    """Of two questions about one call that are open at once, a no to either is the answer to both."""
    async with asking("auto", User(YES), VirtualClock()) as (client, here):
        first, second = await question(client, BETA), await question(client, BETA)
        assert "[consent_declined]" in text(await answer(client, BETA, first, NO))
        for state in (first, second):
            assert "[consent_declined]" in text(await answer(client, BETA, state))
        assert here.wire.writes == []


async def test_what_cannot_be_remembered_is_not_taken_for_a_first_use() -> None:
    """The store has a bound: beyond it nothing is agreed to until something is forgotten."""
    clock = VirtualClock()
    tokens = ProcessTokens(clock, capacity=2)
    assert [await tokens.first_use(token, 10) for token in "aabc"] == [True, False, True, False]
    assert [await tokens.is_used(token) for token in "abc"] == [True, True, False]
    clock.advance(10)
    assert [await tokens.first_use(token, 10) for token in "cca"] == [True, False, True]
