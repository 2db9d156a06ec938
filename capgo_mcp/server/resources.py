"""Resources: apps, channels, bundles and devices by address, and what surprises people about the API.

    capgo://apps/com.demo.app/channels/production

What they hold is read by `contents`.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

import mcp_types as t

GUIDE: Final = "capgo://guide/api-traps"

JSON: Final = "application/json"
MARKDOWN: Final = "text/markdown"
AN_HOUR: Final = 3_600_000
"""Milliseconds for which what changes with the version alone may be kept."""


@dataclass(frozen=True)
class Kind:
    """A kind of resource: its address, and what to say about it."""

    template: str
    title: str
    description: str
    needs: str
    """The tool that must be there for it, and reads it."""

    def values(self, uri: str) -> dict[str, str] | None:
        """What stands in an address for the names of the template; None when it is not of this kind."""
        # Taken apart before it is decoded: a quoted slash belongs to the name.
        match = re.fullmatch(re.sub(r"{(\w+)}", r"(?P<\1>[^/?#]+)", self.template), uri)
        if match is None:
            return None
        try:
            return {name: unquote_to_bytes(part).decode() for name, part in match.groupdict().items()}
        except UnicodeDecodeError:
            return None


KINDS: Final = (
    Kind("capgo://apps/{app_id}", "App", "An app and its settings.", "capgo_get_app"),
    Kind(
        "capgo://apps/{app_id}/channels/{channel}",
        "Channel",
        "A channel: the bundle it serves, rollout and update rules.",
        "capgo_get_channel",
    ),
    Kind(
        "capgo://apps/{app_id}/bundles/{version}",
        "Bundle",
        "A bundle by its version name.",
        "capgo_list_bundles",
    ),
    Kind(
        "capgo://apps/{app_id}/devices/{device_id}",
        "Device",
        "A device: the bundle it runs and the channel it is pinned to.",
        "capgo_get_device",
    ),
)
"""Every kind of resource with an address of its own."""

_TRAPS: Final = t.Resource(
    uri=GUIDE,
    name="api-traps",
    title="What surprises people about the Capgo API",
    description="Units, silent side effects and misleading answers of the Capgo API. Read before changing much.",
    mime_type=MARKDOWN,
)


def listed() -> list[t.Resource]:
    """The resources that exist without an account."""
    return [_TRAPS]


def templates(tools: Collection[str]) -> list[t.ResourceTemplate]:
    """The addresses that can be read with these tools."""
    return [
        t.ResourceTemplate(
            uri_template=kind.template,
            name=kind.title.lower(),
            title=kind.title,
            description=kind.description,
            mime_type=JSON,
        )
        for kind in KINDS
        if kind.needs in tools
    ]
