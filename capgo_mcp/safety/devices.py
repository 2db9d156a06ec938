"""What a write to a device's channel override means."""

from typing import Any, Final

from capgo_mcp.client.capgo import Capgo
from capgo_mcp.operations.devices import GetDevice, SetDeviceChannel, UnsetDeviceChannel
from capgo_mcp.safety.meaning import Meaning
from capgo_mcp.safety.reading import Reading
from capgo_mcp.safety.undo import Snapshot, Undo, next_call

_ENDS: Final = "The pin ends in 90 days unless it is set again."


async def _snapshot(operation: SetDeviceChannel | UnsetDeviceChannel, capgo: Capgo) -> Snapshot:
    device = await capgo.send(GetDevice(app_id=operation.app_id, device_id=operation.device_id))
    return Snapshot.of(device)


def _undo(operation: SetDeviceChannel, before: Snapshot, after: Snapshot) -> Undo:
    target = {"app_id": operation.app_id, "device_id": operation.device_id}
    channel = before.stored.get("channel")
    if channel and channel == after.stored.get("channel"):
        return Undo([], [], f"It was pinned to that channel before. {_ENDS}")
    pin = next_call(SetDeviceChannel, **target, channel=channel) if channel else next_call(UnsetDeviceChannel, **target)
    return Undo([pin], [], _ENDS)


def _undo_unset(operation: UnsetDeviceChannel, before: Snapshot, after: Snapshot) -> Undo:
    channel = before.stored.get("channel")
    if not channel or after.stored.get("channel"):
        return Undo([], [], "It is still pinned." if channel else "It was not pinned before.")
    pin = next_call(SetDeviceChannel, app_id=operation.app_id, device_id=operation.device_id, channel=channel)
    return Undo([pin], [], "Pinned anew, it stays so for another 90 days.")


async def _preview_set(operation: SetDeviceChannel, reading: Reading) -> None:
    device = await reading.read("device", GetDevice(app_id=operation.app_id, device_id=operation.device_id))
    reading.tell_as("now", device, "custom_id", "platform", "version_name", "channel")


async def _preview_unset(operation: UnsetDeviceChannel, reading: Reading) -> None:
    # Not as the target of the call: Capgo keeps the override of a device that it has never seen.
    device = await reading.read("device", GetDevice(app_id=operation.app_id, device_id=operation.device_id))
    reading.tell(device, "custom_id", "platform", "version_name", "channel")
    if device is not None and device.channel is None:
        reading.facts["pinned"] = False


MEANINGS: Final[tuple[Meaning[Any], ...]] = (
    Meaning(SetDeviceChannel, preview=_preview_set, snapshot=_snapshot, undo=_undo),
    Meaning(
        UnsetDeviceChannel,
        preview=_preview_unset,
        snapshot=_snapshot,
        undo=_undo_unset,
    ),
)
