"""What a write to API keys means."""

from typing import Any, Final

from capgo_mcp.operations.api_keys import DeleteApiKey, ListApiKeys
from capgo_mcp.safety.meaning import Meaning
from capgo_mcp.safety.reading import Reading


async def _preview_delete(operation: DeleteApiKey, reading: Reading) -> None:
    # From the list, since the read of one key is not documented.
    keys = await reading.read("API key", ListApiKeys())
    reading.tell_one_of(keys, "API key", "id", operation.api_key_id, "name", "expires_at", "created_at")


MEANINGS: Final[tuple[Meaning[Any], ...]] = (Meaning(DeleteApiKey, preview=_preview_delete),)
