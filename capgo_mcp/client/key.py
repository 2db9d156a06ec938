"""The API key, and who knows it. The key is a secret: no representation here shows it."""

import re
from dataclasses import dataclass, field
from typing import Final, Protocol

from capgo_mcp.api.errors import KeyMissing

_KEY: Final = re.compile(r"[A-Za-z0-9._:-]{8,256}")
HOW: Final = (
    "Ask the user to save an API key from the Capgo console with `capgo-mcp login`, which counts at once, or to set "
    "CAPGO_API_KEY (or CAPGO_API_KEY_FILE) in this server's configuration and to restart it. To try it without an "
    "account, start it with --sandbox."
)
"""What to do where there is no key."""


class KeySource(Protocol):
    """Something that knows the API key."""

    async def read(self) -> str:
        """The key as it is now.

        Raises:
            KeyMissing: There is none, or it cannot be one.
        """
        ...


@dataclass(frozen=True)
class StaticKey:
    """A key that was given once."""

    value: str = field(repr=False)

    async def read(self) -> str:
        """The key, cleaned of stray white space and quotes."""
        return clean(self.value)


def clean(text: str) -> str:
    """The key without the white space, quotes and `Bearer` that copying and shells leave around it.

    Raises:
        KeyMissing: What is left cannot be a Capgo key.
    """
    key = text.strip().strip("\"'").removeprefix("Bearer ").strip()
    if not _KEY.fullmatch(key):
        raise KeyMissing(
            "no_key",
            "The configured Capgo API key cannot be one: it is empty or has characters that no key has.",
            HOW,
        )
    return key
