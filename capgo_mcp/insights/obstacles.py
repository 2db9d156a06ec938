"""What keeps devices from a bundle, each with what to do about it.

A channel's update rules compare the bundle with the native build of a device, so they are told for the builds that
were found on devices.
"""

from collections.abc import Iterator
from typing import Final

from capgo_mcp.api.answers import Answer
from capgo_mcp.api.text import quoted
from capgo_mcp.insights.bundles import Serving, rolled_out
from capgo_mcp.insights.fleet import Fleet
from capgo_mcp.insights.rules import blocks, is_under_native
from capgo_mcp.operations.bundles import Bundle
from capgo_mcp.operations.channels import Channel

_FEW: Final = 3


class Obstacle(Answer):
    """Something that keeps devices from the bundle, and what to do about it."""

    what: str
    do: str


def nobody_gets_it(version: str, by: list[Serving]) -> Iterator[Obstacle]:
    """That no channel, or no default channel, serves the bundle."""
    if not by:
        yield Obstacle(
            what=f"No channel serves {quoted(version)}, so no device gets it.",
            do="Move a channel to it: capgo_set_channel with version, or capgo_set_rollout for a share of the devices.",
        )
    elif all(one.reach != "default" for one in by):
        yield Obstacle(
            what="No default channel serves it: only devices that are pinned to these channels or join them get it.",
            do="To reach everyone, set version on the default channel with capgo_set_channel.",
        )


def obstacles(
    version: str, by: list[Serving], channels: list[Channel], bundle: Bundle, fleet: Fleet
) -> Iterator[Obstacle]:
    """What stands in the way in the channels that matter: default ones and rollouts, or else a few others."""
    named = {channel.name: channel for channel in channels}
    for one in [one for one in by if one.reach == "default" or one.role == "rollout"] or by[:_FEW]:
        channel = named[one.channel]
        if one.role == "rollout":
            yield from _rollout(channel)
        yield from _rules(version, channel, bundle, fleet)
        yield from _kinds(channel, fleet)


def _rollout(channel: Channel) -> Iterator[Obstacle]:
    name = quoted(channel.name or "")
    if not channel.rollout_enabled:
        yield Obstacle(
            what=f"The rollout on channel {name} is off.", do="capgo_set_rollout with action start begins it anew."
        )
    elif not rolled_out(channel):
        yield Obstacle(
            what=f"The rollout on channel {name} is at 0 %.", do="capgo_set_rollout with action widen reaches more."
        )
    if channel.rollout_paused_at:
        reason = f": {quoted(channel.rollout_pause_reason)}" if channel.rollout_pause_reason else ""
        yield Obstacle(
            what=f"The rollout on channel {name} is paused, since {channel.rollout_paused_at:%Y-%m-%d %H:%M}Z{reason}.",
            do="Find out why, then capgo_set_rollout with action resume, or drop.",
        )


def _rules(version: str, channel: Channel, bundle: Bundle, fleet: Fleet) -> Iterator[Obstacle]:
    name, rule = quoted(channel.name or ""), channel.disable_auto_update
    if rule == "version_number" and not bundle.min_update_version:
        yield Obstacle(
            what=f"Channel {name} looks at a bundle's min_update_version, and this bundle has none.",
            do="Set disable_auto_update to another value with capgo_set_channel, or upload it with one.",
        )
    above = sum(count for build, count in fleet.builds.items() if blocks(rule, version, build))
    if above:
        yield Obstacle(
            what=f"Channel {name} blocks {rule} updates: {above} of {_seen(fleet)} have a native build too old for it.",
            do="They need a newer app from the store, or another disable_auto_update on the channel.",
        )
    below = sum(count for build, count in fleet.builds.items() if is_under_native(version, build))
    if below and channel.disable_auto_update_under_native:
        yield Obstacle(
            what=f"Channel {name} serves no bundle older than the native build: {below} of {_seen(fleet)} are newer.",
            do="Serve a bundle at or above their native build, or turn disable_auto_update_under_native off.",
        )


def _kinds(channel: Channel, fleet: Fleet) -> Iterator[Obstacle]:
    """Kinds of devices that the channel serves nothing; those that were not met are left out."""
    kinds = (
        (channel.allow_prod, fleet.devices - fleet.development, "production builds", "allow_prod"),
        (channel.allow_device, fleet.devices - fleet.emulators, "physical devices", "allow_device"),
        (channel.allow_dev, fleet.development, "development builds", "allow_dev"),
        (channel.allow_emulator, fleet.emulators, "emulators", "allow_emulator"),
        (channel.ios, fleet.platforms["ios"], "iOS devices", "ios"),
        (channel.android, fleet.platforms["android"], "Android devices", "android"),
    )
    for allowed, count, kind, flag in kinds:
        # Where no device could be looked at, it may keep it from all of them.
        if allowed is False and (count or not fleet.devices):
            yield Obstacle(
                what=f"Channel {quoted(channel.name or '')} serves no {kind}: {count} of {_seen(fleet)} are such.",
                do=f"If they should get it, capgo_set_channel with {flag} true.",
            )


def _seen(fleet: Fleet) -> str:
    return f"{fleet.devices} devices looked at"
