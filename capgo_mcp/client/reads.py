"""What takes several requests: the pages of a list, and reads that do not wait for each other.

Reads are made at once within the client's pace, and told in the order of the code. Of a list up to `limit` rows are
wanted: Capgo's pages are walked, what they repeat is dropped, and the walk ends whatever Capgo answers.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from itertools import islice
from typing import Any, Final, TypeVar, cast, overload

import anyio

from capgo_mcp.api.answers import Answer, Listing, Row
from capgo_mcp.api.errors import ApiError, CapgoError
from capgo_mcp.api.operation import Filter, Operation, Paging, Sender

ROWS: Final = 50
"""Rows of an upstream page that count: later pages bring more, which overlap with the pages after them."""
CURSOR_ROWS: Final = 999
"""Rows to ask for at once: above this some hosts report the end of the list too early."""

_AHEAD: Final = 4
"""Pages that are read at once of a long list, and of one that nobody has read yet: three are in vain at most."""
_LISTS: Final = 500
"""Lists whose length is kept in mind."""
FARTHEST: Final = 10_000
"""Rows to look through for those that were asked for, where Capgo does not leave the others out by itself."""

_ONE_PAGE: Final = f"This Capgo is older and tells only the first {ROWS}: there may be more."

A = TypeVar("A", bound=Answer)
X = TypeVar("X")
Y = TypeVar("Y")
Exchange = Callable[[Operation[Any]], Awaitable[Any]]
Unique = dict[object, Row]
Asked = list[tuple[Filter, Any]]


@overload
async def together(first: Callable[[], Awaitable[X]], second: Callable[[], Awaitable[Y]], /) -> tuple[X, Y]: ...


@overload
async def together(*reads: Callable[[], Awaitable[Any]]) -> tuple[Any, ...]: ...


async def together(*reads: Callable[[], Awaitable[Any]]) -> tuple[Any, ...]:
    """What reads bring that are made at once; they wait for the client's pace side by side.

    Raises:
        CapgoError: One of them failed; the others are given up.
    """
    brought: dict[int, Any] = {}

    async def bring(number: int, read: Callable[[], Awaitable[Any]]) -> None:
        brought[number] = await read()

    try:
        async with anyio.create_task_group() as tasks:
            for number, read in enumerate(reads):
                tasks.start_soon(bring, number, read)
    except ExceptionGroup as group:
        failed, bugs = group.split(CapgoError)
        # A bug is not to be hidden by a refusal that came at the same time.
        if failed is None or bugs is not None:
            raise
        raise failed.exceptions[0] from None
    return tuple(brought[number] for number in range(len(reads)))


class Ahead:
    """Brings the answers to operations, some of which were read at once before anybody asked for them.

    What was read ahead is told once, whether it was an answer or an error, when it is sent for.

    Args:
        sender: Where to read.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        # Not by hash: an operation with a list among its arguments has none.
        self._told: list[tuple[Operation[Any], Answer | CapgoError]] = []

    async def read(self, *operations: Operation[Any]) -> None:
        """Read what will be asked for, as far as it is not at hand."""
        at_hand = [operation for operation, _ in self._told]
        await together(*(partial(self._read, operation) for operation in operations if operation not in at_hand))

    async def _read(self, operation: Operation[Any]) -> None:
        try:
            outcome: Answer | CapgoError = await self._sender.send(operation)
        except CapgoError as error:
            outcome = error
        self._told.append((operation, outcome))

    async def send(self, operation: Operation[A]) -> A:
        """The answer to an operation, which is sent now if it was not read ahead.

        Raises:
            CapgoError: There is none.
        """
        told = next((one for one in self._told if one[0] == operation), None)
        if told is None:
            return await self._sender.send(operation)
        # Once: who asks again, such as after a write, wants to know what is so now.
        self._told.remove(told)
        outcome = told[1]
        if isinstance(outcome, CapgoError):
            raise outcome
        return cast("A", outcome)


class Lengths:
    """How many pages lists had when they were read before: so many are asked for at once the next time."""

    def __init__(self) -> None:
        self._pages: dict[tuple[type, object], int] = {}

    def of(self, operation: Operation[Any]) -> int:
        """The pages that a list had, at least; of one that nobody has read yet, as many as are read at once."""
        return self._pages.get(self._name(operation), _AHEAD)

    def note(self, operation: Operation[Any], pages: int, *, goes_on: bool) -> None:
        """Keep in mind that a list has so many, or that it has more."""
        name = self._name(operation)
        known = self._pages.get(name, 0)
        if len(self._pages) >= _LISTS:
            self._pages.clear()
        self._pages[name] = max(pages, known) if goes_on else pages

    @staticmethod
    def _name(operation: Operation[Any]) -> tuple[type, object]:
        return type(operation), getattr(operation, "app_id", None)


