"""Which devices a question is about."""

import re
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, Field

from capgo_mcp.api.fields import AppId
from capgo_mcp.operations.devices import Device, ListDevices

_DAYS: Final = re.compile(r"(\d{1,4}) ?d(ays?)?", re.ASCII | re.IGNORECASE)


def moment(text: str, now: datetime) -> datetime:
    """The moment that a day, a time or a number of days before now stands for.

    Raises:
        ValueError: It stands for none.
    """
    meant = _read(text)
    return now - meant if isinstance(meant, timedelta) else meant


def _read(text: str) -> datetime | timedelta:
    if days := _DAYS.fullmatch(text):
        return timedelta(days=int(days[1]))
    try:
        named = datetime.fromisoformat(text)
        return named.replace(tzinfo=UTC) if named.tzinfo is None else named.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be a day such as 2026-11-01, a time, or days before now such as 7d") from None


def _stands_for_a_moment(text: str) -> str:
    _read(text)
    return text


Since = Annotated[str, AfterValidator(_stands_for_a_moment)]
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
    updated_since: Annotated[Since | None, Field(description="Only those seen since, e.g. 2026-11-01 or 7d.")] = None

    def pages(self, now: datetime) -> ListDevices:
        """The list to walk over; what Capgo can leave out by itself is not even read."""
        since = None if self.updated_since is None else f"{moment(self.updated_since, now):%Y-%m-%dT%H:%M:%SZ}"
        return ListDevices(app_id=self.app_id, updated_since=since)

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
