"""Lists of "up to `limit` items": walks Capgo's pages, drops what they repeat, and knows when to stop."""

from collections.abc import Awaitable, Callable
from functools import partial
from itertools import islice
from typing import Any, Final

from capgo_mcp.api.answers import Listing, Row
from capgo_mcp.api.errors import ApiError, CapgoError
from capgo_mcp.api.operation import Operation, Paging
from capgo_mcp.client.together import together

ROWS: Final = 50
"""Rows of an upstream page that count: later pages bring more, which overlap with the pages after them."""
CURSOR_ROWS: Final = 999
"""Rows to ask for at once: above this some hosts report the end of the list too early."""

_AHEAD: Final = 4
"""Pages that are read at once of a long list; each round reads twice as many as the one before, so few are in vain."""
FARTHEST: Final = 10_000
"""Rows to look through for those that were asked for, where Capgo does not leave the others out by itself."""

_ONE_PAGE: Final = f"This Capgo is older and tells only the first {ROWS}: there may be more."

Exchange = Callable[[Operation[Any]], Awaitable[Any]]
Unique = dict[object, Row]


async def collect(operation: Operation[Any], exchange: Exchange) -> Listing[Any]:
    """The rows that `page` or `cursor` points at, up to `limit`, each once, and where to go on.

    Ends after a bounded number of requests whatever Capgo answers: every further one must bring a new row.

    Args:
        operation: A list operation with `limit` and `page` or `cursor`.
        exchange: Sends one operation and returns its typed answer.
    """
    match operation.spec.paging:
        case Paging.FIXED:
            return await _fixed(operation, exchange)
        case Paging.CURSOR:
            return await _cursor(operation, exchange)
        case _:
            return await _sized(operation, exchange)


async def _fixed(operation: Any, exchange: Exchange) -> Listing[Any]:
    seen: Unique = {}
    rows: Unique = {}
    most = 1 if operation.names_one else operation.limit
    page, skip = divmod(operation.page * operation.limit, ROWS)
    pages = _Pages(operation, exchange)
    more = True
    note = None
    while more and len(rows) < most and len(seen) < FARTHEST:
        try:
            answer = await pages.read(page, most=-(-(skip + most - len(rows)) // ROWS))
        except ApiError as error:
            if not page or error.code != operation.spec.one_page_when:
                raise
            more, note = False, _ONE_PAGE
            break
        fresh = _fresh(answer.items[skip:ROWS], seen)
        seen |= fresh
        rows |= _admitted(operation, fresh)
        more = bool(fresh) and len(answer.items) >= ROWS
        page, skip = page + 1, 0
    more = (more or len(rows) > most) and not operation.names_one
    wanted = dict(islice(rows.items(), most))
    return _answer(operation, wanted, operation.page + 1 if more else None, note)


class _Pages:
    """The pages of a list: the first one alone, and once it was full, ever more at once.

    Most lists have one. Of those read ahead in vain, an error counts no more than an answer.
    """

    def __init__(self, operation: Any, exchange: Exchange) -> None:
        self._operation = operation
        self._exchange = exchange
        self._read: dict[int, Any] = {}
        self._width = 1

    async def read(self, page: int, *, most: int) -> Any:
        """The answer of a page; up to so many from there on may be needed."""
        if page not in self._read:
            await together(*(partial(self._note, page + ahead) for ahead in range(min(self._width, most))))
            self._width = min(2 * self._width, _AHEAD)
        answer = self._read.pop(page)
        if isinstance(answer, CapgoError):
            raise answer
        return answer

    async def _note(self, page: int) -> None:
        try:
            self._read[page] = await self._exchange(self._operation.model_copy(update={"page": page}))
        except CapgoError as error:
            self._read[page] = error


async def _sized(operation: Any, exchange: Exchange) -> Listing[Any]:
    answer = await exchange(operation)
    more = len(answer.items) >= operation.limit
    return _answer(operation, _fresh(answer.items, {}), operation.page + 1 if more else None)


async def _cursor(operation: Any, exchange: Exchange) -> Listing[Any]:
    seen: Unique = {}
    rows: Unique = {}
    cursor = operation.cursor
    at_once = operation.spec.at_once or CURSOR_ROWS
    more = True
    while more and len(rows) < operation.limit and len(seen) < FARTHEST:
        wanted = min(operation.limit - len(rows), at_once)
        answer = await exchange(operation.model_copy(update={"cursor": cursor, "limit": wanted}))
        fresh = _fresh(answer.items, seen)
        seen |= fresh
        rows |= _admitted(operation, fresh)
        more = bool(fresh) and answer.next not in (None, cursor)
        cursor = answer.next
    return _answer(operation, rows, cursor if more else None)


def _fresh(rows: list[Row], seen: Unique) -> Unique:
    """The rows that are not among `seen`, by identity; a row without one counts as new."""
    named = ((getattr(row, row.identity, None) or id(row), row) for row in rows)
    return {name: row for name, row in named if name not in seen}


def _admitted(operation: Any, rows: Unique) -> Unique:
    return {name: row for name, row in rows.items() if operation.admits(row)}


def _answer(operation: Any, rows: Unique, more: int | str | None, note: str | None = None) -> Listing[Any]:
    answer: type[Listing[Any]] = operation.spec.answer
    items = list(rows.values())
    return answer.model_validate(
        {"items": items, "next": more, "note": note or (None if items else operation.spec.if_empty)}
    )
