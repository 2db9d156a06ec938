"""Which devices are of a certain kind."""

from datetime import datetime
from itertools import takewhile
from typing import Annotated, Final, Generic

from pydantic import Field

from capgo_mcp.api.answers import Listing, R
from capgo_mcp.api.fields import Since, moment
from capgo_mcp.insights.filters import DeviceFilter, is_below
from capgo_mcp.insights.insight import Context, Insight
from capgo_mcp.insights.walk import Walk
from capgo_mcp.operations.devices import Device, ListDevices

_WITH_THE_APP: Final = "builtin"


class Found(Listing[R], Generic[R]):
    """Rows that match, of `matches` among the `devices_seen`; `complete` says whether those are all there are."""

    matches: int
    devices_seen: int
    complete: bool


class FindDevices(Insight[Found[Device]], DeviceFilter):
    """Find devices: who is still not on a version, has an old plugin, is pinned to a channel, was not seen lately."""

    not_version: Annotated[str | None, Field(description="Only those on another version.", min_length=1)] = None
    version_below: Annotated[str | None, Field(description="Only those on an older version.", pattern=r"^\d")] = None
    plugin_version_below: Annotated[
        str | None, Field(description="Only those with an older plugin.", pattern=r"^\d")
    ] = None
    custom_id: Annotated[str | None, Field(description="Only those whose custom id contains this.", min_length=1)] = (
        None
    )
    not_seen_since: Annotated[Since | None, Field(description="Only those not seen since, e.g. 30d.")] = None
    limit: Annotated[int, Field(description="Most devices to return.", ge=1, le=200)] = 20

    def pages(self) -> ListDevices:
        """The list to walk over, oldest first when old ones are wanted."""
        order = None if self.not_seen_since is None else "asc"
        return super().pages().model_copy(update={"custom_id_mode": self.custom_id is not None, "order": order})

    def admits(self, device: Device) -> bool:
        """Whether a device is one of those to find."""
        return (
            super().admits(device)
            and (self.not_version is None or device.version_name != self.not_version)
            and (self.version_below is None or is_below(_content(device), self.version_below))
            and (self.plugin_version_below is None or is_below(device.plugin_version, self.plugin_version_below))
            and (self.custom_id is None or self.custom_id.lower() in (device.custom_id or "").lower())
        )

    async def gather(self, context: Context) -> Found[Device]:
        """Walk over the devices; once enough are found, the others are only counted."""
        found: list[Device] = []
        matches = 0
        before = None if self.not_seen_since is None else moment(self.not_seen_since, context.clock.moment())
        async with Walk(context, self.pages()) as walk:
            over = False
            async for page in walk:
                early = list(takewhile(lambda device: not _is_after(before, device), page))
                matching = list(filter(self.admits, early))
                matches += len(matching)
                found += matching[: self.limit - len(found)]
                over = len(early) < len(page)  # the list is sorted: all later ones were seen later
                if over:
                    break
                if len(found) == self.limit and self.channel is None:
                    # Those that are told are complete; the others are only counted.
                    walk.needs_no_pins()
        more = f"{matches - len(found)} more match: raise limit or add a filter." if matches > len(found) else None
        return Found[Device](
            items=found,
            matches=matches,
            devices_seen=walk.seen,
            complete=walk.complete or over,
            note=self.note(more, walk.note),
        )


def _content(device: Device) -> str | None:
    """The version of what a device runs: of the bundle that came with the app, that is the app's."""
    return device.version_build if device.version_name == _WITH_THE_APP else device.version_name


def _is_after(bound: datetime | None, device: Device) -> bool:
    return bound is not None and device.updated_at is not None and device.updated_at >= bound
