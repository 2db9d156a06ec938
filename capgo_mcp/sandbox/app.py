"""The ASGI application: finds the route, lets in who may call it, reads its parameters and writes its answer."""

import json
import re
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as AnyPath
from starlette.types import ASGIApp, Receive, Scope, Send

from capgo_mcp.sandbox.answers import ErrorAnswer, bad, broken
from capgo_mcp.sandbox.auth import authenticate
from capgo_mcp.sandbox.call import Call
from capgo_mcp.sandbox.routes import ROUTES
from capgo_mcp.sandbox.routing import Route, Router, Source
from capgo_mcp.sandbox.seed import seeded
from capgo_mcp.sandbox.state import State

WORKER = "sandbox-12.201.7"

_REQUEST_ID = re.compile(r"[\w\-=]{1,255}", re.ASCII)
_NOT_FOUND = {"error": "not_found", "message": "Not found"}


def create_app(state: State | None = None) -> ASGIApp:
    """Make the application over a state, a freshly seeded one unless given."""
    return Starlette(routes=[AnyPath("/{path:path}", _Sandbox(seeded() if state is None else state))])


class _Sandbox:
    """The one endpoint behind every path, so that nothing answers 405 or redirects."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._router = Router(ROUTES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        response = await self._answer(request)
        asked = request.headers.get("x-request-id", "")
        response.headers["X-Request-Id"] = asked if _REQUEST_ID.fullmatch(asked) else self._state.uuid("request")
        response.headers["X-Worker-Source"] = WORKER
        if request.method == "HEAD":
            response.body = b""
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204)
        found = self._router.find("GET" if request.method == "HEAD" else request.method, _raw_path(request))
        if found is None:
            return JSONResponse(_NOT_FOUND, 404)
        route, path = found
        try:
            answer = route.handler(await self._call(request, route, path))
            return answer if isinstance(answer, Response) else JSONResponse(answer, route.status)
        except ErrorAnswer as error:
            return JSONResponse(error.body, error.status, error.headers)

    async def _call(self, request: Request, route: Route, path: dict[str, str]) -> Call:
        address = request.client.host if request.client else "unknown"
        key = authenticate(self._state, route.middleware, request.headers, address)
        origin = f"{request.url.scheme}://{request.url.netloc}"
        return Call(self._state, key, path, await _sent(request, route.reads), address, origin)


def _raw_path(request: Request) -> str:
    # As it was sent: a quoted slash in a name is no separator.
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    return raw.partition(b"?")[0].decode("latin-1")


async def _sent(request: Request, source: Source) -> Any:
    """Read the parameters: a JSON body wins whole over the query, and the two are never merged."""
    if source is Source.PATH:
        return {}
    body = _json(await request.body())
    if source is Source.FORM:
        return body if isinstance(body, dict) else _form(await request.body())
    if source is Source.BODY:
        return _body_alone(body)
    # The first value of a repeated key counts, hence the reversal before the dictionary keeps the last.
    sent = dict(reversed(request.query_params.multi_items())) if body is _ABSENT or body is None else body
    if source is Source.EITHER and (not isinstance(sent, dict | list | str) or not sent):
        raise bad("invalid_json_parse_body", "Invalid JSON body")
    return sent


_ABSENT = object()


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return _ABSENT


def _form(body: bytes) -> dict[str, Any]:
    """The fields of a form; one that comes several times is a list."""
    fields = parse_qs(body.decode("latin-1"))
    return {name: values if len(values) > 1 else values[0] for name, values in fields.items()}


def _body_alone(body: Any) -> Any:
    if body is _ABSENT:
        raise bad("invalid_json_parse_body", "Invalid JSON body", e={})
    if body is None:
        raise broken()
    return body
