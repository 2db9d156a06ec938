"""What a write to API keys means."""

from typing import Any, Final

from capgo_mcp.operations.api_keys import ApiKey, CreateApiKey, DeleteApiKey, ListApiKeys
from capgo_mcp.safety.meaning import Meaning
from capgo_mcp.safety.reading import Reading
from capgo_mcp.safety.undo import Undo, next_call


async def _preview_delete(operation: DeleteApiKey, reading: Reading) -> None:
    # From the list, since the read of one key is not documented.
    keys = await reading.read("API key", ListApiKeys())
    reading.tell_one_of(keys, "API key", "id", operation.api_key_id, "name", "expires_at", "created_at")


async def _preview_create(_: CreateApiKey, reading: Reading) -> None:
    await reading.count("keys", ListApiKeys())


def _undo_creation(_: CreateApiKey, key: ApiKey) -> Undo:
    return Undo([next_call(DeleteApiKey, api_key_id=key.id)], [])


MEANINGS: Final[tuple[Meaning[Any], ...]] = (
    Meaning(CreateApiKey, preview=_preview_create, created=_undo_creation),
    Meaning(DeleteApiKey, preview=_preview_delete),
)
