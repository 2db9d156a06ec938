"""On how many devices a bundle fails, out of how many that took it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from capgo_mcp.api.errors import CapgoError
from capgo_mcp.api.event_codes import FILE_FAILURES, INSTALLED
from capgo_mcp.api.operation import Sender
from capgo_mcp.api.text import quoted
from capgo_mcp.client.reads import Ahead
from capgo_mcp.operations.bundles import Bundle
from capgo_mcp.operations.events import CountEvents, EventCounts, VersionCount
from capgo_mcp.operations.statistics import BundleUsage

_MOST_ROWS: Final = 30
"""Rows by bundle that Capgo tells at most."""
_NOTHING: Final = (
    "Capgo told of no installs and no failures at all in {days} days; it says the same when its event store is out of "
    "reach, and for an app that sends no statistics."
)
_LOGS: Final = "The user can look at the app's logs in the Capgo console."
_ELSEWHERE: Final = f"Try days 30. {_LOGS}"


class NotKnown(CapgoError):
    """Capgo answered, but not what was asked."""


@dataclass(frozen=True)
class Measure:
    """What is known about one bundle.

    Attributes:
        version: Its name.
        devices: Those that installed it in the period, or those that ran it on its busiest day if they were more: a
            bundle that has been out for long is installed by few.
        failed: Those that reported any failure of it.
        causes: Those that reported each failure, by its code.
    """

    version: str
    devices: int
    failed: int
    causes: Mapping[str, int]

    @property
    def share(self) -> float:
        """The part of the devices that reported a failure."""
        return self.failed / self.devices if self.devices else 0.0


@dataclass(frozen=True)
class Failures:
    """A bundle and the one before it, by the same measure; `before` is None when no device has an older one."""

    now: Measure
    before: Measure | None
    since: datetime | None


async def failures(
    capgo: Sender, app_id: str, version: str, days: int, newest: list[Bundle], usage: BundleUsage | None
) -> Failures:
    """Count the failures of a bundle, and of the older bundle that most devices have.

    Args:
        capgo: Where to read.
        app_id: The app.
        version: The bundle.
        days: 1, 3, 7 or 30.
        newest: The app's bundles, newest first.
        usage: Which devices ran what; None when it could not be read.

    Raises:
        NotKnown: Capgo told of nothing at all, which an outage looks like too, or not of this bundle.
        CapgoError: The counts could not be read.
    """
    overview = await capgo.send(overview_of(app_id, days))
    took = _took(overview, usage)
    names = [bundle.name for bundle in newest if bundle.name]
    older = names[names.index(version) + 1 :] if version in names else []
    before = max(older, key=lambda name: took[name], default=None)
    compared = [version, before] if before and took[before] else [version]
    counts = Ahead(capgo)
    await counts.read(*(count for name in compared for count in _counts_of(app_id, days, name)))

    async def measured(name: str) -> Measure:
        reported, installs = _counts_of(app_id, days, name)
        failed, causes = _about(name, await counts.send(reported))
        files = _about_files(name, overview)
        installed, _ = _about(name, await counts.send(installs))
        # Of failures of different kinds nobody knows whether they met the same devices.
        failed = max(failed, *files.values(), 0)
        return Measure(name, max(installed, took[name], failed), failed, {**causes, **files})

    now = await measured(version)
    if not (overview.summary and overview.summary.total) and not now.failed:
        raise NotKnown("no_events", _NOTHING.format(days=days), _ELSEWHERE)
    start = overview.period.start if overview.period else None
    return Failures(now, await measured(compared[1]) if len(compared) > 1 else None, start)


def overview_of(app_id: str, days: int) -> CountEvents:
    """The read with which the counting begins, whatever the bundle is."""
    return CountEvents(app_id=app_id, days=days, actions=[INSTALLED, *FILE_FAILURES])


def _counts_of(app_id: str, days: int, version: str) -> tuple[CountEvents, CountEvents]:
    """The reads that tell what was reported of a bundle, and who installed it."""
    of = {"app_id": app_id, "days": days, "version_name": version}
    return CountEvents(**of), CountEvents(**of, actions=[INSTALLED])


def _took(overview: EventCounts, usage: BundleUsage | None) -> Counter[str]:
    """How many devices took each bundle, as far as lists of the most frequent ones tell."""
    took: Counter[str] = Counter()
    for row in overview.versions or []:
        if row.action == INSTALLED:
            took[row.version_name] = row.device_count
    for share in usage.bundles if usage else []:
        took[share.name or ""] = max(took[share.name or ""], *share.devices, 0)
    return took


def _about(version: str, counts: EventCounts) -> tuple[int, dict[str, int]]:
    """The devices that reported anything of a bundle, and those of each code.

    A Capgo that does not know the filter yet counts all bundles and tells of the most frequent ones. Nobody knows how
    far the devices of several codes are the same ones, so at least those of the most frequent code are told.
    """
    if counts.summary is None or counts.actions is None or counts.versions is None:
        raise NotKnown("unexpected_answer", "Capgo's counts are in a form this server cannot read.", _LOGS)
    if all(row.version_name == version for row in counts.versions):
        return counts.summary.device_count, {row.action: row.device_count for row in counts.actions}
    mine = {row.action: row.device_count for row in counts.versions if row.version_name == version}
    if not mine and len(counts.versions) >= _MOST_ROWS:
        raise NotKnown(
            "not_counted",
            f"This Capgo cannot count one bundle by itself, and {quoted(version)} is not among the most frequent.",
            "The user can look at the app's logs in the Capgo console.",
        )
    return max(mine.values(), default=0), mine


def _about_files(version: str, overview: EventCounts) -> dict[str, int]:
    """The devices that reported a failure of one of a bundle's files: at least those of the worst file."""
    rows: list[VersionCount] = [
        row for row in overview.versions or [] if row.version_name.startswith(f"{version}:") and row.action != INSTALLED
    ]
    return {code: max(row.device_count for row in rows if row.action == code) for code in {row.action for row in rows}}
