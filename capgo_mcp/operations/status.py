"""Whether Capgo is up. Not documented by Capgo."""

from capgo_mcp.api.answers import Ok
from capgo_mcp.api.operation import Operation


class CheckHealth(Operation[Ok], http="GET /ok"):
    """Check whether the Capgo API is up. Does not check the API key."""
