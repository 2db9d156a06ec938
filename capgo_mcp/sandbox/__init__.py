"""A small Capgo in memory: the API as the real backend behaves, without the network."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from capgo_mcp.sandbox.app import create_app
    from capgo_mcp.sandbox.limits import Limits
    from capgo_mcp.sandbox.seed import ADMIN_KEY, DEVELOPER_KEY, EXPIRED_KEY, READER_KEY, UPLOADER_KEY, seeded
    from capgo_mcp.sandbox.state import State

__all__ = [
    "ADMIN_KEY",
    "DEVELOPER_KEY",
    "EXPIRED_KEY",
    "READER_KEY",
    "UPLOADER_KEY",
    "Limits",
    "State",
    "create_app",
    "seeded",
]

_MODULES: Final = {"create_app": "app", "Limits": "limits", "State": "state"}
"""Where a name comes from, if not from the seed."""


def __getattr__(name: str) -> Any:
    """Import a part when it is asked for: a server that may use the sandbox starts without it."""
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(import_module(f"{__name__}.{_MODULES.get(name, 'seed')}"), name)
