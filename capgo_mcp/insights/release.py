"""How a release is doing: who gets it, who runs it, and what stands in its way."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Final, NamedTuple

from pydantic import Field

from capgo_mcp.api.answers import Answer
from capgo_mcp.api.channel_words import UNTOLD
from capgo_mcp.api.errors import CapgoError
from capgo_mcp.api.fields import AppId
from capgo_mcp.api.text import Timestamp, quoted
from capgo_mcp.client.reads import Ahead, together
from capgo_mcp.insights.bundles import (
    BundleMeant,
    Serving,
    all_channels,
    bundle_named,
    current,
    first_reads,
    last_days,
    newest_bundles,
    serving,
)
from capgo_mcp.insights.failures import overview_of
from capgo_mcp.insights.fleet import Fleet, seen_last
from capgo_mcp.insights.health import WEEK, verdict_on
from capgo_mcp.insights.insight import Context, Insight
from capgo_mcp.insights.obstacles import Obstacle, nobody_gets_it, obstacles
from capgo_mcp.insights.verdict import Verdict
from capgo_mcp.operations.bundles import Bundle
from capgo_mcp.operations.channels import Channel
from capgo_mcp.operations.statistics import BundleUsage, Day, Share

_NAMES: Final = 5
_SHOWN: Final = 20


class Adoption(Answer):
    """Share of the app's devices that ran the bundle, in percent by day, and their number on the last day."""

    days: list[Day]
    percent: list[float]
    latest_devices: int | None = None


class Pinned(Answer):
    """Devices, among the `devices_seen` seen last, that are pinned to channels which do not serve the bundle."""

    devices: int
    devices_seen: int
    complete: bool
    channels: list[str]


class ReleaseStatus(Answer):
    """Where a bundle stands; `obstacles` are what keeps devices from it, each with what to do."""

    summary: str
    version: str
    created_at: Timestamp | None = None
    comment: str | None = None
    newest_version: str | None = None
    channels: list[Serving]
    adoption: Adoption | None = None
    health: Verdict | None = None
    pinned_elsewhere: Pinned | None = None
    obstacles: list[Obstacle]
    unknown: list[str] | None = None


class _Known(NamedTuple):
    """What is known of a bundle beside the devices."""

    channels: list[Channel]
    newest: list[Bundle]
    version: str
    bundle: Bundle
    usage: BundleUsage | None
    health: Verdict


class GetReleaseStatus(Insight[ReleaseStatus]):
    """Release status of a bundle: channels that serve it, rollout, adoption by day, failing or not, what blocks it."""

    app_id: AppId
    version: BundleMeant = None
    days: Annotated[int, Field(description="Days of adoption to look back.", ge=1, le=90)] = 7

    async def gather(self, context: Context) -> ReleaseStatus:
        """Read channels, bundles, usage and the devices seen last; only the first two are needed for an answer."""
        unknown: list[str] = []
        (fleet, unseen), known = await together(partial(self._fleet, context), partial(self._known, context, unknown))
        adoption = self._adoption(known.usage, known.version, unknown) if known.usage else None
        by = serving(known.channels, known.version)
        found = [
            *nobody_gets_it(known.version, by),
            *obstacles(known.version, by, known.channels, known.bundle, fleet),
        ]
        return ReleaseStatus(
            summary=_summary(known.version, by, adoption, found, known.health),
            version=known.version,
            created_at=known.bundle.created_at,
            comment=known.bundle.comment,
            newest_version=known.newest[0].name if known.newest else None,
            channels=by[:_SHOWN],
            adoption=adoption,
            health=known.health,
            pinned_elsewhere=_pinned(fleet, by) if fleet.devices else None,
            obstacles=found,
            unknown=[
                *unseen,
                *unknown,
                UNTOLD[any(channel.ios is not None for channel in known.channels)],
            ],
        )

    async def _fleet(self, context: Context) -> tuple[Fleet, list[str]]:
        """The devices seen last, or why they are not known."""
        try:
            return await seen_last(context, self.app_id), []
        except CapgoError as error:
            return Fleet(), [f"devices: {error.sentence}"]

    async def _known(self, context: Context, unknown: list[str]) -> _Known:
        capgo = Ahead(context.capgo)
        period = last_days(self.app_id, self.days, context.clock.moment())
        await capgo.read(*first_reads(self.app_id), period, overview_of(self.app_id, WEEK))
        channels = (await capgo.send(all_channels(app_id=self.app_id))).items
        newest = await newest_bundles(capgo, self.app_id)
        version = self.version or current(channels, newest)
        bundle = await bundle_named(capgo, self.app_id, version, newest)
        usage: BundleUsage | None = None
        try:
            usage = await capgo.send(period)
        except CapgoError as error:
            unknown.append(f"adoption: {error.sentence}")
        health = await verdict_on(version, self.app_id, capgo, newest, usage)
        return _Known(channels, newest, version, bundle, usage, health)

    def _adoption(self, usage: BundleUsage, version: str, unknown: list[str]) -> Adoption | None:
        counted = [day for day in range(len(usage.days)) if any(_on(share.percent, day) for share in usage.bundles)]
        if not counted:
            unknown.append(f"adoption: Capgo counted no devices in the last {self.days} days")
            return None
        share = next((share for share in usage.bundles if share.name == version), Share())
        return Adoption(
            days=[usage.days[day] for day in counted],
            percent=[_on(share.percent, day) for day in counted],
            latest_devices=int(_on(share.devices, counted[-1])),
        )


def _on(figures: Sequence[float], day: int) -> float:
    return figures[day] if day < len(figures) else 0


def _pinned(fleet: Fleet, by: list[Serving]) -> Pinned:
    elsewhere = {name: count for name, count in fleet.pinned.items() if name not in {one.channel for one in by}}
    most = sorted(elsewhere, key=lambda name: -elsewhere[name])[:_NAMES]
    return Pinned(devices=sum(elsewhere.values()), devices_seen=fleet.devices, complete=fleet.complete, channels=most)


def _summary(version: str, by: list[Serving], adoption: Adoption | None, found: list[Obstacle], health: Verdict) -> str:
    """One sentence a person can be told."""
    places = ", ".join(
        f"{quoted(one.channel)} ({'default, ' if one.reach == 'default' else ''}{one.role} at {one.percent:g} %)"
        for one in by[:_NAMES]
    )
    where = f"is served by {places or 'no channel'}" + (f" and {len(by) - _NAMES} more" if len(by) > _NAMES else "")
    ran = f"; {adoption.percent[-1]:g} % of devices ran it on {adoption.days[-1]}" if adoption else ""
    told = "; it is failing" if health.verdict == "failing" else ""
    return f"{quoted(version)} {where}{ran}{told}; {len(found) or 'no'} obstacle{'' if len(found) == 1 else 's'} found."
