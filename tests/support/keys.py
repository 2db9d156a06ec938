"""Keys that Capgo would take, and the ways in which a host can write one."""

import base64
import unicodedata
from typing import Final
from urllib.parse import quote

from capgo_mcp.client.body import Mask

KEY: Final = "6c3f9a1e-aaaa-4bbb-8ccc-1234567890ab"
"""A key as all current ones are."""
LEGACY: Final = "legacy-key.with:dots_0123456789"
MASK: Final = Mask(KEY)
"""What hides it, for tests of what is behind."""


def disguises(key: str) -> dict[str, str]:
    """The key as it is, and in writings from which a reader gets it back."""
    dashless = key.replace("-", "")
    return {
        "as it is": key,
        "amid other text": f"the key {key} may not",
        "without its last character": key[:-1],
        "without its first characters": key[4:],
        "upper case": key.upper(),
        "without dashes": dashless,
        "with spaces": " ".join(key),
        "with line breaks": "\n".join(key),
        "with zero bytes": "\0".join(key),
        "with zero-width spaces": "\u200b".join(key),
        "with soft hyphens": "\u00ad".join(key),
        "with fillers": "\u3164".join(key),
        "with variation selectors": "\ufe01".join(key),
        "with tags": "\U000e0041".join(key),
        "with unassigned characters": "\u0378".join(key),
        "with letters of another script": "\u044f".join(key),
        "with accents": "\u0301".join(key),
        "bold": "".join(_bold(c) for c in key),
        "full width": "".join(chr(ord(c) + 0xFEE0) if c.isalnum() else c for c in key),
        "percent": "".join(f"%{ord(c):02x}" for c in key),
        "percent with more signs": "".join(f"%%%%{ord(c):02x}=" if c.isdigit() else c for c in key),
        "percent dashes": key.replace("-", "%2D"),
        "percent twice": quote("".join(f"%{ord(c):02x}" for c in key)),
        "JSON in a text": "".join(f"\\u{ord(c):04x}" for c in key),
        "hex": key.encode().hex(),
        "hex in upper case": key.upper().encode().hex().upper(),
        "hex with colons": key.encode().hex(":"),
        "base64": base64.b64encode(key.encode()).decode(),
        "base64 for addresses": base64.urlsafe_b64encode(f"key={key}".encode()).decode(),
        "base64 amid other bytes": base64.b64encode(f"xy{dashless.upper()}z".encode()).decode(),
    }


def _bold(character: str) -> str:
    if not character.isalnum():
        return character
    zero, first = (0x1D7CE, "0") if character.isdigit() else (0x1D41A, "a")
    return chr(zero + ord(character) - ord(first))


def found(key: str, told: str) -> list[str]:
    """The writings of a key that a text still shows."""
    shown = [name for name, writing in disguises(key).items() if writing in told]
    bare = "".join(c for c in unicodedata.normalize("NFKC", told).casefold() if c.isascii() and c.isalnum())
    return [*shown, *(["by its letters"] if key.replace("-", "").casefold() in bare else [])]
