"""Slices of lists, cut the way the backend and its data layer cut them."""

import math

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.sandbox.answers import Row, bad, bad_range, database
from capgo_mcp.sandbox.call import Call

PAGE = 50
# The data layer gives no more, whatever is asked of it.
ROW_CAP = 1000


def number(value: object) -> float:
    """Read a value as JavaScript's Number() does; what is not a number is NaN."""
    if isinstance(value, str):
        try:
            return float(value.strip() or 0)
        except ValueError:
            return math.nan
    return float(value) if isinstance(value, int | float) else math.nan


def whole(value: object, default: int) -> int:
    """Read a count, falling back where there is none."""
    read = number(value or default)
    return int(read) if read.is_integer() and read >= 0 else default


def page_of_fifty(call: Call, rows: list[Row], code: str, message: str) -> list[Row]:
    """Cut a page of channels or bundles; in July pages after the first overlapped."""
    page = call.params.get("page")
    if call.state.behaviour is Behaviour.JULY:
        return _overlapping_page(rows, page, code, message)
    asked = number(page)
    first = max(int(asked), 0) * PAGE if math.isfinite(asked) else 0
    return rows[first : first + PAGE]


def _overlapping_page(rows: list[Row], page: object, code: str, message: str) -> list[Row]:
    """The page arrives as text and its end is computed from the text "1" + 1 = "11"."""
    text = str(page or "")
    start = number(text) * PAGE
    end = number(f"{text}1") * PAGE
    return _sliced(rows, start, end, code, message)


def limited_page(rows: list[Row], page: object, limit: object, code: str, message: str) -> list[Row]:
    """Cut a page of a given size; pages count from zero."""
    size = number(PAGE if limit is None else limit)
    start = number(page or 0) * size
    if start < 0 <= size:
        raise bad(code, message, supabaseError=database("2201X", "OFFSET must not be negative"))
    return _sliced(rows, start, start + size, code, message)


def _sliced(rows: list[Row], start: float, end: float, code: str, message: str) -> list[Row]:
    if not (math.isfinite(start) and math.isfinite(end)):
        return rows[:ROW_CAP]
    if end < start:
        details = bad_range("Limit should be greater than or equal to zero.")
        raise bad(code, message, supabaseError=details)
    return rows[int(start) : int(min(end, start + ROW_CAP))]
