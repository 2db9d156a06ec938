"""An answer becomes the compact JSON an agent reads.

It is brief, without nulls, cleaned of what strangers hid in it, and fits into an agent's context: a long list is cut
and says how to go on, anything else that is too long is refused.
"""

from collections.abc import Callable, Collection
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple, Self

from pydantic import BaseModel

from capgo_mcp.api.answers import Answer, Listing, Row
from capgo_mcp.api.errors import CapgoError
from capgo_mcp.api.operation import Declared, Operation
from capgo_mcp.api.text import cleaned, compact, is_plain, minute, shown_as

LARGEST: Final = 50_000
"""Characters of an answer that are passed on: about what the strictest client lets through."""

_FEW: Final = 50
"""Rows that are shown in a moment, whatever is in them."""
_PLAIN: Final = frozenset({int, float, bool})
_NOTE_ROOM: Final = 2000
_NEVER_CUT: Final = frozenset({"undo", "after_consent"})
"""Calls to make: by half they would do something else."""
_LIST_LENGTHS: Final = (100, 30, 10, 3, 0)
_MASK: Final = "(hidden; start the server with --reveal-secrets to see it)"
_NARROW: Final = "Ask for less: fewer fields, a lower limit or a shorter period."


class AnswerTooLong(CapgoError):
    """The answer would fill the agent's context."""


def requestable(answer: type[Answer]) -> list[str]:
    """The fields that are shown only when asked for by name."""
    if issubclass(answer, Listing):
        row = answer.row()
        return [name for name in row.model_fields if name not in row.brief] if row.brief else []
    return list(answer.on_request) if issubclass(answer, Row) else []


def shown(answer: BaseModel, fields: Collection[str] = (), *, reveal: bool = False) -> dict[str, Any]:
    """The facts of an answer as an agent sees them.

    Args:
        answer: Any answer of a tool.
        fields: Names of fields to show beside those that are always shown.
        reveal: Whether secrets are shown.
    """
    match answer:
        case Listing():
            kind = answer.row()
            show = _in_list(kind, frozenset({*kind.brief, *fields}) if kind.brief else None, reveal)
            return {"items": _until_full(answer.items, show), **_facts(answer, exclude={"items"})}
        case Row():
            return _masked(answer, facts(answer, fields), reveal)
        case _:
            inner = {
                name: shown(value, fields, reveal=reveal) for name, value in answer if isinstance(value, BaseModel)
            }
            return {name: inner.get(name, value) for name, value in _facts(answer).items()}


