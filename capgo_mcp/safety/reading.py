"""What is read before a write, so that whoever agrees to it knows what it does, and to what.

A call by a name that two things seem to have is refused, since nobody could tell which of them was meant.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any, Final, TypeVar

from capgo_mcp.agent.render import shown
from capgo_mcp.api.answers import Answer, Listing, Row
from capgo_mcp.api.errors import CapgoError, Conflict, NotFound
from capgo_mcp.api.operation import Effect, Operation
from capgo_mcp.api.text import looks, named, quoted
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.client.reads import Ahead, together
from capgo_mcp.insights.bundles import all_channels
from capgo_mcp.operations.bundles import ListBundles

NAMES: Final = 20
"""Names listed one by one: enough to recognize what is meant, and a person still reads them."""
DEVICES: Final = 600
"""Devices that are looked through for what hangs on a channel or a bundle, in a few requests."""
_NEWEST: Final = 200
"""Bundles that are looked through: an app may have thousands, and reading them all would take minutes."""
_TOLD: Final = 5
_NAMED_BY: Final[dict[str, tuple[str, Callable[..., Operation[Any]]]]] = {
    "channel": ("channel", all_channels),
    "version": ("bundle", partial(ListBundles, limit=_NEWEST)),
}
"""The arguments that are names of an app's things."""
_LOOK_IT_UP: Final = "Names are exact and case-sensitive: look it up with the list tool first."

A = TypeVar("A", bound=Answer)


class Reading:
    """Gathers the facts of a preview, and keeps account of what could not be read.

    A read that fails leaves a gap instead of an error: a key that may delete need not be able to list, and the person
    who decides has to be told what nobody could look at.
    """

    def __init__(self, capgo: Capgo) -> None:
        self._capgo = Ahead(capgo)
        self._clock = capgo.clock
        self.facts: dict[str, Any] = {}
        self.unknown: list[str] = []
        self.warnings: list[str] = []
        """Why what is there makes the call dangerous, beside what the declaration says of it."""
        self.name: str | None = None
        """The name by which the user has to confirm, where so much goes that `confirm` is not enough."""
        self.moving: set[str] = set()
        """The facts that change all the time, and whose change is no reason to ask anew."""

    async def ahead(self, *operations: Operation[Any]) -> None:
        """Read at once what will be looked at one by one."""
        await self._capgo.read(*operations)

    async def read(self, what: str, operation: Operation[A], *, target: bool = False) -> A | None:
        """The answer, or None after noting why it could not be had.

        Raises:
            NotFound: What is read is the target of the call, and it does not exist.
        """
        try:
            return await self._capgo.send(operation)
        except CapgoError as error:
            if target and isinstance(error, NotFound):
                raise
            self.unknown.append(f"{what}: {error.sentence}")
            return None

    async def named(self, operation: Operation[A]) -> A:
        """The answer about what so much hangs on that the user confirms by its name.

        Raises:
            NotFound: Capgo tells no name of it.
            CapgoError: It is not there or cannot be read, so that nobody could agree to losing it.
        """
        answer = await self._capgo.send(operation)
        facts = shown(answer)
        self.name = facts.get("name") or facts.get("app_id")
        if not self.name:
            sentence = "Capgo tells no name to confirm by, so nothing was deleted."
            raise NotFound("no_name", sentence, "The user can delete it in the Capgo console.")
        self.facts["name"] = self.name
        return answer

    @property
    def today(self) -> datetime:
        """The moment of the reading, in UTC."""
        return self._clock.moment()

    async def count(
        self,
        what: str,
        operation: Operation[Any],
        *,
        moving: bool = False,
        admits: Callable[[Any], bool] = lambda _: True,
    ) -> Listing[Any] | None:
        """The rows of a list, noting how many of them count; `moving` when that changes all the time."""
        self.moving |= {what} if moving else set()
        rows: Listing[Any] | None = await self.read(what, operation)
        if rows is not None:
            self.facts[what] = at_least(sum(map(admits, rows.items)), rows)
        return rows

    def tell(self, answer: Answer | None, *names: str) -> None:
        """Note these facts of an answer, if it could be had."""
        if answer is not None:
            facts = shown(answer)
            self.facts |= {name: facts[name] for name in names if name in facts}

    def tell_as(self, what: str, answer: Answer | None, *names: str) -> None:
        """Note these facts of an answer under one name: beside what the call would set, they are what is there now."""
        if answer is not None:
            facts = shown(answer)
            self.facts[what] = {name: facts[name] for name in names if name in facts}

    def tell_one_of(self, rows: Listing[Any] | None, what: str, name: str, value: object, *names: str) -> None:
        """Note these facts of the row whose `name` has the value.

        Raises:
            NotFound: There is no such row.
        """
        if rows is not None:
            row = next((row for row in rows.items if getattr(row, name) == value), None)
            self.tell(row, *names)
            # Only a whole list whose rows are told by that name proves that one of them is not there.
            told = any(getattr(other, name) is not None for other in rows.items)
            if row is None and told and not _goes_on(rows):
                raise NotFound("not_found", f"There is no such {what}, so there is nothing to confirm.", _LOOK_IT_UP)
            if row is None:
                self.unknown.append(f"{what}: not among the {len(rows.items)} that Capgo lists first")


def at_least(count: int, rows: Listing[Any]) -> int | str:
    """A count of rows, told as a lower bound where the list goes on."""
    return f"at least {count}" if _goes_on(rows) else count


def _goes_on(rows: Listing[Any]) -> bool:
    return getattr(rows, "next", None) is not None


class Lookalike(Conflict):
    """Another thing has a name that looks the same; nothing was sent."""

    def __init__(self, what: str, name: str, twins: Iterable[Row]) -> None:
        told = ", ".join(f"{named(getattr(one, 'name', ''))} (id {getattr(one, one.identity)})" for one in twins)
        super().__init__(
            "lookalike_name",
            f"Beside the {what} {quoted(name)} another one looks the same, so nothing was sent: {quoted(told)}.",
            "Tell the user, who can rename or delete it in the Capgo console; then call again.",
        )


async def refuse_lookalikes(operation: Operation[Any], capgo: Capgo) -> None:
    """Return if every name in a write of something that is there looks like no other.

    Raises:
        Lookalike: Another channel or bundle has such a name.
    """
    # A new thing gets its name by this very call: none that is there can be meant instead.
    if operation.spec.effect is Effect.CREATE or not hasattr(operation, "app_id"):
        return
    app_id: str = operation.app_id
    given = {argument: getattr(operation, argument, None) for argument in _NAMED_BY}
    names = {argument: name for argument, name in given.items() if isinstance(name, str)}
    lists = await together(*(partial(_rows, _NAMED_BY[argument][1](app_id=app_id), capgo) for argument in names))
    for rows, (argument, name) in zip(lists, names.items(), strict=True):
        refuse_among(rows, _NAMED_BY[argument][0], name)


async def _rows(listing: Operation[Any], capgo: Capgo) -> list[Any]:
    """None where they cannot be read: a key that may write need not be able to list."""
    with suppress(CapgoError):
        rows: list[Any] = (await capgo.send(listing)).items
        return rows
    return []


def refuse_among(rows: Iterable[Any], what: str, name: str) -> None:
    """Return if no other name of the rows looks like this one.

    Raises:
        Lookalike: One does.
    """
    seen = looks(name)
    twins = [row for row in rows if row.name and row.name != name and looks(row.name) == seen]
    if twins:
        raise Lookalike(what, name, twins[:_TOLD])
