"""A walk over the devices of an app: page after page, one at a time in memory, until the end or a reason to stop."""

from collections.abc import Callable
from typing import Final

import anyio

from capgo_mcp.api.answers import CursorPaged
from capgo_mcp.api.errors import CapgoError
from capgo_mcp.api.operation import Desk
from capgo_mcp.client.paging import CURSOR_ROWS
from capgo_mcp.operations.devices import Device, ListDevices

EMPTY: Final = "Capgo told of no devices; it says the same when its device store is out of reach."


class Walk:
    """Reads devices within the budget of a desk, and keeps account of how far it came.

    Attributes:
        seen: Devices read so far.
        complete: Whether the last device was read.
        note: Why it was not, and what that means; None when it was.
    """

    def __init__(self, desk: Desk) -> None:
        self.seen = 0
        self.complete = False
        self.note: str | None = None
        self._desk = desk
        self._until = anyio.current_time() + desk.seconds

    async def over(self, devices: ListDevices, see: Callable[[list[Device]], bool]) -> None:
        """Show every page of a list to `see`, which says whether it wants another one.

        The first page has the whole deadline of a call, so that there is always something to tell. What goes wrong
        later ends the walk and becomes its note.

        Raises:
            CapgoError: The first page could not be read.
        """
        page = devices.model_copy(update={"limit": CURSOR_ROWS})
        answer: CursorPaged[Device] | None = await self._desk.capgo.send(page)
        while answer is not None and await self._shown(answer, see):
            if answer.next in (None, page.cursor):
                self.complete = True
                self.note = None if self.seen else EMPTY
                return
            page = page.model_copy(update={"cursor": answer.next})
            answer = await self._next(page)

    async def _shown(self, answer: CursorPaged[Device], see: Callable[[list[Device]], bool]) -> bool:
        self.seen += len(answer.items)
        if answer.items:
            await self._desk.report(self.seen, message=f"{self.seen} devices read")
        return see(answer.items)

    async def _next(self, page: ListDevices) -> CursorPaged[Device] | None:
        left = self._until - anyio.current_time()
        why = f"the {self._desk.seconds:g} seconds for reading devices were over"
        if left > 0:
            with anyio.move_on_after(left):
                try:
                    return await self._desk.capgo.send(page)
                except CapgoError as error:
                    why = error.sentence.rstrip(".")
        self.note = f"Stopped after {self.seen} devices: {why}. Later ones are not included."
        return None
