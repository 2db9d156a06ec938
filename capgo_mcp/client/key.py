"""The API key, and who knows it. The key is a secret: no representation here shows it."""

import re
from dataclasses import dataclass, field
from typing import Final, Protocol

from capgo_mcp.api.errors import KeyMissing

# New keys are UUIDs; older ones still work, and may have any of these forms.
_SIGNS: Final = re.compile(r"[A-Za-z0-9._:-]+")
_LENGTHS: Final = range(8, 257)
_PLACEHOLDER: Final = re.compile(
    r"<.*>|\[.*\]|\$.*|%.*%|\{\{.*\}\}|[x*.?_-]+|[0x]{8}(-[0x]{4}){3}-[0x]{12}"
    r"|((your|my|the|paste|insert|enter|add|put|replace|with|capgo)[-_. ]?)*(api[-_. ]?)?(key|token)([-_. ]?here)?"
    r"|change[-_. ]?me|todo|none|null|undefined|example|secret",
    re.IGNORECASE,
)
"""What pages and templates have people replace by a key; sent to Capgo, it would count as an attempt to break in."""
HOW: Final = (
    "Ask the user to sign in with `capgo-mcp login`, which counts at once, or to set CAPGO_API_KEY (or "
    "CAPGO_API_KEY_FILE) in this server's configuration and to restart it. To try it without an account, start it "
    "with --sandbox."
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


def clean(text: str, where: str = "The configured Capgo API key") -> str:
    """The key without the white space, quotes and `Bearer` that copying and shells leave around it.

    Args:
        text: What is taken for a key.
        where: What it is called in an error.

    Raises:
        KeyMissing: What is left cannot be a Capgo key.
    """
    key = text.strip().strip("\"'").removeprefix("Bearer ").strip()
    if reason := _reason(key):
        raise KeyMissing("no_key", f"{where} cannot be one: {reason}.", HOW)
    return key


def _reason(key: str) -> str:
    """Why something cannot be a key; empty where it can. The thing itself is never repeated."""
    if not key:
        return "it is empty"
    if _PLACEHOLDER.fullmatch(key):
        return "it is a placeholder, which stands for a key"
    if len(key.split()) > 1:
        return "it is more than one word"
    if not _SIGNS.fullmatch(key):
        return "it has characters that no key has"
    if len(key) not in _LENGTHS:
        return f"it has {len(key)} characters, and keys have {_LENGTHS[0]} to {_LENGTHS[-1]}"
    return ""
