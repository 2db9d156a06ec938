"""An answer becomes the compact JSON an agent reads: brief, without nulls, cleaned of what strangers hid in it."""

import json
from collections.abc import Collection
from typing import Any, Final

from pydantic import BaseModel

from capgo_mcp.api.answers import Answer, Listing, Row
from capgo_mcp.api.text import clean

_MASK: Final = "(hidden; start the server with --reveal-secrets to see it)"


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
            brief = answer.row().brief
            visible = {*brief, *fields} if brief else None
            items = [_masked(row, _facts(row, include=visible, repeat=False), reveal) for row in answer.items]
            return {"items": items, **_facts(answer, exclude={"items"})}
        case Row():
            return _masked(answer, facts(answer, fields), reveal)
        case _:
            inner = {
                name: shown(value, fields, reveal=reveal) for name, value in answer if isinstance(value, BaseModel)
            }
            return {name: inner.get(name, value) for name, value in _facts(answer).items()}


def facts(row: Row, fields: Collection[str] = ()) -> dict[str, Any]:
    """All facts of a row but those that nobody asked for; cleaned, but with its secrets."""
    return _facts(row, exclude=set(row.on_request) - set(fields))


def compact(facts: object) -> str:
    """The facts as JSON text without white space."""
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":"))


def _masked(row: Row, visible: dict[str, Any], reveal: bool) -> dict[str, Any]:
    return visible if reveal else visible | {name: _MASK for name in row.secret if getattr(row, name)}


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
    facts: dict[str, Any] = _cleaned(dumped)
    return {name: value for name, value in facts.items() if value != ""}


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        return [_cleaned(item) for item in value]
    if isinstance(value, dict):
        return {clean(name): _cleaned(item) for name, item in value.items()}
    return value
