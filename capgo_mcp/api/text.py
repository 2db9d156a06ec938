"""Texts that strangers wrote (device ids, comments, names) are data: made harmless to read, and quoted in sentences."""

import json
import unicodedata
from typing import Any, Final

LIMIT: Final = 500
"""Characters of one text that are shown; the rest is cut off, with a mark."""

_BREAKS: Final = frozenset({"Cc", "Zl", "Zp"})
_HIDDEN: Final = frozenset({"Cf", "Cs", "Co"})


def clean(text: str) -> str:
    """Text without control, zero-width and direction characters, at a length that is sane to read."""
    if text.isascii() and text.isprintable() and len(text) <= LIMIT:
        return text  # as nearly all are
    visible = "".join(
        " " if (kind := unicodedata.category(c)) in _BREAKS else "" if kind in _HIDDEN else c for c in text
    )
    return visible if len(visible) <= LIMIT else f"{visible[:LIMIT]}… (cut)"


def plain(name: str) -> str:
    """A name as it is.

    Raises:
        ValueError: No answer would show it so: it would mean another thing than it seems.
    """
    if clean(name) != name:
        raise ValueError(f"must not have hidden characters or more than {LIMIT} of them")
    return name


def cleaned(value: Any) -> Any:
    """JSON whose texts are clean, the names in it included."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [cleaned(item) for item in value]
    if isinstance(value, dict):
        return {clean(name): cleaned(item) for name, item in value.items()}
    return value


def whole(value: Any) -> Any:
    """JSON without halves of characters (lone surrogates), which no encoding can carry."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [whole(item) for item in value]
    if isinstance(value, dict):
        return {whole(name): whole(item) for name, item in value.items()}
    return value


def quoted(text: str) -> str:
    """The cleaned text in quotes, for use inside a sentence of ours: it cannot end the quotes."""
    return json.dumps(clean(text), ensure_ascii=False)
