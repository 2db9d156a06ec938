"""A walk over the devices of an app: page after page, one at a time in memory, until the end or a reason to stop."""

from contextlib import suppress
from dataclasses import replace
from typing import Final, Self

from capgo_mcp.api.answers import CursorPaged
from capgo_mcp.api.errors import CapgoError
from capgo_mcp.client.paging import CURSOR_ROWS
from capgo_mcp.client.retry import Deadline
from capgo_mcp.insights.insight import Context
from capgo_mcp.operations.devices import Device, ListDevices

EMPTY: Final = "Capgo told of no devices; it says the same when its device store is out of reach."


class _InLongPages(ListDevices):
    """The same list, of which nobody looks at the pins: Capgo leaves them out of long pages."""

    spec = replace(ListDevices.spec, at_once=None)


def in_long_pages(devices: ListDevices) -> ListDevices:
    """The same list in as few requests as can be, without pins."""
    return _InLongPages.model_construct(**dict(devices))


class Walk:
    """The pages of a list of devices, read within the time there is while one loops over them.

    The first page has the whole deadline of a call, so that there is always something to tell, and raises CapgoError
    when it cannot be read. What goes wrong later ends the loop and becomes the note.

    Args:
        context: Where to read, whom to tell how far it is, and how long.
        devices: The list.

    Attributes:
        pages: Pages read so far.
        seen: Devices read so far.
        complete: Whether the loop went on until there was no further page.
        note: Why it ended before, and what that means; None when it did not.
    """

    def __init__(self, context: Context, devices: ListDevices) -> None:
        self.pages = 0
        self.seen = 0
        self.complete = False
        self.note: str | None = None
        self._context = context
        self._deadline = Deadline(context.clock, context.seconds)
        self._ahead: ListDevices | None = devices.model_copy(update={"limit": devices.spec.at_once or CURSOR_ROWS})

    def needs_no_pins(self) -> None:
        """Read what is left in long pages."""
        if self._ahead is not None:
            self._ahead = in_long_pages(self._ahead).model_copy(update={"limit": CURSOR_ROWS})

    # Not a generator: one that is left with `break` is closed by the event loop, at a time that nobody knows.
    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> list[Device]:
        page = self._ahead
        if page is None:
            self.complete = True
            self.note = None if self.seen else EMPTY
            raise StopAsyncIteration
        answer = await (self._in_time(page) if self.pages else self._context.capgo.send(page))
        if answer is None:
            raise StopAsyncIteration
        self._ahead = None if answer.next in (None, page.cursor) else page.model_copy(update={"cursor": answer.next})
        self.pages += 1
        self.seen += len(answer.items)
        if answer.items:
            await self._context.report(self.seen, message=f"{self.seen} devices read")
        return answer.items

    async def _in_time(self, page: ListDevices) -> CursorPaged[Device] | None:
        left = self._deadline.left
        why = f"the {self._context.seconds:g} seconds for reading devices were over"
        if left > 0:
            try:
                with suppress(TimeoutError), self._context.clock.fail_after(left):
                    return await self._context.capgo.send(page)
            except CapgoError as error:
                why = error.sentence.rstrip(".")
        self.note = f"Stopped after {self.seen} devices: {why}. Later ones are not included."
        return None
