"""Names each request and its caller, for logs, the journal and spans, joins a front's trace, and counts the answers."""

import re
import uuid
from collections.abc import Callable
from typing import Any, Final

from mcp.server.context import CallNext, HandlerResult, ServerMiddleware
from opentelemetry import context as traces
from opentelemetry.propagate import extract
from opentelemetry.trace import format_trace_id, get_current_span
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from capgo_mcp.client.origin import IN_SPANS, ORIGIN, coming_from
from capgo_mcp.http.metrics import ANSWERS
from capgo_mcp.server.mcp import RequestContext

REQUEST_ID: Final = "x-request-id"
_GOOD_ID: Final = re.compile(r"[\w=-]{8,64}", re.ASCII)
"""The form of an id that is taken over: one that Capgo takes over as well."""


class RequestNames:
    """Gives each HTTP request the id it came with, or a new one, and answers with it.

    The trace of its header `traceparent` becomes the one that the work joins, unless something outside of this, such as
    an instrumentation of the framework, has joined it already.

    Args:
        app: What answers the requests.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get(REQUEST_ID, "")
        request_id = given if _GOOD_ID.fullmatch(given) else uuid.uuid4().hex

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[REQUEST_ID] = request_id
                ANSWERS.add(1, {"status": str(message["status"])})
            await send(message)

        joined = get_current_span().get_span_context().is_valid
        before = traces.attach(traces.get_current() if joined else extract(headers))
        try:
            with coming_from(request_id=request_id, **_trace()):
                await self._app(scope, receive, named)
        finally:
            traces.detach(before)


class CallerNames(ServerMiddleware[Any]):
    """Tells who made each request of the protocol; to stand within the SDK's own span of it.

    Args:
        caller: Who made a request.
    """

    def __init__(self, caller: Callable[[RequestContext], str | None]) -> None:
        self._caller = caller

    async def __call__(self, ctx: RequestContext, call_next: CallNext) -> HandlerResult:
        """Handle a request."""
        caller = self._caller(ctx)
        with coming_from(**({"caller": caller} if caller else {}), **_trace()):
            known = ORIGIN.get()
            get_current_span().set_attributes({IN_SPANS[name]: known[name] for name in IN_SPANS.keys() & known})
            return await call_next(ctx)


def _trace() -> dict[str, str]:
    """The trace that the work at hand belongs to, if there is one."""
    context = get_current_span().get_span_context()
    return {"trace_id": format_trace_id(context.trace_id)} if context.is_valid else {}
