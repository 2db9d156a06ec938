"""What a write to webhooks means."""

from typing import Any, Final

from capgo_mcp.operations.webhooks import DeleteWebhook, GetWebhook
from capgo_mcp.safety.meaning import Meaning
from capgo_mcp.safety.reading import Reading


async def _preview_delete(operation: DeleteWebhook, reading: Reading) -> None:
    read = GetWebhook(org_id=operation.org_id, webhook_id=operation.webhook_id)
    webhook = await reading.read("webhook", read, target=True)
    reading.tell(webhook, "name", "url", "enabled", "events")


MEANINGS: Final[tuple[Meaning[Any], ...]] = (Meaning(DeleteWebhook, preview=_preview_delete),)
