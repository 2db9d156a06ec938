"""With `--ask` the person is asked on top of the flag, and whatever is no clear yes deletes nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import product
from typing import Any, Final

import anyio
import mcp_types as t
import pytest
from mcp import Client, MCPError

from capgo_mcp.client.clock import Clock
from capgo_mcp.sandbox.seed.people import DEMO_APP
from tests.support.faulty import VirtualClock
from tests.support.safety import YES, Desk, User, desk, serving, text

AGAINST: Final = "an agent that sets `confirm` by itself"
HOLDS: Final = ("Consent",)
ATTACKER: Final = "the agent"
ASSET: Final = "the account"

TOOL: Final = "capgo_delete_channel"
TARGET: Final = {"app_id": DEMO_APP, "channel": "beta"}
ABSENT: Final = object()
SENT: Final = ["DELETE /channel"]


CLIENTS: Final[dict[str, t.ElicitResult | None]] = {
    "accepts": YES,
    "accepts without ticking": t.ElicitResult(action="accept", content={"agree": False}),
    "declines": t.ElicitResult(action="decline"),
    "cancels": t.ElicitResult(action="cancel"),
    "cannot ask": None,
    "hangs": None,
}
ENDS: Final = {
    "accepts without ticking": "[consent_declined]",
    "declines": "[consent_declined]",
    "cancels": "[consent_cancelled]",
    "cannot ask": "[consent_cannot_ask]",
    "hangs": "[consent_no_answer]",
}
CONFIRMS: Final = (ABSENT, False, None, "false", 0, "yes please", True)
MODES: Final = ("legacy", "auto")


def word(value: object) -> str:
    """A case's part of the name of a test."""
    return "absent" if value is ABSENT else str(value) if isinstance(value, str) else repr(value)


@asynccontextmanager
async def connected(
    mode: Any, callback: User | None, *, ask: bool, clock: Clock | None = None
) -> AsyncIterator[tuple[Client, Desk]]:
    """A client of a server over a fresh sandbox."""
    async with desk(clock=clock) as here:
        server = serving(here, ask=ask)
        async with Client(server, mode=mode, elicitation_callback=callback) as client:
            yield client, here


def expected(confirm: object, who: str, *, ask: bool) -> str:
    """How a call ends: with a preview, an error, the deletion or what came of asking."""
    if any(confirm is quiet for quiet in (ABSENT, False, None)):
        return "preview"
    if confirm is not True:
        return "[invalid_arguments]"
    return ENDS.get(who, "done") if ask else "done"


def ending(result: t.CallToolResult) -> str:
    """How a call ended, in the words of `expected`."""
    if result.is_error:
        return text(result).partition(" ")[0]
    assert result.structured_content is not None
    return "done" if result.structured_content["done"] else "preview"


# Only after `confirm: true` is there anything to ask: what else an agent sends is tried where a person would say yes.
@pytest.mark.parametrize(
    ("confirm", "who", "mode", "ask"),
    [
        case
        for case in product(CONFIRMS, CLIENTS, MODES, (True, False))
        if case[0] is True or case[1] in ("accepts", "cannot ask")
    ],
    ids=word,
)
async def test_nothing_is_deleted_without_consent(confirm: object, who: str, mode: str, *, ask: bool) -> None:
    """Only `confirm: true`, with a yes of the person where `--ask` is on, deletes; the answer says what happened."""
    clock, waiting = VirtualClock(), anyio.CancelScope()
    # In the era since 2026-07-28 the question is the client's business, and one that hangs never comes back.
    user = None if who == "cannot ask" else User(CLIENTS[who], waiting.cancel if mode == "auto" else clock.run_out)
    arguments = TARGET if confirm is ABSENT else {**TARGET, "confirm": confirm}
    end = expected(confirm, who, ask=ask)
    ended = "never"
    async with connected(mode, user, ask=ask, clock=clock) as (client, here):
        with waiting:
            ended = ending(await client.call_tool(TOOL, dict(arguments)))
    assert ended == ("never" if (mode, end) == ("auto", ENDS["hangs"]) else end)
    assert here.wire.writes == (SENT if end == "done" else [])
    assert bool(user and user.asked) == (confirm is True and ask and user is not None)


