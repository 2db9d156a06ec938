"""A walk over the devices of an app: page after page, two at a time in memory, until the end or a reason to stop."""

import math
from contextlib import suppress
from dataclasses import replace
from typing import Final, Self

import anyio
from anyio.lowlevel import checkpoint

from capgo_mcp.api.answers import CursorPaged
from capgo_mcp.api.errors import CapgoError
from capgo_mcp.client.bounds import Deadline
from capgo_mcp.client.reads import CURSOR_ROWS
from capgo_mcp.insights.insight import Context
from capgo_mcp.operations.devices import Device, ListDevices

_TURNS: Final = 20
"""Turns of the event loop in which a request leaves: looking at a page lets none pass."""

_SILENCE: Final = 2.0
"""Seconds after which whoever waits is told that a page still is on its way."""
_STEP: Final = 0.01
"""What the number of devices grows by then: the protocol asks of progress that it grows each time."""

EMPTY: Final = "Capgo told of no devices; it says the same when its device store is out of reach."


class _InLongPages(ListDevices):
    """The same list, of which nobody looks at the pins: Capgo leaves them out of long pages."""

    spec = replace(ListDevices.spec, at_once=None)


def in_long_pages(devices: ListDevices) -> ListDevices:
    """The same list in as few requests as can be, without pins."""
    # Not checked again: it is the same list, declared in another way.
    return _InLongPages.model_construct(**dict(devices))


class _Page:
    """A page that is being read: in the end an answer, or why there is none."""

    def __init__(self) -> None:
        self.answer: CursorPaged[Device] | None = None
        self.why = ""
        self.done = anyio.Event()


class Walk:
    """The pages of a list of devices, read within the time there is while one loops over them.

        async with Walk(context, devices) as walk:
            async for page in walk:
                ...

    While one page is looked at, the next one is read. The first page has the whole deadline of a call, so that there is
    always something to tell, and raises CapgoError when it cannot be read. What goes wrong later ends the loop and
    becomes the note.

    Args:
        context: Where to read, whom to tell how far it is, and how long.
        devices: The list.
        most: Devices after which nothing is read ahead any more, because the loop will be left.

    Attributes:
        pages: Pages looked at so far.
        seen: Devices looked at so far.
        complete: Whether the loop went on until there was no further page.
        note: Why it ended before, and what that means; None when it did not.
    """

    def __init__(self, context: Context, devices: ListDevices, *, most: float = math.inf) -> None:
        self.pages = 0
        self.seen = 0
        self.complete = False
        self.note: str | None = None
        self._context = context
        self._deadline = Deadline(context.clock, context.seconds)
        self._list = devices.model_copy(update={"limit": devices.spec.at_once or CURSOR_ROWS})
        self._most = most
        self._over = False
        self._ahead: _Page | None = None
        self._tasks = anyio.create_task_group()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        self._tasks.cancel_scope.cancel()
        await self._tasks.__aexit__(None, None, None)  # what the loop raises goes on as it is, not in a group

    def needs_no_pins(self) -> None:
        """Read what is left in long pages."""
        self._list = in_long_pages(self._list).model_copy(update={"limit": CURSOR_ROWS})

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> list[Device]:
        if self._over:
            self.complete = True
            self.note = None if self.seen else EMPTY
            raise StopAsyncIteration
        answer = await (self._next() if self.pages else self._first())
        if answer is None:
            raise StopAsyncIteration
        self._over = answer.next in (None, self._list.cursor)
        self._list = self._list.model_copy(update={"cursor": answer.next})
        self.pages += 1
        self.seen += len(answer.items)
        if not self._over and self.seen < self._most:
            await self._read_ahead()
        if answer.items:
            await self._context.report(self.seen, message=f"{self.seen} devices read")
        return answer.items

    async def _first(self) -> CursorPaged[Device]:
        read = anyio.Event()
        self._tasks.start_soon(self._tell_until, read)
        try:
            return await self._context.capgo.send(self._list)
        finally:
            read.set()

    async def _tell_until(self, read: anyio.Event) -> None:
        """Tell now and then that a page is waited for."""
        progress: float = self.seen
        while not read.is_set():
            with suppress(TimeoutError), self._context.clock.fail_after(_SILENCE):
                await read.wait()
                return
            progress += _STEP
            await self._context.report(progress, message=f"{self.seen} devices read; Capgo has not told the next yet")

    async def _next(self) -> CursorPaged[Device] | None:
        if self._ahead is None:
            await self._read_ahead()
        page, self._ahead = self._ahead, None
        assert page is not None  # noqa: S101 - it was just begun
        if not page.done.is_set():
            self._tasks.start_soon(self._tell_until, page.done)
            await page.done.wait()
        if page.answer is None:
            self.note = f"Stopped after {self.seen} devices: {page.why}. Later ones are not included."
        return page.answer

    async def _read_ahead(self) -> None:
        self._ahead = _Page()
        self._tasks.start_soon(self._read, self._list, self._ahead)
        for _ in range(_TURNS):
            await checkpoint()

    async def _read(self, devices: ListDevices, page: _Page) -> None:
        left = self._deadline.left
        # Told unless an error has its own words: the time may be over before the request, or during it.
        page.why = f"the {self._context.seconds:g} seconds for reading devices were over"
        if left > 0:
            try:
                with suppress(TimeoutError), self._context.clock.fail_after(left):
                    page.answer = await self._context.capgo.send(devices)
            except CapgoError as error:
                page.why = error.sentence.rstrip(".")
        page.done.set()
