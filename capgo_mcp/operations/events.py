"""What devices report about updates: an event each, and counts of them.

Not documented by Capgo, whose own console and command line call these routes. No tools by themselves: the insights of
the toolset `health` are made from them.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from capgo_mcp.api.answers import Listing, Row
from capgo_mcp.api.fields import CAMEL_CASE, AppId, BundleName, DeviceId, sent_as
from capgo_mcp.api.operation import Operation
from capgo_mcp.api.text import Timestamp

EventCode = Annotated[str, Field(description="Code of an event, e.g. update_fail.", pattern=r"^\w{1,80}$")]
"""Not a closed list: devices of a newer plugin report codes that nobody here has heard of."""


def _is_counted(days: int) -> int:
    # Not a Literal: an `enum` of numbers makes Gemini refuse the tool.
    if days not in (1, 3, 7, 30):
        raise ValueError("must be 1, 3, 7 or 30")
    return days


CountedDays = Annotated[
    int, AfterValidator(_is_counted), Field(description="Days to look back, today included: 1, 3, 7 or 30.")
]


class Event(Row, identity=""):
    """Something that a device reported; `version_name` is the bundle it is about."""

    action: str | None = None
    version_name: str | None = None
    device_id: str | None = None
    metadata: Any = None
    created_at: Timestamp | None = None


class Totals(Row, identity=""):
    """How many events there were, and on how many devices."""

    total: int = 0
    device_count: int = 0


class ActionCount(Totals, identity="action"):
    """Events of one code."""

    action: str = ""


class VersionCount(ActionCount):
    """Events of one code about one bundle; about a file of it where the name is `version:file`."""

    version_name: str = ""


class Span(Row, identity=""):
    """The days that were counted."""

    start: Timestamp | None = None


class EventCounts(Row, identity=""):
    """Counts of events; of codes and of bundles only the most frequent ones."""

    summary: Totals | None = None
    actions: list[ActionCount] | None = None
    versions: list[VersionCount] | None = None
    period: Span | None = None


class ListEvents(
    Operation[Listing[Event]], http="POST /private/stats", needs="app.read_logs", alias_generator=CAMEL_CASE
):
    """List what some devices reported, by time."""

    app_id: AppId
    devices_id: Annotated[list[DeviceId], Field(description="Ids of the devices.", min_length=1)]
    range_start: Annotated[datetime, Field(description="Earliest moment.")]
    range_end: Annotated[datetime, Field(description="Latest moment.")]
    order: Annotated[
        Literal["asc", "desc"],
        Field(description="Sort by time."),
        sent_as(lambda word: [{"key": "created_at", "sortable": word}]),
    ]
    actions: Annotated[list[EventCode] | None, Field(description="Only these codes.")] = None
    limit: Annotated[int, Field(description="Most events to return.", ge=1, le=1000)]


class CountEvents(
    Operation[EventCounts], http="POST /private/stats/insights", needs="app.read_logs", alias_generator=CAMEL_CASE
):
    """Count what an app's devices reported in the last 1, 3, 7 or 30 days, today included; by default failures."""

    app_id: AppId
    days: CountedDays
    actions: Annotated[list[EventCode] | None, Field(description="Only these codes.")] = None
    version_name: Annotated[
        BundleName | None, Field(description="Only events about this bundle; Capgo of July 2026 ignores it.")
    ] = None
