"""A port of this machine, opened before anything serves on it, so that what is wrong with it is told in a sentence."""

import os
import socket
from typing import Final

from capgo_mcp.config.options import SettingsError

LAST_PORT: Final = 65535

# As many as uvicorn lets wait.
_BACKLOG: Final = 2048


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 takes a free one.

    Raises:
        SettingsError: It cannot: another program does, the address is not of this machine, or only others may.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Only where TCP is named does asyncio turn off the delay that would hold each answer back for 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere this would let another process take the port over
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise SettingsError(f"Cannot listen on {host}, port {port}: {error.strerror}.") from error
    return listener


def address_of(listener: socket.socket) -> str:
    """Where a listening socket is reached, as the beginning of an address."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
