"""The page of metrics that Prometheus reads, on a port of its own, and how full the server is."""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from opentelemetry.metrics import CallbackOptions, Observation, get_meter, get_meter_provider, set_meter_provider

from capgo_mcp.client.version import __version__
from capgo_mcp.config.options import SettingsError
from capgo_mcp.http.settings import HttpSettings

log = logging.getLogger(__name__)

_METER: Final = get_meter("capgo_mcp", __version__)
ANSWERS: Final = _METER.create_counter("capgo_mcp.http.answers", "{answer}", "HTTP answers, by status")
GAUGES: Final = {
    "calls": ("capgo_mcp.calls.running", "Calls that are being answered"),
    "seats": ("capgo_mcp.seats", "Callers who are remembered, with a key that Capgo has accepted"),
    "others": ("capgo_mcp.seats.others", "Those whose key Capgo has not accepted, or who have none"),
    "capacity": ("capgo_mcp.seats.capacity", "How many of either can be remembered"),
    "logins_left": ("capgo_mcp.logins.left", "Keys that Capgo may yet refuse before no further one is tried"),
    "shared_state": ("capgo_mcp.shared_state.up", "Whether the state that replicas share is there"),
}
"""What is told of a server at any moment: by which name, and what it means."""


def observe(figures: Callable[[], Mapping[str, int]]) -> None:
    """Tell from now on how full the server is.

    Args:
        figures: What it says of itself, by the names of `GAUGES`.
    """
    for name, (instrument, meaning) in GAUGES.items():
        # Bound now: when this is called, the loop's `name` is its last one.
        def look(_: CallbackOptions, name: str = name) -> Iterable[Observation]:
            return [Observation(value)] if (value := figures().get(name)) is not None else []

        _METER.create_observable_gauge(instrument, [look], description=meaning)


def publish(http: HttpSettings) -> None:
    """Serve the page from now on, each process on a port of its own.

    Raises:
        SettingsError: What makes the page is not installed, or no port is free.
    """
    require(http)
    if not http.metrics_port:
        return
    from opentelemetry.exporter.prometheus import PrometheusMetricReader  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.metrics import MeterProvider  # noqa: PLC0415 - the same
    from prometheus_client import start_http_server  # noqa: PLC0415 - the same

    reader = PrometheusMetricReader(disable_target_info=True, scope_info_enabled=False)
    if isinstance(configured := get_meter_provider(), MeterProvider):
        configured.add_metric_reader(reader)  # what OpenTelemetry was told to send, it goes on sending
    else:
        set_meter_provider(MeterProvider([reader]))
    for port in range(http.metrics_port, http.metrics_port + http.workers):
        try:
            start_http_server(port, http.host)
        except OSError:
            continue
        log.info("metrics on port %d", port)
        return
    raise SettingsError(f"no port from --metrics-port {http.metrics_port} on is free.")


def require(http: HttpSettings) -> None:
    """Check that there is what makes the page, if there shall be one.

    Raises:
        SettingsError: There is not.
    """
    if http.metrics_port:
        try:
            import opentelemetry.exporter.prometheus  # noqa: F401, PLC0415 - only where it is asked for
        except ImportError:
            raise SettingsError("--metrics-port needs the extra metrics: pip install 'capgo-mcp[metrics]'.") from None
