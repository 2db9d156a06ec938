"""An MCP server and typed Python client for the Capgo API.

The client is `Capgo`; what it can send stands in `capgo_mcp.operations`.
"""

from typing import TYPE_CHECKING, Any

from capgo_mcp.client.version import __version__

if TYPE_CHECKING:
    from capgo_mcp.api.errors import CapgoError
    from capgo_mcp.client.capgo import Capgo

__all__ = ["Capgo", "CapgoError", "__version__"]


def __getattr__(name: str) -> Any:
    """Import the client when it is asked for: the command line starts without it."""
    if name == "Capgo":
        from capgo_mcp.client.capgo import Capgo  # noqa: PLC0415 - that is the point

        return Capgo
    if name == "CapgoError":
        from capgo_mcp.api.errors import CapgoError  # noqa: PLC0415 - that is the point

        return CapgoError
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
