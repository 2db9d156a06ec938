"""A bundle among the others, found by its name, and the channels that serve it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Final, Literal

from pydantic import Field

from capgo_mcp.api.answers import Answer
from capgo_mcp.api.channel_edit import PERCENT
from capgo_mcp.api.errors import NotFound
from capgo_mcp.api.fields import MOST, BundleName
from capgo_mcp.api.operation import Sender
from capgo_mcp.api.text import Timestamp, quoted
from capgo_mcp.operations.bundles import Bundle, ListBundles
from capgo_mcp.operations.channels import Channel, ListChannels
from capgo_mcp.operations.statistics import GetBundleUsage

NEWEST: Final = 50
"""Bundles that one request brings."""
EVERYONE: Final = 100.0
"""All devices of a channel, in percent."""

BundleMeant = Annotated[
    BundleName | None,
    Field(description="Bundle version name. Left out: the one the default channel rolls out or serves."),
]
"""The bundle that a question is about; `current` finds the one that nobody names."""

_NAMES: Final = 5


all_channels: Final = partial(ListChannels, limit=MOST)
"""The read of an app's channels, as far as one call goes."""
all_bundles: Final = partial(ListBundles, limit=MOST)
"""The read of an app's bundles, as far as one call goes."""


def first_reads(app_id: str) -> tuple[ListChannels, ListBundles]:
    """The reads without which nothing can be said of a bundle: channels, and the newest bundles."""
    return all_channels(app_id=app_id), ListBundles(app_id=app_id, limit=NEWEST)


async def newest_bundles(capgo: Sender, app_id: str) -> list[Bundle]:
    """The bundles that were uploaded last, newest first."""
    return (await capgo.send(ListBundles(app_id=app_id, limit=NEWEST))).items


async def bundle_named(capgo: Sender, app_id: str, version: str, newest: list[Bundle]) -> Bundle:
    """The bundle of a name: among the newest ones, which are at hand, or else among the older ones.

    Raises:
        NotFound: There is none.
        CapgoError: The older ones could not be read.
    """
    bundle = _among(newest, version)
    # Fewer than a page are all there are, of which a further request finds no more.
    if bundle is None and len(newest) == NEWEST:
        bundle = _among((await capgo.send(ListBundles(app_id=app_id, version=version))).items, version)
    if bundle is None:
        names = ", ".join(quoted(str(one.name)) for one in newest[:_NAMES])
        sentence = f"The app has no bundle called {quoted(version)}."
        raise NotFound("bundle_not_found", sentence, f"The newest ones are {names}." if names else "The app has none.")
    return bundle


def last_days(app_id: str, days: int, now: datetime) -> GetBundleUsage:
    """The read of which devices ran which bundle in so many days, and today as far as it is counted."""
    return GetBundleUsage(app_id=app_id, from_date=now.date() - timedelta(days=days), to_date=now.date())


def current(channels: list[Channel], newest: list[Bundle]) -> str:
    """The bundle that is meant when none is named.

    That is what the default channel rolls out, or else serves; of an app without one, the newest bundle.

    Raises:
        NotFound: The app has no bundles.
    """
    defaults = [channel for channel in channels if channel.public]
    rolled = [channel.rollout_version_info for channel in defaults if channel.rollout_enabled]
    for bundle in (*rolled, *(channel.version for channel in defaults)):
        if bundle is not None and bundle.name:
            return bundle.name
    if not newest or not newest[0].name:
        raise NotFound("no_bundles", "The app has no bundles yet.", "Upload one with Capgo's command line.")
    return newest[0].name


def _among(bundles: list[Bundle], version: str) -> Bundle | None:
    return next((bundle for bundle in bundles if bundle.name == version), None)


def served_by(channels: Iterable[Channel]) -> dict[str, list[str]]:
    """The channels that serve each bundle, as stable one or as target of a rollout, in their order."""
    users: dict[str, list[str]] = {}
    for channel in channels:
        for bundle in (channel.version, channel.rollout_version_info):
            if bundle and bundle.name:
                users.setdefault(bundle.name, []).append(channel.name or "")
    return users


class Serving(Answer):
    """A channel that serves the bundle.

    As `stable` bundle or as `rollout` target, to `percent` of the devices that the channel reaches: all that are not
    pinned (`default`), those that join by themselves (`self_set`), or only pinned ones (`pinned`).
    """

    channel: str
    role: Literal["stable", "rollout"]
    percent: float
    reach: Literal["default", "self_set", "pinned"]
    paused_since: Timestamp | None = None
    pause_reason: str | None = None
    auto_pause: bool | None = None


def serving(channels: list[Channel], version: str) -> list[Serving]:
    """Every channel that serves a bundle, default ones first."""
    found = [_serving(channel, role) for channel in channels for role in _roles(channel, version)]
    return sorted(found, key=lambda one: one.reach != "default")


def _roles(channel: Channel, version: str) -> list[Literal["stable", "rollout"]]:
    roles: list[Literal["stable", "rollout"]] = []
    if channel.version is not None and channel.version.name == version:
        roles.append("stable")
    if channel.rollout_version_info is not None and channel.rollout_version_info.name == version:
        roles.append("rollout")
    return roles


def _serving(channel: Channel, role: Literal["stable", "rollout"]) -> Serving:
    rolled = rolled_out(channel)
    if role == "rollout":
        return Serving(
            channel=channel.name or "",
            role=role,
            percent=rolled,
            reach=_reach(channel),
            paused_since=channel.rollout_paused_at,
            pause_reason=channel.rollout_pause_reason,
            auto_pause=channel.auto_pause_enabled,
        )
    return Serving(channel=channel.name or "", role=role, percent=EVERYONE - rolled, reach=_reach(channel))


def rolled_out(channel: Channel) -> float:
    """Percent of a channel's devices that get its rollout target; a pause keeps new ones from it."""
    running = channel.rollout_enabled and channel.rollout_version_info is not None
    return (channel.rollout_percentage_bps or 0) / PERCENT if running else 0.0


def _reach(channel: Channel) -> Literal["default", "self_set", "pinned"]:
    if channel.public:
        return "default"
    return "self_set" if channel.allow_device_self_set else "pinned"
