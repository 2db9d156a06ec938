"""One API key by its id. Not documented by Capgo."""

from capgo_mcp.api.operation import Operation
from capgo_mcp.operations.api_keys import ApiKey, ApiKeyId


class GetApiKey(Operation[ApiKey], http="GET /apikey/{id}", needs="org.manage_apikeys"):
    """Read one API key's record: name, expiry. Never shows the key itself."""

    api_key_id: ApiKeyId
