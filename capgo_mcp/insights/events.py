"""What happened on one device, in words."""

import re
from collections.abc import Hashable, Iterable, Iterator
from itertools import groupby
from typing import Annotated, Any, Final

from pydantic import Field

from capgo_mcp.api.answers import Answer
from capgo_mcp.api.event_codes import FAILURES, MEANINGS
from capgo_mcp.api.fields import AppId, DeviceId, Since, moment
from capgo_mcp.api.text import Timestamp
from capgo_mcp.insights.insight import Context, Insight
from capgo_mcp.operations.events import Event, EventCode, ListEvents

LONG: Final = 15
"""Entries above which events of one kind are told together, whenever they happened."""

EMPTY: Final = (
    "Capgo told of no events in this time; it says the same of a device that does not exist, and when its event store "
    "is out of reach."
)
_DETAIL: Final = 200
_DETAILS: Final = ("message", "reason", "error")
_PROGRESS: Final = re.compile(r"download_\d+", re.ASCII)


class DeviceEvent(Answer):
    """An event, or several of one kind: `at` is the last of them, `first` the first."""

    at: Timestamp | None = None
    event: str
    means: str | None = None
    version: str | None = None
    detail: str | None = None
    times: int | None = None
    first: Timestamp | None = None


class DeviceEvents(Answer):
    """What happened on a device, newest first; `grouped` says that equal events are told together."""

    items: list[DeviceEvent]
    grouped: bool
    note: str | None = None


class ListDeviceEvents(Insight[DeviceEvents], toolset="health"):
    """What happened on one device: updates offered, refused and why, installed, failed, fallen back from; crashes."""

    app_id: AppId
    device_id: DeviceId
    since: Annotated[Since, Field(description="How far back, e.g. 7d or a date.")] = "7d"
    event: Annotated[EventCode | None, Field(description="Only events of this code, e.g. update_fail.")] = None
    limit: Annotated[int, Field(description="Most events to read, newest first.", ge=1, le=200)] = 100

    async def gather(self, context: Context) -> DeviceEvents:
        """Read the newest events and tell equal ones together."""
        now = context.clock.moment()
        asked = ListEvents(
            app_id=self.app_id,
            devices_id=[self.device_id],
            range_start=moment(self.since, now),
            range_end=now,
            order="desc",
            actions=[self.event] if self.event else None,
            limit=self.limit,
        )
        events = (await context.capgo.send(asked)).items
        told = [_told(run) for run in _runs(events)]
        if grouped := len(told) > LONG:
            told = [_told(kind) for kind in _kinds(events)]
        return DeviceEvents(items=told, grouped=grouped, note=self._note(len(events)))

    def _note(self, read: int) -> str | None:
        if read == self.limit:
            return f"Only the newest {read} events were read: raise limit, or ask for one event."
        return None if read else EMPTY


def _kind(event: Event) -> Hashable:
    """What makes two events equal; how far a download got makes no difference."""
    return (_PROGRESS.sub("download", event.action or ""), event.version_name)


def _runs(events: Iterable[Event]) -> Iterator[list[Event]]:
    """Equal events that follow each other."""
    return (list(run) for _, run in groupby(events, key=_kind))


def _kinds(events: Iterable[Event]) -> list[list[Event]]:
    """Equal events, whatever lies between them, in the order of their last ones."""
    kinds: dict[Hashable, list[Event]] = {}
    for event in events:
        kinds.setdefault(_kind(event), []).append(event)
    return [*kinds.values()]


def _told(events: list[Event]) -> DeviceEvent:
    """Equal events, newest first, as one entry."""
    last = events[0]
    several = {"times": len(events), "first": events[-1].created_at} if len(events) > 1 else {}
    return DeviceEvent(
        at=last.created_at,
        event=last.action or "",
        means=MEANINGS.get(last.action or ""),
        version=last.version_name,
        detail=_detail(last.metadata) if last.action in FAILURES else None,
        **several,
    )


def _detail(metadata: Any) -> str | None:
    """What the device said about a failure."""
    if not isinstance(metadata, dict):
        return None
    texts = (metadata.get(name) for name in _DETAILS)
    return next((text[:_DETAIL] for text in texts if isinstance(text, str) and text), None)
