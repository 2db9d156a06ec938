"""What is counted and timed, for whoever collects it through OpenTelemetry; without that, it costs next to nothing."""

from typing import Final

from opentelemetry.metrics import get_meter

from capgo_mcp.api.errors import ApiError, CapgoError
from capgo_mcp.client.refusals import KNOWN
from capgo_mcp.client.version import __version__

_METER: Final = get_meter("capgo_mcp", __version__)
_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

CALLS: Final = _METER.create_counter("capgo_mcp.calls", "{call}", "Tool calls, by tool and outcome")
CALL_SECONDS: Final = _METER.create_histogram(
    "capgo_mcp.call.duration", "s", "Time of tool calls, by tool", explicit_bucket_boundaries_advisory=_SECONDS
)
REQUEST_SECONDS: Final = _METER.create_histogram(
    "capgo_mcp.upstream.duration",
    "s",
    "Time of requests to Capgo, by HTTP status",
    explicit_bucket_boundaries_advisory=_SECONDS,
)
CONNECTIONS: Final = _METER.create_counter(
    "capgo_mcp.upstream.connections", "{connection}", "Connections to Capgo that were opened"
)


def outcome(error: CapgoError) -> str:
    """The code of an error, or its HTTP status where Capgo wrote a code that nobody knows: there may be any number."""
    if isinstance(error, ApiError) and error.status and error.code not in KNOWN:
        return f"http_{error.status}"
    return error.code
