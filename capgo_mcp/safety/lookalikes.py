"""Refuses calls by a name that two things seem to have, since nobody could tell which of them was meant."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any, Final

from capgo_mcp.api.answers import Row
from capgo_mcp.api.errors import CapgoError, Conflict
from capgo_mcp.api.fields import MOST
from capgo_mcp.api.operation import Effect, Operation
from capgo_mcp.api.text import looks, named, quoted
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.client.together import together
from capgo_mcp.operations.bundles import ListBundles
from capgo_mcp.operations.channels import ListChannels

_NEWEST: Final = 200
"""Bundles that are looked through: an app may have thousands, and reading them all would take minutes."""
_TOLD: Final = 5
_NAMED_BY: Final[dict[str, tuple[str, Callable[[str], Operation[Any]]]]] = {
    "channel": ("channel", lambda app: ListChannels(app_id=app, limit=MOST)),
    "version": ("bundle", lambda app: ListBundles(app_id=app, limit=_NEWEST)),
}
"""The arguments that are names of an app's things."""


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
    if operation.spec.effect is Effect.CREATE or not hasattr(operation, "app_id"):
        return
    app_id: str = operation.app_id
    given = {argument: getattr(operation, argument, None) for argument in _NAMED_BY}
    names = {argument: name for argument, name in given.items() if isinstance(name, str)}
    lists = await together(*(partial(_rows, _NAMED_BY[argument][1](app_id), capgo) for argument in names))
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
