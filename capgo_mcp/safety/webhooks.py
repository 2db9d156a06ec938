"""What a write to webhooks means."""

from typing import Any, Final

from capgo_mcp.api.answers import Answer
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.operations.organizations import GetOrganization
from capgo_mcp.operations.webhooks import CreateWebhook, DeleteWebhook, GetWebhook, ListWebhooks, UpdateWebhook, Webhook
from capgo_mcp.safety.meaning import Meaning
from capgo_mcp.safety.reading import Reading
from capgo_mcp.safety.undo import Snapshot, Undo, former, next_call

_TOLD: Final = ("name", "url", "enabled", "events")


def _read(operation: UpdateWebhook | DeleteWebhook) -> GetWebhook:
    return GetWebhook(org_id=operation.org_id, webhook_id=operation.webhook_id)


async def _preview_create(operation: CreateWebhook, reading: Reading) -> None:
    organization: Answer | None = await reading.read("organization", GetOrganization(org_id=operation.org_id))
    reading.tell_as("organization", organization, "name")
    await reading.count("webhooks", ListWebhooks(org_id=operation.org_id))


async def _preview_update(operation: UpdateWebhook, reading: Reading) -> None:
    reading.tell_as("now", await reading.read("webhook", _read(operation), target=True), *_TOLD)


def _undo_creation(operation: CreateWebhook, webhook: Webhook) -> Undo:
    return Undo([next_call(DeleteWebhook, org_id=operation.org_id, webhook_id=webhook.id)], [])


async def _snapshot(operation: UpdateWebhook, capgo: Capgo) -> Snapshot:
    webhook: Webhook = await capgo.send(_read(operation))
    return Snapshot.of(webhook)


def _undo(operation: UpdateWebhook, before: Snapshot, after: Snapshot) -> Undo:
    back, lost = former(UpdateWebhook, before, after)
    where = {"org_id": operation.org_id, "webhook_id": operation.webhook_id}
    return Undo([next_call(UpdateWebhook, **where, **back)] if back else [], lost)


async def _preview_delete(operation: DeleteWebhook, reading: Reading) -> None:
    reading.tell(await reading.read("webhook", _read(operation), target=True), *_TOLD)


MEANINGS: Final[tuple[Meaning[Any], ...]] = (
    Meaning(CreateWebhook, preview=_preview_create, created=_undo_creation),
    Meaning(
        UpdateWebhook,
        preview=_preview_update,
        snapshot=_snapshot,
        undo=_undo,
        noise=frozenset({"updated_at", "stats_24h"}),
    ),
    Meaning(DeleteWebhook, preview=_preview_delete),
)
