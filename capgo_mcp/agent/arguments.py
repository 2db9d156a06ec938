"""What an agent sent becomes a valid operation, or one clear error from which it can correct itself.

Small models and some clients spell names as the API does, send `null` for what they leave out and put JSON into
strings: all of that is understood. Nothing is guessed: an unknown name is an error that names the nearest known one.
"""

import json
import math
import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from functools import cache
from types import GenericAlias
from typing import Annotated, Any, Final, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError
from pydantic.alias_generators import to_camel, to_snake

from capgo_mcp.api.errors import InvalidArguments
from capgo_mcp.api.fields import UUID
from capgo_mcp.api.operation import Declared, Operation
from capgo_mcp.operations import OPT_IN, every, toolset

_PROBLEMS: Final = 10
"""Broken rules that one error names; who mends those may find more."""


class Controls(BaseModel):
    """Arguments that steer the tool and never reach Capgo."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True, hide_input_in_errors=True)

    # Strict: neither "yes" nor 1 is consent.
    confirm: Annotated[StrictBool, Field(description="Only after the user agreed to the preview.")] = False
    confirm_name: Annotated[str | None, Field(description="Name of what goes, as the preview shows it.")] = None
    seen: Annotated[str | None, Field(description="Mark in after_consent.")] = None
    expected_version: Annotated[str | None, Field(description="Only if the channel serves this version now.")] = None
    create: Annotated[StrictBool, Field(description="Create it though a similar name exists.")] = False
    fields: Annotated[list[str], Field(description="More fields.")] = []


def read(
    kind: type[Declared[Any]], offered: frozenset[str], locked: Mapping[str, str], raw: Mapping[str, Any]
) -> tuple[Declared[Any], Controls]:
    """The question and the controls that the arguments of a tool call stand for.

    Args:
        kind: What the tool is made from.
        offered: Names of the controls this tool has.
        locked: Arguments fixed by the settings: an agent cannot set them to anything else.
        raw: The arguments as they came.

    Raises:
        InvalidArguments: They break a rule; the error names each and the tool's arguments.
    """
    known = {*kind.model_fields, *kind.spec.synonyms, *offered}
    spelled = _spellings(kind)
    given: dict[str, Any] = {}
    for written, value in raw.items():
        name = written if written in known else spelled.get(written, to_snake(written))
        if value is None:
            continue
        if name in kind.spec.refuses:
            raise InvalidArguments(kind.spec.refuses[name], usage(kind, offered, locked))
        by_habit = name in offered and written != name  # consent is never read out of another word
        if by_habit or name not in known or (name in locked and not _is(value, locked[name])):
            raise InvalidArguments(
                _elsewhere(kind, name) or _unknown(written, known - set(locked)), usage(kind, offered, locked)
            )
        if name in given:
            raise InvalidArguments(f"{name} is given twice, in two spellings.", f"Give it once, as {name}.")
        given[name] = value
    valid, controls = _validated(kind, offered, locked, {**given, **locked})
    for name in controls.fields:
        if name not in kind.spec.answer.row_fields():
            names = kind.spec.answer.row_fields()
            raise InvalidArguments(_unknown(name, names, "a field"), f"The fields are {', '.join(names)}.")
    return valid, controls


@cache
def _spellings(kind: type[Declared[Any]]) -> dict[str, str]:
    """The arguments of a tool by how else they may be written."""
    spelled = {to_camel(name): name for name in kind.model_fields}
    spelled |= {field.serialization_alias or name: name for name, field in kind.model_fields.items()}
    return spelled | {to_camel(name): name for name in kind.spec.synonyms}


def _is(value: Any, locked: str) -> bool:
    """Whether a value is the locked one; a UUID has no case."""
    return bool(value == locked or (isinstance(value, str) and re.match(UUID, locked) and value.lower() == locked))


def usage(kind: type[Declared[Any]], offered: frozenset[str], locked: Mapping[str, str]) -> str:
    """One line with the arguments a tool takes."""
    required = [name for name, field in kind.model_fields.items() if field.is_required() and name not in locked]
    optional = [name for name in kind.model_fields if name not in required and name not in locked]
    parts = [", ".join(required) + " (required)"] if required else []
    parts += [", ".join([*optional, *sorted(offered)])] if optional or offered else []
    return f"{kind.spec.name} takes " + ("; ".join(parts) if parts else "no arguments") + "."


def _elsewhere(kind: type[Declared[Any]], name: str) -> str | None:
    """That another tool of the same endpoint takes an argument, and which toolset that one has to be asked for with."""
    if not issubclass(kind, Operation):
        return None
    there = (kind.spec.method, kind.spec.path)
    others = (other for other in every() if (other.spec.method, other.spec.path) == there and other is not kind)
    right = next((other for other in others if name in {*other.model_fields, *other.spec.synonyms}), None)
    if right is None:
        return None
    asked_for = f", in the toolset {right.spec.toolset}" if right.spec.toolset in map(toolset, OPT_IN) else ""
    return f"{name} is an argument of {right.spec.name}{asked_for}."


def _unknown(written: str, known: Collection[str], kind: str = "an argument") -> str:
    near = get_close_matches(to_snake(written), known, n=1, cutoff=0.5)
    quoted = json.dumps(written[:60])
    return f"{quoted} is not {kind} here" + (f"; did you mean {near[0]}?" if near else ".")


def _validated(
    kind: type[Declared[Any]], offered: frozenset[str], locked: Mapping[str, str], given: Mapping[str, Any]
) -> tuple[Declared[Any], Controls]:
    problems: list[str] = []
    models: list[Any] = []
    # Both are read before anything is refused, so that one error tells all that is wrong.
    for model, names in ((kind, {*kind.model_fields, *kind.spec.synonyms}), (Controls, offered)):
        mine = {name: _unpacked(model, name, value) for name, value in given.items() if name in names}
        try:
            models.append(model.model_validate(mine))
        except ValidationError as error:
            problems += [_sentence(model, row) for row in error.errors(include_url=False)]
    if problems:
        more = f"; and {len(problems) - _PROBLEMS} more" if len(problems) > _PROBLEMS else ""
        raise InvalidArguments("; ".join(problems[:_PROBLEMS]) + f"{more}.", usage(kind, offered, locked))
    return models[0], models[1]


def _unpacked(model: type[BaseModel], name: str, value: Any) -> Any:
    """A list or object that was sent as JSON text."""
    field = model.model_fields.get(name)  # no word of the API alone stands for a list or object
    if field and isinstance(value, str) and value[:1] in ("[", "{") and _is_container(field.annotation):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _is_container(annotation: Any) -> bool:
    if get_origin(annotation) in (list, dict) or isinstance(annotation, GenericAlias):
        return True
    return any(_is_container(part) for part in get_args(annotation))


_PLAIN: Final = {
    "missing": "is required",
    "bool_type": "must be true or false, not text",
    "bool_parsing": "must be true or false",
    "string_type": "must be text: put it in quotes",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "string_too_short": "must not be empty",
    "list_type": "must be a list",
}


def _sentence(model: type[BaseModel], problem: Any) -> str:
    """One rule that was broken, without the value that broke it."""
    # pydantic names the validators it went through among the places.
    where = ".".join(str(part) for part in problem["loc"] if not str(part).startswith("function-"))
    name = str(problem["loc"][0]) if problem["loc"] else ""
    what = _PLAIN.get(problem["type"], problem["msg"].removeprefix("Value error, "))
    # JSON has no such numbers, but what reads it here takes them.
    if isinstance(problem["input"], float) and not math.isfinite(problem["input"]):
        what = "must be a value: NaN and infinities are none"
    if problem["type"] == "string_pattern_mismatch":
        what = f"has the wrong form ({(model.model_fields[name].description or 'see the schema').rstrip('.')})"
    return f"{where} {what[:1].lower()}{what[1:]}".strip()
