"""Spans: one for each tool call and each request to Capgo, with nothing in them that is anybody's."""

import json
from functools import partial

import httpx2
from mcp import Client
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from capgo_mcp.client.capgo import Capgo
from capgo_mcp.client.key import StaticKey
from capgo_mcp.config.settings import Settings
from capgo_mcp.sandbox import ADMIN_KEY, create_app, seeded
from capgo_mcp.sandbox.seed.people import DEMO_APP
from capgo_mcp.server.mcp import OneCaller, build
from capgo_mcp.server.tools import Toolbox


class Unsteady(httpx2.ASGITransport):
    """A sandbox that is away at the first request."""

    def __init__(self) -> None:
        super().__init__(app=create_app(seeded()))
        self.requests = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Fail once, then answer."""
        self.requests += 1
        return await super().handle_async_request(request) if self.requests > 1 else httpx2.Response(503)


def facts(span: ReadableSpan) -> dict[str, object]:
    """The attributes of a span."""
    return dict(span.attributes or {})


async def test_spans_tell_what_was_called_and_how_it_went(spans: InMemorySpanExporter) -> None:
    """The SDK's span of a tool call has one child for each request, with its status and which try it was."""
    settings = Settings(key=StaticKey(ADMIN_KEY))
    capgo = Capgo(ADMIN_KEY, url="http://sandbox.invalid", transport=Unsteady())
    async with capgo, Client(build(OneCaller(partial(Toolbox, capgo, settings)), settings)) as client:
        await client.call_tool("capgo_get_channel", {"app_id": DEMO_APP, "channel": "production"})
    ended = spans.get_finished_spans()
    (tool,) = [span for span in ended if span.name == "tools/call capgo_get_channel" and span.kind is SpanKind.SERVER]
    first, second = [span for span in ended if span.name == "GET /channel"]
    for request in (first, second):
        assert request.kind is SpanKind.CLIENT
        assert request.parent is not None
        assert request.parent.span_id == tool.context.span_id
    assert facts(first) == {
        "capgo.operation": "capgo_get_channel",
        "http.request.method": "GET",
        "url.template": "/channel",
        "http.response.status_code": 503,
        "error.type": facts(first)["error.type"],
    }
    assert first.status.status_code is StatusCode.ERROR
    assert facts(second)["http.response.status_code"] == 200
    assert facts(second)["http.request.resend_count"] == 1
    assert second.status.is_unset


async def test_spans_hold_nothing_of_anybody(spans: InMemorySpanExporter, capgo: Capgo) -> None:
    """No key, no argument, no name of an app and no text of an error is in any span."""
    settings = Settings(key=StaticKey(ADMIN_KEY))
    async with Client(build(OneCaller(partial(Toolbox, capgo, settings)), settings)) as client:
        await client.call_tool("capgo_get_app", {"app_id": DEMO_APP})
        await client.call_tool("capgo_get_channel", {"app_id": DEMO_APP, "channel": "no-such-channel"})
        await client.call_tool("capgo_get_app", {"app_id": "not an app", "wrong": "argument"})
    written = json.dumps([json.loads(span.to_json()) for span in spans.get_finished_spans()])
    assert "GET /app/{app_id}" in written
    for secret in (ADMIN_KEY, DEMO_APP, "no-such-channel", "not an app", "wrong"):
        assert secret not in written