@pytest.mark.parametrize("mode", MODES)
async def test_the_question_tells_what_would_go(mode: str) -> None:
    """The person reads what the preview says: the channel, its bundle and that it is no default."""
    user = User(YES)
    async with connected(mode, user, ask=True) as (client, _):
        await client.call_tool(TOOL, {**TARGET, "confirm": True})
    (question,) = user.asked
    assert all(
        part in question for part in ("Delete channel?", '"beta"', '"2.3.0-beta.6"', '"public":false', "fall back")
    )


async def test_a_server_without_anyone_to_ask_deletes_nothing() -> None:
    """Where the settings say to ask, a call that comes without a client is refused."""
    async with desk(ask=True) as here:
        assert (await here.error(TOOL, **TARGET, confirm=True)).startswith("[consent_cannot_ask]")
        assert here.wire.writes == []


@pytest.mark.parametrize("who", ["declines", "cancels", "accepts without ticking"])
async def test_a_no_is_final(who: str) -> None:
    """The answer to a no tells the agent not to try again."""
    async with connected("legacy", User(CLIENTS[who]), ask=True) as (client, _):
        said = text(await client.call_tool(TOOL, {**TARGET, "confirm": True}))
    assert "Nothing was changed" in said
    assert "Hint: Take it as final" in said


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("content", [None, {}, {"agree": "true"}, {"agree": 1}, {"yes": True}], ids=str)
async def test_only_a_ticked_box_is_a_yes(mode: str, content: dict[str, Any] | None) -> None:
    """An accepted form whose `agree` is not exactly true is a no."""
    reply = t.ElicitResult(action="accept", content=content)
    async with connected(mode, User(reply), ask=True) as (client, here):
        try:
            assert ending(await client.call_tool(TOOL, {**TARGET, "confirm": True})) == ENDS["declines"]
        except MCPError as error:  # the SDK itself may refuse a form that does not fit the question
            assert error.code in (t.INVALID_PARAMS, t.INVALID_REQUEST)  # noqa: PT017 - either ending will do
        assert here.wire.writes == []


async def asked_state(client: Client, arguments: dict[str, Any]) -> str:
    """The sealed state that comes with a question."""
    question = await client.session.call_tool(TOOL, arguments, allow_input_required=True)
    assert isinstance(question, t.InputRequiredResult)
    assert question.request_state
    return question.request_state


FORGED: Final = ("asked", "", "v1.", "v1.AAAA.BBBB", "x" * 5000)


@pytest.mark.parametrize("state", FORGED, ids=lambda state: state[:12] or "empty")
async def test_a_forged_state_is_refused(state: str) -> None:
    """A reply without a question of ours is refused or asked anew, and nothing is deleted."""
    async with connected("auto", User(YES), ask=True) as (client, here):
        await _reply(client, {**TARGET, "confirm": True}, state)
        assert here.wire.writes == []


async def test_a_reply_without_state_is_asked_anew() -> None:
    """A yes that comes with the first call answers nothing: the question is put."""
    async with connected("auto", User(YES), ask=True) as (client, here):
        assert isinstance(await _reply(client, {**TARGET, "confirm": True}, None), t.InputRequiredResult)
        assert here.wire.writes == []


@pytest.mark.parametrize("other", [{"channel": "production"}, {"app_id": "com.lighthouse.notes"}], ids=str)
async def test_the_state_of_another_call_is_refused(other: dict[str, str]) -> None:
    """A yes to one deletion cannot be used for another."""
    async with connected("auto", User(YES), ask=True) as (client, here):
        state = await asked_state(client, {**TARGET, "confirm": True})
        assert await _reply(client, {**TARGET, **other, "confirm": True}, state) is None
        assert here.wire.writes == []


async def test_the_state_of_another_server_is_refused() -> None:
    """A yes that was given to another process of the server counts for nothing."""
    async with connected("auto", User(YES), ask=True) as (client, _):
        state = await asked_state(client, {**TARGET, "confirm": True})
    async with connected("auto", User(YES), ask=True) as (client, here):
        assert await _reply(client, {**TARGET, "confirm": True}, state) is None
        assert here.wire.writes == []


async def _reply(client: Client, arguments: dict[str, Any], state: str | None) -> object:
    """A call that brings a yes along; None when the server refuses it outright."""
    try:
        return await client.session.call_tool(
            TOOL, arguments, input_responses={"consent": YES}, request_state=state, allow_input_required=True
        )
    except MCPError as error:
        assert error.code == t.INVALID_PARAMS  # noqa: PT017 - refusing and asking anew are both right
        return None
