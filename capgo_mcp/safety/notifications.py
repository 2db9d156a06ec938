"""What a write to push notifications means."""

from typing import Any, Final

from capgo_mcp.api.fields import MOST
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.operations.devices import ListDevices
from capgo_mcp.operations.notifications import (
    GetNotificationSettings,
    PushSettings,
    SendNotification,
    TriggerUpdateCheck,
    UpdateNotificationSettings,
)
from capgo_mcp.operations.recipients import LookUpRecipient
from capgo_mcp.safety.meaning import Meaning
from capgo_mcp.safety.reading import Reading
from capgo_mcp.safety.undo import Snapshot, Undo, next_call


async def _preview_settings(operation: UpdateNotificationSettings, reading: Reading) -> None:
    now = await reading.read("settings", GetNotificationSettings(app_id=operation.app_id))
    reading.tell_as("now", now, *PushSettings.model_fields)


async def _snapshot(operation: UpdateNotificationSettings, capgo: Capgo) -> Snapshot:
    settings: PushSettings = await capgo.send(GetNotificationSettings(app_id=operation.app_id))
    return Snapshot.of(settings)


def _undo(operation: UpdateNotificationSettings, before: Snapshot, after: Snapshot) -> Undo:
    """All settings as they were; no channel is told as null and set as an empty text."""
    if before.stored == after.stored:
        return Undo([], [])
    back = {**before.stored, "push_update_channel": before.stored["push_update_channel"] or ""}
    return Undo([next_call(UpdateNotificationSettings, app_id=operation.app_id, **back)], [])


async def _preview_recipients(operation: SendNotification | TriggerUpdateCheck, reading: Reading) -> None:
    """How many devices it reaches, as far as Capgo tells."""
    app_id, (kind, _, who) = operation.app_id, operation.target.partition(":")
    match kind:
        case "external_id" | "recipient_key":
            found = await reading.read("recipient", LookUpRecipient(app_id=app_id, **{kind: who}))
            reading.facts["devices"] = "not known" if found is None or found.count is None else found.count
        case "device_key":
            reading.facts["devices"] = 1
        case "tag":
            reading.unknown.append("devices: Capgo does not tell how many have a tag")
        case _:
            await reading.count("devices", ListDevices(app_id=app_id, limit=MOST), moving=True)
            reading.warnings.append("broadcast reaches each of these devices that is registered for pushes")


MEANINGS: Final[tuple[Meaning[Any], ...]] = (
    Meaning(UpdateNotificationSettings, preview=_preview_settings, snapshot=_snapshot, undo=_undo),
    Meaning(SendNotification, preview=_preview_recipients),
    Meaning(TriggerUpdateCheck, preview=_preview_recipients),
)
