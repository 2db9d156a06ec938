"""Asks the person at the client through elicitation, in both protocol eras. Whatever is no clear yes is a no."""

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Protocol

import anyio
import mcp_types as t
from mcp import MCPError
from mcp.server import ServerRequestContext
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

_FORM: Final[t.ElicitRequestedSchema] = {
    "type": "object",
    "properties": {"agree": {"type": "boolean", "title": "Yes, do it", "default": False}},
    "required": ["agree"],
}
_QUESTION: Final = "consent"
_ASKED: Final = "asked"


class Reply(Enum):
    """How a question to the person ended."""

    AGREED = "agreed"
    DECLINED = "declined"
    CANCELLED = "cancelled"
    NO_ANSWER = "no answer in time"
    CANNOT_ASK = "this client cannot ask the user"


class Asker(Protocol):
    """Someone who can be asked, or who stands for nobody."""

    async def ask(self, question: str) -> Reply | t.InputRequiredResult:
        """The reply, or the result with which the client is asked to ask and call again."""
        ...


class Nobody:
    """There is no client with a person behind it, as on the command line."""

    async def ask(self, _: str) -> Reply:
        """Nobody answers."""
        return Reply.CANNOT_ASK


@dataclass(frozen=True)
class Person:
    """The person behind one tool call.

    Attributes:
        context: The request, through which the client is reached.
        params: The tool call; in the era since 2026-07-28 a repeated one brings the reply.
        patience: Seconds to wait for the reply, in the era before.
    """

    context: ServerRequestContext[Any]
    params: t.CallToolRequestParams
    patience: float

    async def ask(self, question: str) -> Reply | t.InputRequiredResult:
        """The reply, or the result with which the client is asked to ask and call again."""
        able = self.context.session.client_capabilities
        if able is None or able.elicitation is None or (able.elicitation.form is None and able.elicitation.url):
            return Reply.CANNOT_ASK
        if self.context.protocol_version in MODERN_PROTOCOL_VERSIONS:
            return self._asked_before() or _please_ask(question)
        return await self._push(question)

    def _asked_before(self) -> Reply | None:
        """The reply that a repeated call brings; the sealed state proves that we asked about this very call."""
        reply = (self.params.input_responses or {}).get(_QUESTION)
        if isinstance(reply, t.ElicitResult) and self.params.request_state == _ASKED:
            return _reading(reply)
        return None

    async def _push(self, question: str) -> Reply:
        try:
            with anyio.move_on_after(self.patience):
                return _reading(await self.context.session.elicit_form(question, _FORM, self.context.request_id))
        except MCPError:  # refused, or no channel on which to ask
            return Reply.CANNOT_ASK
        return Reply.NO_ANSWER


def _please_ask(question: str) -> t.InputRequiredResult:
    form = t.ElicitRequestFormParams(message=question, requested_schema=_FORM)
    return t.InputRequiredResult(input_requests={_QUESTION: t.ElicitRequest(params=form)}, request_state=_ASKED)


def _reading(reply: t.ElicitResult) -> Reply:
    if reply.action == "accept" and (reply.content or {}).get("agree") is True:
        return Reply.AGREED
    return Reply.CANCELLED if reply.action == "cancel" else Reply.DECLINED
