"""The API key in an answer: found however it is written, and hidden before anything else reads the answer."""

import base64
import re
import unicodedata
from collections.abc import Iterator
from itertools import islice
from typing import Final
from urllib.parse import unquote

from capgo_mcp.api.text import visible

MASKED: Final = "(the API key)"
"""What stands for a text that holds the key."""

_PIECE: Final = 6
"""Characters of the key that no word shows which only looks like an error code."""
_LAYERS: Final = 3
"""How often a text may be encoded in itself; whoever has to decode it more often works on it."""
_SHORT: Final = 16
_ESCAPE: Final = re.compile(r"\\u([0-9A-Fa-f]{4})")
_NOT_BASE64: Final = re.compile(r"[^A-Za-z0-9+/]+")


class Mask:
    """Hides one key in whatever disguise: other case or separators, invisible characters, percent, hex, base64.

    It looks for the middle of the key, so that five sixths of it are found as well. A text that holds it is hidden
    whole, for what stands around the middle are the ends of the key.

    Args:
        key: The key.
    """

    def __init__(self, key: str) -> None:
        folded = _folded(key)
        self._pieces = {folded[start : start + _PIECE] for start in range(len(folded) - _PIECE + 1)}
        writings = (key, key.replace("-", ""), re.sub(r"[\W_]", "", key))
        forms = {form for text in writings for form in (text, text.lower(), text.upper())}
        middles = {_middle(form) for form in forms}
        self._folded = {_middle(folded), *(middle.encode().hex() for middle in middles)}
        self._base64 = {writing for middle in middles for writing in _base64(middle)}
        self._shortest = min(map(len, self._folded))

    def __call__(self, text: str) -> str:
        """The text, or what stands for it if it holds the key."""
        return MASKED if len(text) >= self._shortest and any(map(self._holds, _layers(text))) else text

    def shows_of(self, word: str) -> bool:
        """Whether a word shows even a piece of the key."""
        folded = _folded(word)
        return any(piece in folded for piece in self._pieces)

    def _holds(self, text: str) -> bool:
        folded = _folded(text)
        if any(needle in folded for needle in self._folded):
            return True
        written = _NOT_BASE64.sub("", visible(text).replace("-", "+").replace("_", "/"))
        return any(needle in written for needle in self._base64)


def _folded(text: str) -> str:
    """Only letters and digits, in one case and form."""
    seen = text if text.isascii() else unicodedata.normalize("NFKC", visible(text))
    return re.sub(r"[\W_]+", "", seen.casefold())


def _middle(key: str) -> str:
    """What is looked for: two thirds of a long key, all of a short one, which other texts may hold by chance."""
    edge = max(0, min(len(key) // 6, (len(key) - _SHORT) // 2))
    return key[edge : len(key) - edge]


def _base64(text: str) -> Iterator[str]:
    """The characters that stand for a text in base64, wherever in a group of three bytes it begins."""
    raw = text.encode()
    for before in range(3):
        bits = 8 * before
        written = base64.b64encode(bytes(before) + raw).decode()
        yield written[-(-bits // 6) : (bits + 8 * len(raw)) // 6]


def _layers(text: str) -> Iterator[str]:
    """The text, and what it becomes when the characters that stand in it by their numbers are decoded."""
    return islice(_decoded(text), 1 + _LAYERS)


def _decoded(text: str) -> Iterator[str]:
    yield text
    while ("%" in text or r"\u" in text) and text != (text := _ESCAPE.sub(_character, unquote(text))):
        yield text


def _character(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16))
