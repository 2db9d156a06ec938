"""What this server is called, in one place: clients, registry, bundle and server card all tell the same."""

from typing import Final

import mcp_types as t

from capgo_mcp.server import icons

OWNER: Final = "capgo-mcp"
"""The GitHub account that publishes the server."""
NAME: Final = f"io.github.{OWNER}/capgo-mcp"
"""Its name in the registry, by which it is one server wherever it is met."""
TITLE: Final = "Capgo"
DESCRIPTION: Final = (
    "Capgo live updates: see devices, move channels, clean up bundles; nothing deleted without consent."
)
REPOSITORY: Final = f"https://github.com/{OWNER}/capgo-mcp"
ICON: Final[t.Icon] = icons.SERVER
