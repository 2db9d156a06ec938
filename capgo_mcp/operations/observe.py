"""How an app does on its devices, as Capgo Observe sees it. Not documented by Capgo.

Beside the figures Capgo sends texts that tell an agent what to do. They are no part of an answer here: what is not
declared is not read.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from capgo_mcp.api.answers import Row
from capgo_mcp.api.event_codes import MEANINGS
from capgo_mcp.api.fields import CAMEL_CASE, AppId, BundleName, DeviceId
from capgo_mcp.api.operation import Operation
from capgo_mcp.api.text import Timestamp
from capgo_mcp.operations.events import CountedDays, EventCode, EventCounts

View = Literal["summary", "metrics", "events", "device", "versions", "routes"]


class ObservedDays(Row, identity=""):
    """The time that was looked at."""

    requested_days: int | None = None
    start: Timestamp | None = None
    end: Timestamp | None = None


class Overview(Row, identity=""):
    """An app at a glance: rates in percent of the devices, times in milliseconds."""

    total_events: int | None = None
    total_devices: int | None = None
    issue_count: int | None = None
    affected_devices: int | None = None
    issue_free_rate: float | None = None
    launch_timeout_count: int | None = None
    launch_p50_ms: float | None = None
    launch_p90_ms: float | None = None
    webview_load_p50_ms: float | None = None
    webview_load_p90_ms: float | None = None


class Timed(Row, identity=""):
    """How often something happened, on how many devices, and how long it took."""

    events: int | None = None
    devices: int | None = None
    p50_ms: float | None = None
    p90_ms: float | None = None


class ObservedAction(Timed, identity=""):
    """Events of one code."""

    action: str | None = None
    means: str | None = None
    is_issue: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _in_words(cls, body: Any) -> Any:
        return {**body, "means": MEANINGS.get(str(body.get("action")))} if isinstance(body, dict) else body


class ObservedRoute(Timed, identity=""):
    """Moves to one page of the app."""

    route: str | None = None


class ObservedVersion(Row, identity=""):
    """An app on devices of one bundle and platform."""

    version_name: str | None = None
    platform: str | None = None
    channel_name: str | None = None
    devices: int | None = None
    issue_count: int | None = None
    affected_devices: int | None = None
    issue_free_rate: float | None = None
    launch_p90_ms: float | None = None
    webview_load_p90_ms: float | None = None


class ReleaseMarker(Row, identity=""):
    """When a bundle went to a channel."""

    version_name: str | None = None
    channel_name: str | None = None
    deployed_at: Timestamp | None = None


class NextView(Row, identity=""):
    """Which view of the same tool tells more."""

    view: str | None = None
    action: str | None = None
    device_id: str | None = None
    sort: str | None = None


class Observed(Row, identity=""):
    """Something that Capgo finds worth a look, in its words."""

    id: str | None = None
    severity: str | None = None
    title: str | None = None
    detail: str | None = None
    next: NextView | None = None


class Sample(Row, identity=""):
    """One event; `duration_ms` in milliseconds."""

    device_id: str | None = None
    action: str | None = None
    version_name: str | None = None
    created_at: Timestamp | None = None
    duration_ms: float | None = None
    route: str | None = None


class Observation(Row, identity=""):
    """What a view shows; each view fills some of these."""

    view: str | None = None
    period: ObservedDays | None = None
    overview: Overview | None = None
    findings: list[Observed] | None = None
    action_breakdown: list[ObservedAction] | None = None
    versions: list[ObservedVersion] | None = None
    release_markers: list[ReleaseMarker] | None = None
    insights: EventCounts | None = None
    routes: list[ObservedRoute] | None = None
    samples: list[Sample] | None = None
    events: list[Sample] | None = None


class Observe(Operation[Observation], http="POST /private/observe", needs="app.read", alias_generator=CAMEL_CASE):
    """Crashes, launch times and page loads of an app, by version, route or device; start with the view summary.

    Says nothing about failed updates: capgo_get_update_health does.
    """

    app_id: AppId
    view: Annotated[View, Field(description="What to look at.")] = "summary"
    days: CountedDays = 7
    action: Annotated[EventCode | None, Field(description="Only events of this code, e.g. app_crash.")] = None
    device_id: Annotated[DeviceId | None, Field(description="For the view device.")] = None
    version_name: Annotated[
        BundleName | None, Field(description="Only this bundle; not in the views summary and versions.")
    ] = None
    sort: Annotated[
        Literal["slowest", "fastest", "newest", "oldest"] | None,
        Field(description="Order of samples; slowest and fastest are those of the newest 500 events."),
    ] = None
    limit: Annotated[int | None, Field(description="Most rows; 20 if left out.", ge=1, le=200)] = None

    @model_validator(mode="after")
    def _fits_the_view(self) -> Self:
        if self.view == "device" and self.device_id is None:
            raise ValueError("the view device needs device_id")
        # An older Capgo ignores it there, and would tell of all bundles.
        if self.view in ("summary", "versions") and self.version_name is not None:
            raise ValueError("version_name goes with the views metrics, events, device and routes")
        return self
