"""The body of an answer becomes plain values within bounds, and the API key in it is hidden, before anything reads it.

No host can fill the memory with an answer or hold up other calls, nor bring the key to whoever reads it, however it is
written.
"""

import base64
import json
import math
import re
import unicodedata
from binascii import a2b_qp
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from typing import Any, Final

from pydantic_core import from_json

from capgo_mcp.api.text import whole

MOST_VALUES: Final = 100_000
"""Values in one body. Each takes a hundred bytes, however few it took on its way; Capgo's longest pages have 20,000."""

_DEEPEST: Final = 20
_LONGEST_TEXT: Final = 5_000
"""Characters of one text that are looked at; far fewer are shown."""
_GROUP: Final = 2**15
"""Characters of texts that are looked at together, or few more."""
_BLOCK: Final = 2**17
_LARGEST_ODD: Final = 2**21
"""Bytes of a body that is read though it is not quite JSON."""
_DATA: Final = "data:"
_MOST_LINES: Final = 1000
_LONGEST_NUMBER: Final = 19
"""Digits of a whole number, as many as Capgo's database stores; readers of JSON have no room for many more."""
_LARGEST: Final = 10**_LONGEST_NUMBER
_NUMBERS: Final = frozenset({int, float})
MASKED: Final = "(the API key)"
"""What stands for a text that holds the key."""

_PIECE: Final = 6
"""Characters of the key that no word shows which only looks like an error code."""
_LAYERS: Final = 3
"""How often a text may be encoded in itself; whoever has to decode it more often works on it."""
_SHORT: Final = 16
_ESCAPE: Final = re.compile(r"\\u([0-9A-Fa-f]{4})")

_ASCII: Final = bytes(range(128))
_LOWER: Final = bytes(range(256)).lower()
_NOT_ALPHANUMERIC: Final = bytes(one for one in _ASCII if not chr(one).isalnum())
_BASE64: Final = bytes.maketrans(b"-_", b"+/")
_NOT_BASE64: Final = _NOT_ALPHANUMERIC.translate(None, b"+/-_")
_COMPATIBLE: Final = (
    range(0x80, 0x3400),
    range(0xA700, 0xAC00),
    range(0xFB00, 0x10000),
    range(0x10780, 0x107C0),
    range(0x1CCD0, 0x1CD00),
    range(0x1D400, 0x1D800),
    range(0x1F100, 0x1F200),
    range(0x1FBF0, 0x1FC00),
)
"""Where Unicode has other writings of characters of ASCII."""


class TooManyValues(ValueError):
    """There are more values in a body than can be kept in memory and looked through in a moment."""


