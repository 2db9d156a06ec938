"""Which old bundles nobody needs: neither new, nor served by a channel, nor run by a device."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import Field, ValidationError

from capgo_mcp.api.answers import Listing
from capgo_mcp.api.errors import CapgoError
from capgo_mcp.api.fields import AppId, Since, moment
from capgo_mcp.insights.batch import Batch, BatchResult, Sorted
from capgo_mcp.insights.bundles import all_bundles, all_channels, served_by
from capgo_mcp.insights.insight import Context
from capgo_mcp.insights.walk import Walk, in_long_pages
from capgo_mcp.operations.bundles import Bundle, DeleteBundle
from capgo_mcp.operations.devices import Device, ListDevices
from capgo_mcp.operations.statistics import GetBundleUsage

AT_ONCE: Final = 200
"""Bundles that go in one call: a person still reads so many names, and they are gone before a client loses patience."""
KNOWN: Final = 90
"""Days for which Capgo keeps a device that it hears nothing of."""

_NAMED: Final = 20
_USERS: Final = 2
_UNREADABLE: Final = (
    "Nothing was deleted. Ask for fewer bundles one by one with capgo_delete_bundle, or try again later."
)


class CleanUpBundles(Batch[BatchResult], write=DeleteBundle, told="bundles deleted"):
    """Delete old bundles to clean up and free storage; the newest stay, and all that channels serve or devices run."""

    app_id: AppId
    keep: Annotated[int, Field(description="Newest ones to keep.", ge=1)]
    older_than: Annotated[Since | None, Field(description="Only those uploaded before, e.g. 90d.")] = None
    seen_since: Annotated[Since | None, Field(description="Devices not seen since count only if pinned.")] = None

    async def sort(self, context: Context) -> Sorted:
        """Read bundles, channels and devices; a bundle that any of them needs stays."""
        unknown: list[str] = []
        bundles = await context.capgo.send(all_bundles(app_id=self.app_id))
        channels = await context.capgo.send(all_channels(app_id=self.app_id))
        for what, rows in (("bundles", bundles), ("channels", channels)):
            if getattr(rows, "next", None) is not None:
                unknown.append(f"{what}: only the first {len(rows.items)} were looked at")
        devices = await Running(context, self, bundles).read(unknown)
        users = served_by(sorted(channels.items, key=lambda channel: not channel.public))  # default ones are told first
        reasons = Reasons(self, users, devices, context.clock.moment())
        for place, bundle in enumerate(bundles.items):
            reasons.add(place, bundle)
        return reasons.sorted(unknown)


class Reasons:
    """Why bundles stay, and which do not.

    Args:
        asked: What is to be cleaned up.
        served: The channels that need each bundle.
        devices: How many devices need each bundle.
        now: The moment of the reading.
    """

    def __init__(
        self, asked: CleanUpBundles, served: Mapping[str, list[str]], devices: Mapping[str, int], now: datetime
    ) -> None:
        self._asked = asked
        self._served = served
        self._devices = devices
        self._bound = None if asked.older_than is None else moment(asked.older_than, now)
        self._goes: dict[str, DeleteBundle] = {}
        self._stays: dict[str, list[str]] = {}

    def add(self, place: int, bundle: Bundle) -> None:
        """Sort a bundle, whose place among the others counts from the newest."""
        name = bundle.name or ""
        try:
            delete = DeleteBundle(app_id=self._asked.app_id, version=name)
        except ValidationError:  # no call can name it
            self._stays.setdefault("no tool can name them", []).append(name)
            return
        if place < self._asked.keep:
            self._stays.setdefault(f"among the newest {self._asked.keep}", []).append(name)
        elif users := self._served.get(name):
            more = f" and {len(users) - _USERS} more" if len(users) > _USERS else ""
            by = f"{name} ({', '.join(users[:_USERS])}{more})"
            self._stays.setdefault("served or rolled out by channels", []).append(by)
        elif count := self._devices.get(name):
            self._stays.setdefault("run by devices", []).append(f"{name} ({count})")
        elif self._bound and (bundle.created_at is None or bundle.created_at >= self._bound):
            self._stays.setdefault(f"uploaded since {self._bound:%Y-%m-%d}", []).append(name)
        else:
            self._goes[name] = delete

    def sorted(self, unknown: list[str]) -> Sorted:
        """What goes, the oldest first, and what stays."""
        oldest = dict(list(reversed(self._goes.items()))[:AT_ONCE])
        stays = [{"why": why, "bundles": len(names), "versions": names[:_NAMED]} for why, names in self._stays.items()]
        later = len(self._goes) - len(oldest)
        facts: dict[str, Any] = {"bundles_to_delete": len(oldest), "versions": [*oldest], "stays": stays}
        return Sorted(oldest, facts | ({"in_a_later_call": later} if later else {}), unknown, later)


class Running:
    """Which bundles the devices run that count.

    Args:
        context: Where to read.
        asked: What is to be cleaned up.
        bundles: The bundles that matter.
    """

    def __init__(self, context: Context, asked: CleanUpBundles, bundles: Listing[Bundle]) -> None:
        self._context = context
        self._asked = asked
        self._names = {bundle.id: bundle.name for bundle in bundles.items if bundle.name}
        self._known = frozenset(self._names.values())
        self._since = moment(asked.seen_since, context.clock.moment()) if asked.seen_since else None
        self._counts: Counter[str] = Counter()
        self._reached: datetime | None = None

    async def read(self, unknown: list[str]) -> Mapping[str, int]:
        """How many devices need each bundle; where they could not all be read, Capgo's statistics tell the others.

        Args:
            unknown: Where to say what could not be read and is not needed.

        Raises:
            CapgoError: Neither tells which bundles are run.
        """
        devices = ListDevices(app_id=self._asked.app_id, order="desc")
        # Where all devices count, nobody looks at the pins.
        walk = Walk(self._context, devices if self._since else in_long_pages(devices))
        try:
            async with walk:
                async for page in walk:
                    self._add(page)
        except CapgoError as error:
            walk.note = error.sentence
        # No devices at all may be an outage of Capgo's store, and is not taken for a fleet that runs nothing.
        if walk.complete and walk.seen:
            return self._counts
        unknown.append(f"devices: {walk.note}")
        # Unless the walk, which begins with those seen last, got past all that count.
        if self._since is None or self._reached is None or self._reached > self._since:
            await self._add_usage(walk.note or "")
        return self._counts

    def _add(self, page: list[Device]) -> None:
        for device in page:
            name = device.version_name or self._names.get(device.version)
            seen = device.updated_at
            if name in self._known and (self._since is None or device.channel or seen is None or seen >= self._since):
                self._counts[name or ""] += 1
            self._reached = seen or self._reached

    async def _add_usage(self, why: str) -> None:
        now = self._context.clock.moment()
        # A moment still to come would make a period that ends before it begins.
        first = min(self._since or now - timedelta(days=KNOWN), now)
        try:
            period = {"from_date": first.date(), "to_date": now.date()}
            usage = await self._context.capgo.send(GetBundleUsage(app_id=self._asked.app_id, **period))
        except CapgoError as error:
            sentence = f"Which bundles are run cannot be told. Devices: {why} Statistics: {error.sentence}"
            raise CapgoError("devices_not_known", sentence, _UNREADABLE) from error
        for share in usage.bundles:
            if share.name in self._known and (any(share.devices) or any(share.percent)):
                # A share without a number is at least one device.
                self._counts[share.name or ""] += max(share.devices, default=1) or 1
