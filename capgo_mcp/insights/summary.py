"""How many devices there are of each kind."""

from collections import Counter
from typing import Annotated, Final, Literal

from pydantic import Field

from capgo_mcp.api.answers import Answer
from capgo_mcp.insights.filters import DeviceFilter
from capgo_mcp.insights.insight import Context, Insight
from capgo_mcp.insights.walk import Walk, in_long_pages
from capgo_mcp.operations.devices import Device

DISTINCT: Final = 2000
"""Different values counted one by one: devices name some of them freely, and a million names would fill the memory."""
_NAME: Final = 100
_CROSS: Final = " + "
_NONE: Final = "(none)"
_NOT_PINNED: Final = "(not pinned)"
_GROUPS: Final = 28
"""Groups to show in all when nobody says how many: they make about 600 tokens."""

Property = Literal[
    "version", "platform", "os_version", "plugin_version", "version_build", "channel", "is_prod", "is_emulator"
]
_FIELDS: Final = {"version": "version_name"}
"""Fields of a device that are called otherwise here, where `version` is the bundle as in all other tools."""


class Group(Answer):
    """Devices that have one value in common."""

    value: str
    devices: int
    percent: float


class Breakdown(Answer):
    """The most common values of one property; what is left over is counted in `other_devices`."""

    by: str
    groups: list[Group]
    other_devices: int | None = None


class DeviceSummary(Answer):
    """How many devices match, out of those read; `complete` says whether that is all of them."""

    devices: int
    devices_seen: int
    complete: bool
    breakdown: list[Breakdown]
    note: str | None = None


class Tally:
    """Counts the values of one property, or the combinations of several, in bounded memory."""

    def __init__(self, *by: str) -> None:
        self.by = _CROSS.join(by)
        self._properties = by
        self._counts: Counter[str] = Counter()
        self._uncounted = 0

    def add(self, device: Device) -> None:
        """Count a device."""
        name = _CROSS.join(_value(device, by) for by in self._properties)
        if name in self._counts or len(self._counts) < DISTINCT:
            self._counts[name] += 1
        else:
            self._uncounted += 1

    def breakdown(self, most: int) -> Breakdown:
        """The most common values and how many devices have others."""
        total = self._counts.total() + self._uncounted
        shown = self._counts.most_common(most)
        rest = total - sum(devices for _, devices in shown)
        groups = [
            Group(value=value, devices=devices, percent=round(100 * devices / total, 1)) for value, devices in shown
        ]
        return Breakdown(by=self.by, groups=groups, other_devices=rest or None)


def _value(device: Device, by: str) -> str:
    value = getattr(device, _FIELDS.get(by, by))
    if value in (None, ""):
        return _NOT_PINNED if by == "channel" else _NONE
    return str(value).lower() if isinstance(value, bool) else str(value)[:_NAME]


class SummarizeDevices(Insight[DeviceSummary], DeviceFilter):
    """Count devices: how many run which version, platform (iOS, Android), OS, plugin or native build, and their share.

    Reads the whole fleet in one call.
    """

    group_by: Annotated[
        list[Property],
        Field(
            description="What to count by; version_build is the native build, channel the one pinned to.",
            min_length=1,
        ),
    ] = ["version", "platform"]  # noqa: RUF012 - pydantic copies it for each instance
    crossed: Annotated[bool, Field(description="Count combinations, e.g. of version and platform.")] = False
    limit: Annotated[
        int | None,
        Field(description="Most values of each; 10 or fewer if left out.", ge=1, le=100),
    ] = None

    async def gather(self, context: Context) -> DeviceSummary:
        """Walk over all devices and count those that match."""
        by = list(dict.fromkeys(self.group_by))
        tallies = [Tally(*by)] if self.crossed else [Tally(one) for one in by]
        most = self.limit or (_GROUPS if self.crossed else min(10, _GROUPS // len(tallies)))
        matching = 0
        pages = self.pages()
        looks_at_pins = self.channel is not None or "channel" in self.group_by
        async with Walk(context, pages if looks_at_pins else in_long_pages(pages)) as walk:
            async for page in walk:
                for device in filter(self.admits, page):
                    matching += 1
                    for tally in tallies:
                        tally.add(device)
        return DeviceSummary(
            devices=matching,
            devices_seen=walk.seen,
            complete=walk.complete,
            breakdown=[tally.breakdown(most) for tally in tallies],
            note=self.note(walk.note),
        )
