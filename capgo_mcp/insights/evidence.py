"""What a plan is made from: independent reads, made at once; all but channels and bundles may fail."""

from functools import partial

from capgo_mcp.api.errors import CapgoError, NotFound
from capgo_mcp.client.reads import together
from capgo_mcp.insights.bundles import all_channels, bundle_named, last_days, newest_bundles
from capgo_mcp.insights.fleet import Fleet, seen_last
from capgo_mcp.insights.health import WEEK, verdict_on
from capgo_mcp.insights.insight import Context
from capgo_mcp.insights.verdict import Verdict
from capgo_mcp.operations.bundles import Bundle
from capgo_mcp.operations.channels import Channel
from capgo_mcp.operations.statistics import BundleUsage


class Evidence:
    """What is known about a bundle that somebody wants to release.

    Attributes:
        channels: The app's channels.
        newest: The app's newest bundles, newest first.
        bundle: The bundle; None when there is none of that name, and then `missing` says so.
        served: The bundle that the channel serves to all; None when it serves none, or it could not be read.
        fleet: The devices seen last; none when they could not be read.
        health: Whether the bundle is failing where it is out already.
        unknown: What could not be read, and why.
    """

    def __init__(self, context: Context, app_id: str, version: str) -> None:
        self.channels: list[Channel] = []
        self.newest: list[Bundle] = []
        self.bundle: Bundle | None = None
        self.missing = ""
        self.served: Bundle | None = None
        self.fleet = Fleet()
        self.health = Verdict(verdict="unknown", reason="")
        self.unknown: list[str] = []
        self._usage: BundleUsage | None = None
        self._context = context
        self._app_id = app_id
        self._version = version

    async def collect(self) -> None:
        """Read what does not depend on a channel.

        Raises:
            CapgoError: Channels or bundles could not be read.
        """
        await together(self._read_channels, self._read_bundles, self._read_fleet, self._read_usage)

    async def compare(self, channel: Channel) -> None:
        """Read what the bundle is compared with: the one that a channel serves, and how this one fares elsewhere."""
        await together(partial(self._read_served, channel), self._judge)

    async def _read_channels(self) -> None:
        self.channels = (await self._context.capgo.send(all_channels(app_id=self._app_id))).items

    async def _read_bundles(self) -> None:
        self.newest = await newest_bundles(self._context.capgo, self._app_id)
        try:
            self.bundle = await bundle_named(self._context.capgo, self._app_id, self._version, self.newest)
        except NotFound as error:
            self.missing = f"{error.sentence} {error.hint}"

    async def _read_fleet(self) -> None:
        try:
            self.fleet = await seen_last(self._context, self._app_id)
        except CapgoError as error:
            self.unknown.append(f"devices: {error.sentence}")

    async def _read_usage(self) -> None:
        now = self._context.clock.moment()
        try:
            self._usage = await self._context.capgo.send(last_days(self._app_id, WEEK, now))
        except CapgoError as error:
            self.unknown.append(f"usage: {error.sentence}")

    async def _read_served(self, channel: Channel) -> None:
        if channel.version is None or not channel.version.name:
            return
        try:
            self.served = await bundle_named(self._context.capgo, self._app_id, channel.version.name, self.newest)
        except CapgoError as error:
            self.unknown.append(f"the bundle it serves: {error.sentence}")

    async def _judge(self) -> None:
        self.health = await verdict_on(self._version, self._app_id, self._context.capgo, self.newest, self._usage)
