"""Which bundle one device should get now, and why, or what keeps it from any."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from capgo_mcp.api.answers import Answer
from capgo_mcp.api.errors import CapgoError, NotFound
from capgo_mcp.api.text import Timestamp, quoted
from capgo_mcp.insights.bundles import all_channels, bundle_named, newest_bundles, rolled_out
from capgo_mcp.insights.filters import is_below
from capgo_mcp.insights.insight import Context, Insight
from capgo_mcp.insights.obstacles import Obstacle
from capgo_mcp.insights.rules import blocks, is_under_native
from capgo_mcp.insights.walk import Walk, in_long_pages
from capgo_mcp.operations.channels import Channel
from capgo_mcp.operations.devices import Device, GetDevice, ListDevices, OneDevice

_QUIET: Final = 7
"""Days without a sign of a device after which that explains why it has nothing new."""
_PIN: Final = "A pin ends 90 days after it was last set, and Capgo does not tell when that was."
_DRAW: Final = "Capgo draws which devices are among them, and does not tell."
_BUILTIN: Final = "builtin"


class DeviceExplained(Answer):
    """What a device should get; without `should_get` it gets nothing, and `obstacles` say why and what to do."""

    summary: str
    device_id: str
    runs: str | None = None
    native_build: str | None = None
    last_seen: Timestamp | None = None
    channel: str | None = None
    should_get: str | None = None
    may_get: str | None = None
    because: list[str]
    obstacles: list[Obstacle]
    unknown: list[str] | None = None


class ExplainDevice(Insight[DeviceExplained], OneDevice):
    """Why is a device not updating, stuck on an old version? Its pin or default channel, rollout, update rules, cure.

    Takes device_id or custom_id.
    """

    async def gather(self, context: Context) -> DeviceExplained:
        """Read the device and the channels; the bundle only where a rule looks at it."""
        unknown: list[str] = []
        device = await self._device(context, unknown)
        await context.report(1, message="device read")
        channels = (await context.capgo.send(all_channels(app_id=self.app_id))).items
        channel, because = _assigned(device, channels, unknown)
        if channel is None:
            nothing = Offers(None, None, because)
            return _explained(device, None, nothing, [_no_channel(device)], unknown, context.clock.moment())
        if _serves(channel, device) is None:
            platform = quoted(device.platform or "")
            unknown.append(f"whether the channel serves its platform ({platform}): Capgo does not tell")
        if not device.version_build:
            unknown.append("its native build, which the update rules look at")
        offers = _offers(device, channel, because)
        lowest = await self._lowest(context, channel, offers.should, unknown)
        obstacles = [*_kinds(device, channel), *_rules(device, channel, offers.should or offers.may, lowest)]
        return _explained(device, channel, offers, obstacles, unknown, context.clock.moment())

    async def _device(self, context: Context, unknown: list[str]) -> Device:
        if self.device_id is not None:
            return await _read(context, GetDevice(app_id=self.app_id, device_id=self.device_id))
        listed = in_long_pages(ListDevices(app_id=self.app_id, custom_id_mode=True, order="desc"))
        async with Walk(context, listed) as walk:
            async for page in walk:
                found = [device for device in page if device.custom_id == self.custom_id]
                if len(found) > 1:
                    unknown.append(f"which device is meant: {len(found)} have this custom id; this one was seen last")
                if found and found[0].device_id:
                    # Long pages leave out pins, so the device is read once more by itself.
                    return await _read(context, GetDevice.of_told(app_id=self.app_id, device_id=found[0].device_id))
        raise NotFound(
            "device_not_found",
            f"No device has the custom id {quoted(self.custom_id or '')}. {walk.note or ''}".strip(),
            "Look for a part of it with capgo_find_devices.",
        )

    async def _lowest(self, context: Context, channel: Channel, version: str | None, unknown: list[str]) -> str | None:
        """The native build that a bundle asks for, where the channel looks at that."""
        if channel.disable_auto_update != "version_number" or version is None:
            return None
        try:
            newest = await newest_bundles(context.capgo, self.app_id)
            # An empty text says that the bundle has none, which keeps it from every device; None, that nobody knows.
            return (await bundle_named(context.capgo, self.app_id, version, newest)).min_update_version or ""
        except CapgoError as error:
            unknown.append(f"min_update_version of {quoted(version)}: {error.sentence}")
            return None


@dataclass(frozen=True)
class Offers:
    """What a channel has for a device: surely, perhaps, and why."""

    should: str | None
    may: str | None
    because: list[str]


async def _read(context: Context, asked: GetDevice) -> Device:
    """A device; it is the one that was asked for, also where the answer does not repeat its id."""
    device = await context.capgo.send(asked)
    return device if device.device_id else device.model_copy(update={"device_id": asked.device_id})


def _assigned(device: Device, channels: list[Channel], unknown: list[str]) -> tuple[Channel | None, list[str]]:
    """The channel of a device: the one it is pinned to, or else the default one of its platform."""
    if device.channel:
        pinned = next((channel for channel in channels if channel.name == device.channel), None)
        return pinned, [f"It is pinned to channel {quoted(device.channel)}. {_PIN}"]
    defaults = [channel for channel in channels if channel.public and _serves(channel, device) is not False]
    if len(defaults) > 1:
        unknown.append(f"its default channel: {len(defaults)} are default, for platforms that Capgo does not tell")
    if any(channel.allow_device_self_set for channel in channels):
        unknown.append("whether the app has put it on another channel by itself: Capgo tells of pins only")
    if not defaults:
        return None, ["It is not pinned, and no default channel serves its platform."]
    return defaults[0], [f"It is not pinned, so it follows the default channel {quoted(defaults[0].name or '')}."]


def _serves(channel: Channel, device: Device) -> bool | None:
    """Whether a channel serves the platform of a device; None where Capgo does not tell."""
    return {"ios": channel.ios, "android": channel.android}.get(device.platform or "")


def _offers(device: Device, channel: Channel, because: list[str]) -> Offers:
    stable = channel.version.name if channel.version and channel.version.name != _BUILTIN else None
    target = channel.rollout_version_info.name if channel.rollout_version_info else None
    percent = rolled_out(channel)
    name = quoted(channel.name or "")
    because = [*because, f"Channel {name} serves {quoted(stable) if stable else 'no bundle'}."]
    if not percent or target is None:
        return Offers(stable, None, because)
    share = f"It rolls {quoted(target)} out to {percent:g} %"
    # To run it shows that it was drawn; nothing else does.
    if device.version_name == target:
        return Offers(target, None, [*because, f"{share}, and this device is among them."])
    if channel.rollout_paused_at:
        return Offers(stable, None, [*because, f"{share}, but that is paused: no further device gets it."])
    if blocked := next(_rules(device, channel, target, None), None):
        return Offers(stable, None, [*because, f"{share}, but not to this device. {blocked.what}"])
    return Offers(stable, target, [*because, f"{share}. {_DRAW}"])


def _no_channel(device: Device) -> Obstacle:
    if device.channel:
        return Obstacle(
            what=f"Channel {quoted(device.channel)}, to which it is pinned, is not among the app's channels.",
            do="Pin it to another with capgo_set_device_channel, or unpin it with capgo_unset_device_channel.",
        )
    return Obstacle(
        what="Without a channel a device gets no update.",
        do="Make a channel the default one with capgo_set_channel and public true, or pin the device.",
    )


def _kinds(device: Device, channel: Channel) -> Iterator[Obstacle]:
    """That the channel does not serve such a device."""
    emulator, development = device.is_emulator is True, device.is_prod is False
    kinds = (
        (_serves(channel, device), True, f"{device.platform} devices", device.platform or ""),
        (channel.allow_dev, development, "development builds", "allow_dev"),
        (channel.allow_prod, not development, "production builds", "allow_prod"),
        (channel.allow_emulator, emulator, "emulators", "allow_emulator"),
        (channel.allow_device, not emulator, "physical devices", "allow_device"),
    )
    for allowed, applies, kind, flag in kinds:
        if allowed is False and applies:
            yield Obstacle(
                what=f"Channel {quoted(channel.name or '')} serves no {kind}, and this is one.",
                do=f"If it should get updates, capgo_set_channel with {flag} true, or pin it to another channel.",
            )


def _rules(device: Device, channel: Channel, version: str | None, lowest: str | None) -> Iterator[Obstacle]:
    """That the channel's update rules keep a bundle from the device's native build."""
    rule, build = channel.disable_auto_update, device.version_build or ""
    if version is None:
        yield Obstacle(
            what="The channel has no bundle for it.",
            do="Give the channel one: capgo_set_channel with version.",
        )
        return
    if blocks(rule, version, build):
        yield Obstacle(
            what=f"The channel blocks {rule} updates, and {quoted(version)} is one over native build {quoted(build)}.",
            do="It needs a newer app from the store, or another disable_auto_update on the channel.",
        )
    if channel.disable_auto_update_under_native and is_under_native(version, build):
        yield Obstacle(
            what=f"{quoted(version)} is older than native build {quoted(build)}, which the channel does not allow.",
            do="Serve a bundle at or above it, or turn disable_auto_update_under_native off.",
        )
    if lowest == "":
        yield Obstacle(
            what=f"The channel looks at a bundle's min_update_version, and {quoted(version)} has none.",
            do="Set disable_auto_update to another value with capgo_set_channel, or upload it with one.",
        )
    elif lowest and build and is_below(build, lowest):
        yield Obstacle(
            what=f"{quoted(version)} asks for native build {quoted(lowest)} or later, and this is {quoted(build)}.",
            do="It needs a newer app from the store.",
        )


def _explained(
    device: Device,
    channel: Channel | None,
    offers: Offers,
    obstacles: list[Obstacle],
    unknown: list[str],
    now: datetime,
) -> DeviceExplained:
    should, may = (None, None) if obstacles else (offers.should, offers.may)
    return DeviceExplained(
        summary=_summary(device, should, may, obstacles),
        device_id=device.device_id or "",
        runs=device.version_name,
        native_build=device.version_build,
        last_seen=device.updated_at,
        channel=channel.name if channel else None,
        should_get=should,
        may_get=may,
        because=offers.because,
        obstacles=[*obstacles, *_silence(device, should, now)],
        unknown=unknown or None,
    )


def _silence(device: Device, should: str | None, now: datetime) -> Iterator[Obstacle]:
    """That a device which lacks its bundle has not been heard of for long."""
    if device.updated_at is None or device.version_name == should:
        return
    days = (now - device.updated_at).days
    if days >= _QUIET:
        yield Obstacle(
            what=f"It was last seen {days} days ago.", do="It asks for updates when the app is opened with a network."
        )


def _summary(device: Device, should: str | None, may: str | None, obstacles: list[Obstacle]) -> str:
    """One sentence a person can be told."""
    runs = f"It runs {quoted(device.version_name or 'an unknown bundle')}"
    if obstacles:
        return f"{runs} and gets no update: {obstacles[0].what}"
    if device.version_name == should:
        return f"{runs}, which is what it should run{f', or {quoted(may)} if it is drawn' if may else ''}."
    if should is None:
        return f"{runs} and should get {quoted(may or '')} if it is drawn, or else nothing."
    drawn = f", or {quoted(may)} if it is drawn," if may else ""
    return f"{runs} and should get {quoted(should)}{drawn} at its next update check."