def parsed(content: bytes, mask: "Mask") -> Any:
    """The value of a JSON body, without what no later reader of it could bear; None if it is not JSON.

    Numbers that are none in JSON or too long, and what lies too deep, become null; texts are masked.

    Args:
        content: The body.
        mask: Hides the key.

    Raises:
        TooManyValues: It is not read at all.
    """
    # Before it is parsed, for then the memory would be gone. Commas in texts count as well: those are few.
    if len(content) > MOST_VALUES and sum(map(content.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise TooManyValues
    if _has_endless_text(content):
        return None
    try:
        body = _read(content)
    except (ValueError, RecursionError):
        return None
    texts = _texts(body)
    # Nearly all are so; the others are made anew value by value.
    harmless = texts is not None and all(whole(text) == text and not mask.is_in(text) for text in _groups(texts))
    return body if harmless else _bounded(body, mask, _DEEPEST)


def _has_endless_text(content: bytes) -> bool:
    """Whether there is a block in which no text ends: with one wide character, it would take four times as much."""
    blocks = (content[start : start + _BLOCK] for start in range(0, len(content) - _BLOCK + 1, _BLOCK))
    # Nearly all have a quotation mark and no backslash, which a glance tells; counting takes longer.
    return any(b'"' not in block or (b"\\" in block and block.count(b'"') == block.count(rb"\"")) for block in blocks)


def _read(content: bytes) -> Any:
    """The value of a JSON body.

    Raises:
        ValueError: It is none.
        RecursionError: It lies too deep.
    """
    try:
        return from_json(content)
    except ValueError:  # it is stricter, and knows no mark of the byte order
        if len(content) > _LARGEST_ODD:
            raise
        text = content.decode("utf-8-sig")
        return json.loads(text, parse_int=_whole_number, parse_float=_finite, parse_constant=lambda _: None)


def _texts(body: Any) -> list[str] | None:
    """All texts of a body, the names in it included; None if it holds anything out of bounds."""
    texts: list[str] = []
    names: set[str] = set()
    level = [body]
    for _ in range(_DEEPEST + 1):
        below: list[Any] = []
        for value in level:
            kind = type(value)
            if kind is str:
                texts.append(value)
            elif value is None or kind is bool:
                continue
            elif kind is dict:
                names.update(value)
                below += value.values()
            elif kind is list:
                below += value
            elif not _is_bounded(value):
                return None
        level = below
    texts += names
    return None if level or max(map(len, texts), default=0) > _LONGEST_TEXT else texts


def _groups(texts: list[str]) -> Iterator[str]:
    """The texts on lines of their own, so many at once as can be looked through in a few megabytes and milliseconds."""
    if sum(map(len, texts)) <= _GROUP:
        yield "\n".join(texts)
        return
    group: list[str] = []
    size = 0
    for text in texts:
        if size > _GROUP:
            yield "\n".join(group)
            group, size = [], 0
        group.append(text)
        size += len(text) + 1
    yield "\n".join(group)


def _is_bounded(number: float) -> bool:
    return -_LARGEST < number < _LARGEST if isinstance(number, int) else math.isfinite(number)


def lines_of(content: bytes, mask: Callable[[str], str]) -> list[str]:
    """The data of a stream of events, a line each, with what a line must not tell hidden.

    Args:
        content: The stream, or its end.
        mask: Hides what a text must not tell.
    """
    lines = content.decode("utf-8", "replace").splitlines()
    told = [line.removeprefix(_DATA).strip() for line in lines if line.startswith(_DATA)]
    return [mask(line[:_LONGEST_TEXT]) for line in told[-_MOST_LINES:]]


def _bounded(value: Any, mask: Callable[[str], str], depth: int) -> Any:
    if isinstance(value, str):
        return mask(whole(value[:_LONGEST_TEXT]))
    if not isinstance(value, list | dict):
        return None if type(value) in _NUMBERS and not _is_bounded(value) else value
    if depth == 0:
        return None
    if isinstance(value, list):
        return [_bounded(item, mask, depth - 1) for item in value]
    return {_bounded(name, mask, depth): _bounded(item, mask, depth - 1) for name, item in value.items()}


def _whole_number(digits: str) -> int | None:
    return int(digits) if len(digits.lstrip("-")) <= _LONGEST_NUMBER else None


def _finite(digits: str) -> float | None:
    number = float(digits) if len(digits) <= _LONGEST_TEXT else math.inf
    return number if math.isfinite(number) else None


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
        self._base64 = {writing.encode() for middle in middles for writing in _base64(middle)}
        self._shortest = min(map(len, self._folded))

    def __call__(self, text: str) -> str:
        """The text, or what stands for it if it holds the key."""
        return MASKED if len(text) >= self._shortest and self.is_in(text) else text

    def is_in(self, text: str) -> bool:
        """Whether a text, or any of several on lines of their own, may hold the key."""
        return any(map(self._holds, _layers(text)))

    def shows_of(self, word: str) -> bool:
        """Whether a word shows even a piece of the key."""
        folded = _folded(word)
        return any(piece in folded for piece in self._pieces)

    def _holds(self, text: str) -> bool:
        written = _in_ascii(text)
        folded = written.translate(_LOWER, _NOT_ALPHANUMERIC).decode()
        if any(needle in folded for needle in self._folded):
            return True
        written = written.translate(_BASE64, _NOT_BASE64)
        return any(needle in written for needle in self._base64)


def _folded(text: str) -> str:
    """Only letters and digits of ASCII, in one case."""
    return _in_ascii(text).translate(_LOWER, _NOT_ALPHANUMERIC).decode()


def _in_ascii(text: str) -> bytes:
    """The characters of ASCII in a text, and those that others stand for; without all that nobody sees."""
    return text.encode() if text.isascii() else text.translate(_compatible()).encode("ascii", "ignore")


@cache
def _compatible() -> dict[int, str]:
    """The characters of ASCII that others stand for: of full width, in circles, bold and the like."""
    standing = ((code, unicodedata.normalize("NFKC", chr(code))) for part in _COMPATIBLE for code in part)
    return {code: text for code, text in standing if any(map(str.isascii, text))}


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
    while ("%" in text or "\\" in text) and text != (text := _ESCAPE.sub(_character, _unquoted(text))):
        yield text


def _unquoted(text: str) -> str:
    """The text with what is encoded by percent signs decoded, and without equality signs and repeated percent signs.

    `urllib` takes a second for a body of percent signs; this is a thousandth of that, by another name.
    """
    while "%%" in text:
        text = text.replace("%%", "%")
    if "%" not in text:
        return text
    raw = text.encode("utf-8", "replace").replace(b"=", b"").replace(b"%", b"=")
    return a2b_qp(raw).decode("utf-8", "replace").replace("=", "%")


def _character(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16))
