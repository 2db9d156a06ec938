"""Whether the release that was just shipped is failing, compared with the one before, and what to do about it."""

from collections.abc import Iterator
from typing import Final

from capgo_mcp.api.answers import Answer
from capgo_mcp.api.errors import CapgoError
from capgo_mcp.api.event_codes import MEANINGS
from capgo_mcp.api.fields import AppId
from capgo_mcp.api.operation import Sender
from capgo_mcp.api.text import Timestamp, quoted
from capgo_mcp.client.reads import Ahead
from capgo_mcp.insights.bundles import (
    EVERYONE,
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
from capgo_mcp.insights.failures import Failures, Measure, failures, overview_of
from capgo_mcp.insights.insight import Context, Insight
from capgo_mcp.insights.verdict import Verdict, judged
from capgo_mcp.operations.bundles import Bundle
from capgo_mcp.operations.events import CountedDays
from capgo_mcp.operations.statistics import BundleUsage, GetBundleUsage

WEEK: Final = 7
_CAUSES: Final = 6
_CHANNELS: Final = 3


class Figures(Answer):
    """Devices that took a bundle, and how many of them reported a failure of it."""

    version: str
    devices: int
    failed: int
    percent: float


class Cause(Answer):
    """A failure, and the devices that reported it; of the bundle before, their share alone."""

    code: str
    means: str
    devices: int
    percent: float
    percent_before: float | None = None


class UpdateHealth(Verdict):
    """Whether a bundle is failing; a device took it when it installed it since `since`, or runs it."""

    do: str
    version: str
    since: Timestamp | None = None
    failures: Figures | None = None
    compared_with: Figures | None = None
    causes: list[Cause] | None = None
    unknown: list[str] | None = None


async def verdict_on(
    version: str, app_id: str, capgo: Sender, newest: list[Bundle], usage: BundleUsage | None
) -> Verdict:
    """The verdict on a bundle over the last week; what keeps it from being known is its reason."""
    try:
        return judged(await failures(capgo, app_id, version, WEEK, newest, usage))
    except CapgoError as error:
        return Verdict(verdict="unknown", reason=error.sentence)


class GetUpdateHealth(Insight[UpdateHealth], toolset="health"):
    """Is a release failing? Failed updates and installs of a version by cause, the bundle before, what to do next."""

    app_id: AppId
    version: BundleMeant = None
    days: CountedDays = WEEK

    async def gather(self, context: Context) -> UpdateHealth:
        """Read channels and bundles, then count failures; only the first two are needed for an answer."""
        capgo = Ahead(context.capgo)
        period = last_days(self.app_id, self.days, context.clock.moment())
        # All at once, before it is known which bundle is meant: only what counts that one has to wait.
        await capgo.read(*first_reads(self.app_id), period, overview_of(self.app_id, self.days))
        await context.report(1, message="channels, bundles and their usage read")
        channels = (await capgo.send(all_channels(app_id=self.app_id))).items
        newest = await newest_bundles(capgo, self.app_id)
        version = self.version or current(channels, newest)
        await bundle_named(capgo, self.app_id, version, newest)
        by = serving(channels, version)
        unknown: list[str] = []
        usage = await self._usage(capgo, period, unknown)
        try:
            found = await failures(capgo, self.app_id, version, self.days, newest, usage)
        except CapgoError as error:
            return UpdateHealth(verdict="unknown", reason=error.sentence, do=error.hint, version=version)
        verdict = judged(found)
        return UpdateHealth(
            verdict=verdict.verdict,
            reason=verdict.reason,
            do=" ".join(_advice(verdict, found, by)),
            version=version,
            since=found.since,
            failures=_figures(found.now),
            compared_with=_figures(found.before) if found.before else None,
            causes=_causes(found),
            unknown=unknown or None,
        )

    async def _usage(self, capgo: Sender, period: GetBundleUsage, unknown: list[str]) -> BundleUsage | None:
        try:
            return await capgo.send(period)
        except CapgoError as error:
            unknown.append(f"devices that run it: {error.sentence} Only those that installed it are counted.")
            return None


def _figures(measure: Measure) -> Figures:
    share = round(100 * measure.share, 1)
    return Figures(version=measure.version, devices=measure.devices, failed=measure.failed, percent=share)


def _causes(found: Failures) -> list[Cause]:
    """The most frequent failures."""
    now, before = found.now, found.before
    most = sorted(now.causes, key=lambda code: -now.causes[code])[:_CAUSES]
    return [
        Cause(
            code=code,
            means=MEANINGS.get(code, "a failure that this server does not know"),
            devices=now.causes[code],
            percent=_percent(now, code),
            percent_before=_percent(before, code) if before else None,
        )
        for code in most
    ]


def _percent(measure: Measure, code: str) -> float:
    return round(100 * measure.causes.get(code, 0) / measure.devices, 1)


def _advice(verdict: Verdict, found: Failures, by: list[Serving]) -> Iterator[str]:
    """What to do next, as sentences."""
    # A rollout first: it can be stopped, where a stable bundle has to be replaced.
    served = sorted((one for one in by if one.percent and not one.paused_since), key=lambda one: one.role != "rollout")
    match verdict.verdict:
        case "failing" if served:
            to = f"version {quoted(found.before.version)}" if found.before else "the version of the bundle before"
            for one in served[:_CHANNELS]:
                stop = "capgo_set_rollout with action pause, or drop" if one.role == "rollout" else ""
                yield f"Stop it on channel {quoted(one.channel)}: {stop or f'capgo_set_channel with {to}'}."
        case "failing":
            yield "No channel brings it to more devices now."
        case "too_few":
            yield "Wait, and ask again when more devices have it; do not widen a rollout until then."
        case "healthy" if any(one.role == "rollout" and one.percent < EVERYONE for one in served):
            yield "It can go on: capgo_set_rollout with action widen, or promote."
        case "healthy":
            yield "Nothing needs to be done."
