"""Spans for requests to Capgo, for whoever configures OpenTelemetry; without that, they cost next to nothing.

The SDK makes the spans around them, one for each tool call. None of them holds arguments, keys or names of apps.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from opentelemetry.trace import SpanKind, StatusCode, get_current_span, get_tracer

from capgo_mcp.api.errors import CapgoError
from capgo_mcp.api.operation import Operation
from capgo_mcp.client.version import __version__

_TRACER: Final = get_tracer("capgo_mcp", __version__)


@contextmanager
def attempt(operation: Operation[Any], tries: int) -> Iterator[None]:
    """A span for one request and its answer.

    Args:
        operation: What is asked; only its kind is told.
        tries: Which request of the same exchange it is, counted from 1.
    """
    spec = operation.spec
    facts: dict[str, str | int] = {
        "capgo.operation": spec.name,
        "http.request.method": spec.method,
        "url.template": spec.path,
    }
    if tries > 1:
        facts["http.request.resend_count"] = tries - 1
    name = f"{spec.method} {spec.path}"
    with _TRACER.start_as_current_span(name, kind=SpanKind.CLIENT, attributes=facts, record_exception=False,
                                       set_status_on_exception=False) as span:  # fmt: skip
        try:
            yield
        except CapgoError as error:
            span.set_attribute("error.type", error.code)
            span.set_status(StatusCode.ERROR)
            raise


def answered(status: int) -> None:
    """Note the HTTP status of the answer, within the span of its request."""
    get_current_span().set_attribute("http.response.status_code", status)
