"""Asks the person at the client through elicitation. Whatever is no clear yes is a no.

The protocol has two eras, and clients of both are around. Up to revision 2025-11-25 a server sends the client a request
of its own and waits for the reply while the tool call is open. Since 2026-07-28 it sends none: the question is the
result of the call, and the client makes the same call again with the reply. A call is therefore written so that it can
be abandoned at the question and made from the start.
"""

import hashlib
import secrets
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, NamedTuple, Protocol

import mcp_types as t
from mcp import MCPError
from mcp.server import ServerRequestContext
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from capgo_mcp.client.bounds import Deadline
from capgo_mcp.client.clock import Clock
from capgo_mcp.safety.tokens import UsedTokens

LIFETIME: Final = 600.0
"""Seconds in which the reply to a question counts, and for which a no holds for the call it was about."""

_SKEW: Final = 60.0
"""Seconds by which the clocks of two machines may differ, so that one takes for fresh what is over on the other."""

_FORM: Final[t.ElicitRequestedSchema] = {
    "type": "object",
    "properties": {"agree": {"type": "boolean", "title": "Yes, do it", "default": False}},
    "required": ["agree"],
}
_QUESTION: Final = "consent"


class Reply(Enum):
    """How a question to the person ended."""

    AGREED = "agreed"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    NO_ANSWER = "no answer in time"
    CANNOT_ASK = "this client cannot ask the user"
    NO_WAY_TO_ASK = "over HTTP this server can ask the user only through clients that speak MCP 2026-07-28 or later"


class InputRequired(Exception):
    """The client has to ask the person and make the call again: no failure, but the end of the call for now.

    It ends every step on its way, and becomes the result of the call where results are made: `server.mcp`.

    Attributes:
        result: What the client is to be answered.
    """

    def __init__(self, result: t.InputRequiredResult) -> None:
        super().__init__("the client has to ask the person first")
        self.result = result


class Question(NamedTuple):
    """What the person is asked.

    Attributes:
        text: What they read.
        call: The call it is about, the same text for the same call.
        mark: What is shown of the present state, the same text for the same state.
    """

    text: str
    call: str
    mark: str


class Elicitor(Protocol):
    """What puts a question to the person behind a call."""

    async def elicit(self, question: Question) -> Reply:
        """The reply.

        Raises:
            InputRequired: The client has to ask, and to make the call again.
        """
        ...


class NoElicitor:
    """There is no client with a person behind it, as on the command line."""

    async def elicit(self, _: Question) -> Reply:
        """Nobody answers."""
        return Reply.CANNOT_ASK


@dataclass(frozen=True)
class Suspending:
    """Asks through another one, and lets the time in which the person thinks not count as the call's.

    Attributes:
        inner: Who asks.
        deadline: The deadline of the call.
    """

    inner: Elicitor
    deadline: Deadline

    async def elicit(self, question: Question) -> Reply:
        """The reply.

        Raises:
            InputRequired: The client has to ask, and to make the call again.
        """
        with self.deadline.suspended():
            return await self.inner.elicit(question)


@dataclass(frozen=True)
class ClientElicitor:
    """Asks through the client that made one tool call.

    Attributes:
        context: The request, through which the client is reached.
        params: The tool call; in the era since 2026-07-28 a repeated one brings the reply.
        timeout: Seconds to wait for the reply, in the era before.
        clock: What tells how long that is.
        caller: Who made the call; what one of them declined, another one may be asked about.
        tokens: Which questions have been answered.
    """

    context: ServerRequestContext[Any]
    params: t.CallToolRequestParams
    timeout: float
    clock: Clock
    caller: str
    tokens: UsedTokens

    async def elicit(self, question: Question) -> Reply:
        """The reply; who declined a call is not asked about it again for a while.

        Raises:
            InputRequired: The client has to ask, and to make the call again.
        """
        able = self.context.session.client_capabilities
        modern = self.context.protocol_version in MODERN_PROTOCOL_VERSIONS
        if able is None and not modern:
            # Nothing is kept between requests over HTTP: what the client said of itself is gone, and a reply would
            # come to whichever process it happens to reach.
            return Reply.NO_WAY_TO_ASK
        # A client that names no mode means forms: there were no others when the capability was new.
        if able is None or able.elicitation is None or (able.elicitation.form is None and able.elicitation.url):
            return Reply.CANNOT_ASK
        declined = hashlib.sha256(f"{self.caller}\n{question.call}".encode()).hexdigest()
        if await self.tokens.is_used(declined):
            return Reply.DECLINED
        if modern:
            reply = await self._brought(question)
        else:
            reply = await self._push(question.text)
        if reply is Reply.DECLINED:
            await self.tokens.first_use(declined, LIFETIME)
        return reply

    async def _brought(self, question: Question) -> Reply:
        """The reply that a repeated call brings.

        A yes counts once, with the sealed state which proves that we asked about this very call and what is so now.
        """
        brought = (self.params.input_responses or {}).get(_QUESTION)
        reply = _understood(brought) if isinstance(brought, t.ElicitResult) else None
        token, _, mark = (self.params.request_state or "").partition(" ")
        # A no counts without proof: made up, it only keeps something from being done.
        if reply is None or (
            reply is Reply.AGREED
            and not (mark == question.mark and await self.tokens.first_use(token, LIFETIME + _SKEW))
        ):
            raise InputRequired(_please_ask(question))
        return reply

    async def _push(self, text: str) -> Reply:
        try:
            with self.clock.fail_after(self.timeout):
                return _understood(await self.context.session.elicit_form(text, _FORM, self.context.request_id))
        except TimeoutError:
            return Reply.NO_ANSWER
        except MCPError:  # refused, or no channel on which to ask
            return Reply.CANNOT_ASK


def _please_ask(question: Question) -> t.InputRequiredResult:
    form = t.ElicitRequestFormParams(message=question.text, requested_schema=_FORM)
    state = f"{secrets.token_hex(16)} {question.mark}"
    return t.InputRequiredResult(input_requests={_QUESTION: t.ElicitRequest(params=form)}, request_state=state)


def _understood(reply: t.ElicitResult) -> Reply:
    # Accepting the form is not enough: its box starts unticked, so that pressing through it agrees to nothing.
    if reply.action == "accept" and (reply.content or {}).get("agree") is True:
        return Reply.AGREED
    return Reply.CANCELLED if reply.action == "cancel" else Reply.DECLINED
