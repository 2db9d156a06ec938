"""Which devices a question is about."""

import re
from itertools import zip_longest
from typing import Annotated, Final, Literal

from pydantic import BaseModel, Field

from capgo_mcp.api.fields import AppId, Since
from capgo_mcp.operations.devices import Device, ListDevices

Platform = Literal["ios", "android", "electron"]


PINS_ONLY: Final = (
    "Only pins count for channel: devices that follow a default channel are not pinned to it, and Capgo does not tell "
    "which one they follow."
)


class DeviceFilter(BaseModel):
    """Arguments that say which devices count."""

    app_id: AppId
    platform: Annotated[Platform | None, Field(description="Only this one.")] = None
    version: Annotated[str | None, Field(description="Only those on it, e.g. 2.2.0 or builtin.", min_length=1)] = None
    channel: Annotated[str | None, Field(description="Only those pinned to it.", min_length=1)] = None
    updated_since: Annotated[Since | None, Field(description="Only those seen since, e.g. 7d or a date.")] = None

    def pages(self) -> ListDevices:
        """The list to walk over; what Capgo can leave out by itself is not even read."""
        return ListDevices(app_id=self.app_id, updated_since=self.updated_since)

    def note(self, *notes: str | None) -> str | None:
        """What to know about the answer: the notes there are, and what the filters do not see."""
        return " ".join(filter(None, (*notes, PINS_ONLY if self.channel is not None else None))) or None

    def admits(self, device: Device) -> bool:
        """Whether a device counts."""
        return (
            self.platform in (None, device.platform)
            and self.version in (None, device.version_name)
            and self.channel in (None, device.channel)
        )


def is_below(version: str | None, bound: str) -> bool:
    """Whether a version comes before another one, by its numbers; what has none comes before nothing."""
    numbers, others = _numbers(version or ""), _numbers(bound)
    pairs = zip_longest(numbers, others, fillvalue=0)
    return bool(numbers) and next((one < other for one, other in pairs if one != other), False)


def _numbers(version: str) -> list[int]:
    core = re.split(r"[-+ ]", version.removeprefix("v"), maxsplit=1)[0]
    return [int(part) for part in re.findall(r"\d{1,9}", core, re.ASCII)]