def _until_full(rows: list[Any], show: Callable[[Any], dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows as they are shown; for those after what is cut off anyway something empty stands, for the count."""
    if len(rows) <= _FEW:
        return [show(row) for row in rows]
    room = LARGEST
    told: list[dict[str, Any]] = []
    for row in rows:
        told.append(show(row) if room >= 0 else {})
        room -= len(compact(told[-1]))
    return told


# Once for each kind: a list has up to a thousand rows of it.
@lru_cache(maxsize=256)
def _in_list(kind: type[Row], names: frozenset[str] | None, reveal: bool) -> Callable[[Row], dict[str, Any]]:
    """How a list shows a row of this kind: what is not as usual, and what has to be said beside it."""
    columns = [(name, field.default) for name, field in kind.model_fields.items() if names is None or name in names]

    def brief(row: Row) -> dict[str, Any]:
        told = _told(row, columns, repeat=False)
        if stated := row.stated():
            told |= {name: getattr(row, name) for name, _ in columns if name in stated}
        return _masked(row, told, reveal)

    return brief


def facts(row: Row, fields: Collection[str] = ()) -> dict[str, Any]:
    """All facts of a row but those that nobody asked for; cleaned, but with its secrets."""
    told = row.model_fields_set - (set(row.on_request) - set(fields))
    return _told(row, [(name, None) for name in vars(row) if name in told])


class Written(NamedTuple):
    """An answer for both channels."""

    facts: dict[str, Any]
    text: str
    """The same as JSON."""

    @classmethod
    def of(cls, facts: dict[str, Any]) -> Self:
        """Facts, written once."""
        return cls(facts, compact(facts))


def fitted(asked: Declared[Any], facts: dict[str, Any], fields: Collection[str] = ()) -> Written:
    """The facts as they are, or a list cut to what fits, with a note on how to get the rest.

    Args:
        asked: What the facts are the answer to.
        facts: The answer as an agent would see it.
        fields: Names of fields that were asked for beside those that are always shown.

    Raises:
        AnswerTooLong: It is too long, and no list that could be cut.
    """
    whole = Written.of(facts)
    size = len(whole.text)
    if size <= LARGEST:
        return whole
    items = facts.get("items")
    if not isinstance(items, list):
        items = []
    kept = _prefix(items, LARGEST - _NOTE_ROOM)
    if not kept:
        sentence = f"The answer has {size:,} characters, more than the {LARGEST:,} that are passed on."
        raise AnswerTooLong("answer_too_long", sentence, _NARROW)
    # Without `next`, which would lead past what is cut off.
    rest = {name: value for name, value in facts.items() if name not in ("items", "next", "note")}
    notes = [*([facts["note"]] if facts.get("note") else []), _note(asked, fields, kept, len(items))]
    return Written.of({"items": items[:kept], **rest, "note": " ".join(notes)})


def shortened(facts: dict[str, Any]) -> Written:
    """The facts of a write with its lists cut until it fits: what was done is told however much it was.

    Args:
        facts: The outcome as an agent would see it.
    """
    written = Written.of(facts)
    if len(written.text) <= LARGEST:
        return written
    whole = {name: value for name, value in facts.items() if name in _NEVER_CUT}
    for most in _LIST_LENGTHS:
        cut = {name: value if name in whole else _cut(value, most) for name, value in facts.items()}
        cut["note"] = (
            f"{facts.get('note', '')} Lists are cut to {most} entries, because more would be too long.".strip()
        )
        written = Written.of(cut)
        if len(written.text) <= LARGEST:
            return written
    told = {name: facts[name] for name in ("done", "changed") if name in facts}
    return Written.of(told | {"note": "More would be too long to be shown: read it back."})


def _masked(row: Row, visible: dict[str, Any], reveal: bool) -> dict[str, Any]:
    if reveal or not row.secret:
        return visible
    return visible | {name: _MASK for name in row.secret if getattr(row, name)}


def _told(row: Row, columns: list[tuple[str, Any]], *, repeat: bool = True) -> dict[str, Any]:
    """What Capgo told of these fields, as `_facts` would have it, without a second walk through it.

    Args:
        row: What was told.
        columns: The names of the fields, each with a value that is left out.
        repeat: Whether what lies in a field is told also where it is as usual.
    """
    facts: dict[str, Any] = {}
    values = vars(row)
    texts = ""
    for name, usual in columns:
        value = values[name]
        if value is None or value == usual:
            continue
        kind = type(value)
        if kind is str:
            texts += value
        elif kind is datetime:
            value = minute(value)
        elif kind not in _PLAIN:
            value = _facts(row, include={name}, repeat=repeat).get(name, "")
        if value != "":
            facts[name] = value
    if not is_plain(texts):  # one look at all of them is enough for nearly every row
        facts |= {name: shown_as(name, values[name]) for name in facts if type(values[name]) is str}
    if row.__pydantic_extra__:
        facts |= _facts(row, exclude=set(values), repeat=repeat)
    return facts


def _facts(
    answer: BaseModel, *, include: set[str] | None = None, exclude: set[str] | None = None, repeat: bool = True
) -> dict[str, Any]:
    """What Capgo told, without nulls and empty texts; what is as usual only if it shall be repeated."""
    dumped = answer.model_dump(
        mode="json",
        exclude_none=True,
        include=include,
        exclude=exclude,
        exclude_unset=repeat,
        exclude_defaults=not repeat,
    )
    facts: dict[str, Any] = cleaned(dumped)
    return {name: value for name, value in facts.items() if value != ""}


def _prefix(items: list[Any], room: int) -> int:
    """How many of the first items fit."""
    for count, item in enumerate(items):
        room -= len(compact(item)) + 1
        if room < 0:
            return count
    return len(items)


def _cut(value: Any, most: int) -> Any:
    if isinstance(value, list):
        return [_cut(item, most) for item in value[:most]]
    return {name: _cut(item, most) for name, item in value.items()} if isinstance(value, dict) else value


def _note(asked: Declared[Any], fields: Collection[str], kept: int, of: int) -> str:
    """How to go on after a cut."""
    cut = f"Only the first {kept} of {of} items are shown, because more would be too long."
    further = _onward(asked, kept)
    if further is None:
        return f"{cut} For others ask for fewer fields or a lower limit."
    call = asked.model_dump(mode="json", exclude_defaults=True) | further | ({"fields": [*fields]} if fields else {})
    way = "Go on with" if "page" in further else "To go on, follow the next of"
    return f"{cut} {way} {asked.spec.name} {compact(call)}"


def _onward(asked: Declared[Any], kept: int) -> dict[str, int] | None:
    """The arguments of the call that brings what was cut off."""
    limit, page = getattr(asked, "limit", None), getattr(asked, "page", None)
    if limit is None or not isinstance(asked, Operation):
        return None
    if page is None:  # only Capgo knows the cursor after a cut: the same rows come once more, and then one
        return {"limit": kept}
    first = page * limit + kept
    # No larger than what fits, and so that a page begins where the cut is, or as little before it as can be.
    smaller = min(range(kept, kept // 2, -1), key=lambda size: first % size)
    return {"limit": smaller, "page": first // smaller}