async def collect(operation: Operation[Any], exchange: Exchange, lengths: Lengths) -> Listing[Any]:
    """The rows that `page` or `cursor` points at, up to `limit`, each once, and where to go on.

    Ends after a bounded number of requests whatever Capgo answers: every further one must bring a new row.

    Args:
        operation: A list operation with `limit` and `page` or `cursor`.
        exchange: Sends one operation and returns its typed answer.
        lengths: What is known of the lists of this Capgo.
    """
    match operation.spec.paging:
        case Paging.FIXED:
            return await _fixed(operation, exchange, lengths)
        case Paging.CURSOR:
            return await _cursor(operation, exchange)
        case _:
            return await _sized(operation, exchange)


def narrowed(operation: Operation[A], answer: A) -> A:
    """An answer without the rows that were not asked for, which an older Capgo tells as well."""
    asked = _asked(operation)
    if not asked or not isinstance(answer, Listing):
        return answer
    return answer.model_copy(update={"items": [row for row in answer.items if _is_asked_for(row, asked)]})


async def _fixed(operation: Any, exchange: Exchange, lengths: Lengths) -> Listing[Any]:
    seen: Unique = {}
    rows: Unique = {}
    asked = _asked(operation)
    only_one = any(one.one for one, _ in asked)
    most = 1 if only_one else operation.limit
    # Our pages have `limit` rows and Capgo's 50: begin in the one that holds the first row wanted.
    page, skip = divmod(operation.page * operation.limit, ROWS)
    pages = _Pages(operation, exchange, lengths.of(operation) - page)
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
        rows |= _admitted(fresh, asked)
        more = bool(fresh) and len(answer.items) >= ROWS
        page, skip = page + 1, 0
    lengths.note(operation, page, goes_on=more)
    more = (more or len(rows) > most) and not only_one
    wanted = dict(islice(rows.items(), most))
    return _answer(operation, wanted, operation.page + 1 if more else None, note)


class _Pages:
    """The pages of a list: as many at once as there may be by what is known, and once those were full, ever more.

    Of those read in vain, an error counts no more than an answer.
    """

    def __init__(self, operation: Any, exchange: Exchange, known: int) -> None:
        self._operation = operation
        self._exchange = exchange
        self._read: dict[int, Any] = {}
        self._width = min(max(1, known), _AHEAD)

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
    # One request: here Capgo takes the size, so that its pages are ours.
    answer = await exchange(operation)
    more = len(answer.items) >= operation.limit
    return _answer(operation, _fresh(answer.items, {}), operation.page + 1 if more else None)


async def _cursor(operation: Any, exchange: Exchange) -> Listing[Any]:
    seen: Unique = {}
    rows: Unique = {}
    cursor = operation.cursor
    asked = _asked(operation)
    at_once = operation.spec.at_once or CURSOR_ROWS
    more = True
    while more and len(rows) < operation.limit and len(seen) < FARTHEST:
        wanted = min(operation.limit - len(rows), at_once)
        answer = await exchange(operation.model_copy(update={"cursor": cursor, "limit": wanted}))
        fresh = _fresh(answer.items, seen)
        seen |= fresh
        rows |= _admitted(fresh, asked)
        # A cursor that stays, or a page of what was seen, would go on for ever.
        more = bool(fresh) and answer.next not in (None, cursor)
        cursor = answer.next
    return _answer(operation, rows, cursor if more else None)


def _fresh(rows: list[Row], seen: Unique) -> Unique:
    """The rows that are not among `seen`, by identity; a row without one counts as new."""
    named = ((getattr(row, row.identity, None) or id(row), row) for row in rows)
    return {name: row for name, row in named if name not in seen}


def _asked(operation: Operation[Any]) -> Asked:
    """The filters that are set, with what the rows have to have."""
    given = ((one, getattr(operation, argument)) for argument, one in operation.spec.filters.items())
    return [(one, value) for one, value in given if value is not None]


def _admitted(rows: Unique, asked: Asked) -> Unique:
    return {name: row for name, row in rows.items() if _is_asked_for(row, asked)} if asked else rows


def _is_asked_for(row: Row, asked: Asked) -> bool:
    return all(getattr(row, one.fact) == value for one, value in asked)


def _answer(operation: Any, rows: Unique, more: int | str | None, note: str | None = None) -> Listing[Any]:
    answer: type[Listing[Any]] = operation.spec.answer
    items = list(rows.values())
    return answer.model_validate(
        {"items": items, "next": more, "note": note or (None if items else operation.spec.if_empty)}
    )
