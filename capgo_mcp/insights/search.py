"""Which devices are of a certain kind."""

from datetime import datetime
from itertools import takewhile
from typing import Annotated, Generic

from pydantic import Field

from capgo_mcp.api.answers import Listing, R
from capgo_mcp.insights.filters import DeviceFilter, Since, is_below, moment
from capgo_mcp.insights.insight import Context, Insight
from capgo_mcp.insights.walk import Walk
from capgo_mcp.operations.devices import Device, ListDevices


class Found(Listing[R], Generic[R]):
    """Rows that match; `complete` says whether all rows were looked at."""

    devices_seen: int
    complete: bool


class FindDevices(Insight[Found[Device]], DeviceFilter):
    """Find devices: who is still not on a version, has an old plugin, is pinned to a channel, was not seen lately."""

    not_version: Annotated[
        str | None, Field(description="Only devices on another bundle version than this.", min_length=1)
    ] = None
    plugin_version_below: Annotated[
        str | None, Field(description="Only devices whose plugin is older, e.g. 7.0.0.", pattern=r"^\d")
    ] = None
    custom_id: Annotated[
        str | None, Field(description="Only devices whose custom id contains this text.", min_length=1)
    ] = None
    not_seen_since: Annotated[
        Since | None, Field(description="Only devices not seen since, e.g. 2026-11-01 or 30d.")
    ] = None
    limit: Annotated[int, Field(description="Most devices to return.", ge=1, le=200)] = 20

    def pages(self, now: datetime) -> ListDevices:
        """The list to walk over, oldest first when old ones are wanted."""
        order = None if self.not_seen_since is None else "asc"
        return super().pages(now).model_copy(update={"custom_id_mode": self.custom_id is not None, "order": order})

    def admits(self, device: Device) -> bool:
        """Whether a device is one of those to find."""
        return (
            super().admits(device)
            and (self.not_version is None or device.version_name != self.not_version)
            and (self.plugin_version_below is None or is_below(device.plugin_version, self.plugin_version_below))
            and (self.custom_id is None or self.custom_id.lower() in (device.custom_id or "").lower())
        )

    async def gather(self, context: Context) -> Found[Device]:
        """Walk over the devices until enough are found."""
        found: list[Device] = []
        now = context.clock.moment()
        before = None if self.not_seen_since is None else moment(self.not_seen_since, now)
        walk = Walk(context, self.pages(now))
        over = False
        async for page in walk:
            early = list(takewhile(lambda device: not _is_after(before, device), page))
            over = len(early) < len(page)  # the list is sorted: all later ones were seen later
            found += filter(self.admits, early)
            if over or len(found) >= self.limit:
                break
        if len(found) < self.limit:
            return Found[Device](items=found, devices_seen=walk.seen, complete=walk.complete or over, note=walk.note)
        note = f"Stopped at {self.limit} devices, there may be more: raise limit or add a filter."
        return Found[Device](items=found[: self.limit], devices_seen=walk.seen, complete=False, note=note)


def _is_after(bound: datetime | None, device: Device) -> bool:
    return bound is not None and device.updated_at is not None and device.updated_at >= bound
