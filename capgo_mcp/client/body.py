"""The body of an answer becomes plain values within bounds: no host can fill the memory, nor hold up other calls."""

import json
import math
from collections.abc import Callable
from typing import Any, Final

from capgo_mcp.api.text import whole

MOST_VALUES: Final = 200_000
"""Values in one body. Each takes a hundred bytes, however few it took on its way; Capgo's longest pages have 20,000."""

_DEEPEST: Final = 20
_LONGEST_TEXT: Final = 20_000
"""Characters of one text that are looked at; far fewer are shown."""
_LONGEST_NUMBER: Final = 19
"""Digits of a whole number, as many as Capgo's database stores; readers of JSON have no room for many more."""


class TooManyValues(ValueError):
    """There are more values in a body than can be kept in memory and looked through in a moment."""


def parsed(content: bytes, mask: Callable[[str], str]) -> Any:
    """The value of a JSON body, without what no later reader of it could bear; None if it is not JSON.

    Numbers that are none in JSON or too long, and what lies too deep, become null; texts are masked.

    Args:
        content: The body.
        mask: Hides what a text must not tell.

    Raises:
        TooManyValues: It is not read at all.
    """
    # Before it is parsed, for then the memory would be gone. Commas in texts count as well: those are few.
    if content.count(b",") + content.count(b"[") + content.count(b"{") > MOST_VALUES:
        raise TooManyValues
    try:
        body = json.loads(
            content.decode("utf-8-sig"), parse_int=_whole_number, parse_float=_finite, parse_constant=lambda _: None
        )
    except (ValueError, RecursionError):
        return None
    return _bounded(body, mask, _DEEPEST)


def _bounded(value: Any, mask: Callable[[str], str], depth: int) -> Any:
    if isinstance(value, str):
        return mask(whole(value[:_LONGEST_TEXT]))
    if not isinstance(value, list | dict):
        return value
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
