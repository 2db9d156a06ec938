"""Flat JSON Schema from a pydantic model, in the form that every MCP client accepts.

No `$ref`, no `anyOf`, no `null`, no `const`, no titles: each of them makes some client or model provider drop a tool.
Clients pay for each word at every start, so what few agents act on stays with the validation, whose errors explain it:
patterns, lengths, bounds that nobody meets by accident, and defaults that only mean that nothing was given.
"""

import math
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import core_schema

_LEFT_TO_VALIDATION: Final = ("pattern", "minLength", "maxLength")
_LARGE: Final = 10_000
"""A number above is a bound against nonsense."""
_FIRST: Final = ("type", "description", "enum", "items", "properties", "required", "additionalProperties")
"""The order in which people write a schema, and in which models have read thousands of them."""

Schema = dict[str, Any]


class _Flat(GenerateJsonSchema):
    """Pydantic's generator, with a plainer word for what has several forms."""

    def sort(self, value: JsonSchemaValue, parent_key: str | None = None) -> JsonSchemaValue:  # noqa: ARG002 - pydantic's signature
        # Not by the alphabet: `_inline` brings the keywords into the order of `_FIRST`.
        return value

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        # To send null is to send nothing here, and a union makes some clients drop the tool.
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """An absent argument needs no default; one that has a meaning is shown."""
        inner = self.generate_inner(schema["schema"])
        default = schema.get("default")
        return {**inner, "default": default} if default else inner

    def literal_schema(self, schema: core_schema.LiteralSchema) -> JsonSchemaValue:
        # Gemini refuses a `const`; an `enum` of one says the same.
        plain = super().literal_schema(schema)
        return {"enum": [plain.pop("const")], **plain} if "const" in plain else plain

    def int_schema(self, schema: core_schema.IntSchema) -> JsonSchemaValue:
        return _bounded(super().int_schema(schema))

    def float_schema(self, schema: core_schema.FloatSchema) -> JsonSchemaValue:
        return _bounded(super().float_schema(schema))

    def str_schema(self, schema: core_schema.StringSchema) -> JsonSchemaValue:
        plain = super().str_schema(schema)
        return {key: value for key, value in plain.items() if key not in _LEFT_TO_VALIDATION}


def input_schema(model: type[BaseModel]) -> Schema:
    """The schema of a tool's arguments."""
    return {**_generate(model, "validation"), "additionalProperties": False}


def output_schema(model: type[BaseModel]) -> Schema:
    """The schema of a tool's result."""
    return _generate(model, "serialization")


def _bounded(number: Schema) -> Schema:
    """A number with the bounds that somebody may meet who means well."""
    told = {"minimum": number.get("minimum", 0) > 1, "maximum": number.get("maximum", math.inf) <= _LARGE}
    return {key: value for key, value in number.items() if key == "type" or told.get(key)}


def _generate(model: type[BaseModel], mode: JsonSchemaMode) -> Schema:
    raw = model.model_json_schema(by_alias=False, mode=mode, schema_generator=_Flat)
    definitions = raw.pop("$defs", {})
    schema: Schema = _inline(raw, definitions)
    schema.pop("description", None)
    schema.setdefault("properties", {})
    return schema


def _inline(node: Any, definitions: Schema) -> Any:
    """The schema in a reader's order, every `$ref` replaced by what it stands for, and without the titles of models."""
    if isinstance(node, list):
        return [_inline(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    # Some clients strip `$defs`, and their models see references to nothing.
    if reference := node.get("$ref"):
        target = {
            key: value for key, value in definitions[reference.rpartition("/")[2]].items() if key != "description"
        }
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    return {
        key: {name: _inline(inner, definitions) for name, inner in value.items()}
        if key == "properties"
        else _inline(value, definitions)
        for key, value in sorted(node.items(), key=_place)
        if key != "title" or not isinstance(value, str)
    }


def _place(item: tuple[str, Any]) -> int:
    keyword, _ = item
    return _FIRST.index(keyword) if keyword in _FIRST else len(_FIRST)
