"""An answer must fit into an agent's context: a long list is cut and says how to go on, anything else is refused."""

from typing import Any, Final

from capgo_mcp.agent.render import compact
from capgo_mcp.api.errors import CapgoError
from capgo_mcp.api.operation import Declared

LARGEST: Final = 50_000
"""Characters of an answer that are passed on: about what the strictest client lets through."""

_NARROW: Final = "Ask for less: fewer fields, a lower limit or a shorter period."


class AnswerTooLong(CapgoError):
    """The answer would fill the agent's context."""


def fitted(asked: Declared[Any], facts: dict[str, Any]) -> dict[str, Any]:
    """The facts as they are, or a list cut to what fits, with a note on how to get the rest.

    Args:
        asked: What the facts are the answer to.
        facts: The answer as an agent would see it.

    Raises:
        AnswerTooLong: It is too long, and no list that could be cut.
    """
    size = len(compact(facts))
    if size <= LARGEST:
        return facts
    items = facts.get("items")
    if not isinstance(items, list):
        items = []
    kept = _prefix(items, LARGEST - _NOTE_ROOM)
    limit = getattr(asked, "limit", None)
    if limit is not None:
        kept = next(count for count in range(kept, -1, -1) if count == 0 or limit % count == 0)
    if not kept:
        sentence = f"The answer has {size:,} characters, more than the {LARGEST:,} that are passed on."
        raise AnswerTooLong("answer_too_long", sentence, _NARROW)
    rest = {name: value for name, value in facts.items() if name not in ("items", "next", "note")}
    return {"items": items[:kept], **rest, "note": _note(asked, kept, len(items))}


_NOTE_ROOM: Final = 1000


def _prefix(items: list[Any], room: int) -> int:
    """How many of the first items fit."""
    for count, item in enumerate(items):
        room -= len(compact(item)) + 1
        if room < 0:
            return count
    return len(items)


def _note(asked: Declared[Any], kept: int, of: int) -> str:
    """How to go on after a cut; whole pages of the smaller size end where the cut is."""
    cut = f"Only the first {kept} of {of} items are shown, because more would be too long."
    limit, page = getattr(asked, "limit", None), getattr(asked, "page", None)
    if limit is None:
        return f"{cut} Capgo has no pages here."
    if page is not None:
        return f"{cut} Go on with limit {kept} and page {page * limit // kept + 1}, or ask for fewer fields."
    return f"{cut} For the ones after them repeat this call with limit {kept}, then follow next."
