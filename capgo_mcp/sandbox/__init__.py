"""A small Capgo in memory: the API as the real backend behaves, without the network."""

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
