"""The tools as clients see them: generated, stored, and in the form that every client accepts."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import jsonschema  # type: ignore[import-untyped]  # its stubs are a distribution of their own
import mcp_types as t
import pytest

from capgo_mcp import catalog
from capgo_mcp.agent import definitions, render
from capgo_mcp.agent.arguments import Controls
from capgo_mcp.agent.definitions import FOLDER, stored
from capgo_mcp.agent.generated import controls, generated
from capgo_mcp.agent.outcomes import Outcome
from capgo_mcp.agent.schema import input_schema, output_schema
from capgo_mcp.catalog import every_tool
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.config.settings import Settings
from capgo_mcp.operations.channels import Channel, DeleteChannel
from capgo_mcp.sandbox.seed.people import DEMO_APP
from capgo_mcp.server.selection import chosen
from scripts.definitions import as_text
from tests.support import samples
from tests.support.samples import AnyTool

Schema = dict[str, Any]

FORBIDDEN: Final = {"$ref", "$defs", "anyOf", "oneOf", "allOf", "const", "not", "if", "patternProperties"}
each = pytest.mark.parametrize("operation", every_tool(), ids=lambda operation: operation.spec.name)


@each
def test_stored_definition_is_the_generated_one(operation: AnyTool) -> None:
    """`make definitions` was run after the last change of the operation."""
    file = FOLDER / f"{operation.spec.name}.json"
    written = file.read_text(encoding="utf-8") if file.exists() else None
    assert written == as_text(generated(operation)), "run `make definitions`"
    assert stored(operation.spec.name) == generated(operation)


def test_what_is_stored_of_the_tools_is_what_they_are() -> None:
    """`make definitions` was run after the last change of an operation, so that a start needs none of them."""
    assert catalog.STORED.read_text(encoding="utf-8") == catalog.as_text(), "run `make definitions`"
    assert list(catalog.ENTRIES.values()) == list(catalog.made())


@each
def test_an_entry_leads_to_its_declaration(operation: AnyTool) -> None:
    """What a start knows of a tool is enough to find the rest when it is called."""
    assert catalog.ENTRIES[operation.spec.name].kind is operation


def test_a_missing_definition_is_generated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A new operation can be tried before `make definitions`: only the start is slower by it."""
    monkeypatch.setattr(definitions, "FOLDER", tmp_path)
    name = DeleteChannel.spec.name
    (tool,) = (tool for tool in chosen(Settings.read({}, {})) if tool.name == name)
    assert tool.definition().input_schema == generated(DeleteChannel).input_schema


@pytest.mark.parametrize("stored_as", [None, {"sources": {"operations/apps.py": "another"}, "tools": []}])
def test_what_is_not_stored_of_the_tools_is_asked_of_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stored_as: object
) -> None:
    """The same holds for what else is known of it: declarations that changed are read anew."""
    file = tmp_path / "catalog.json"
    if stored_as is not None:
        file.write_text(json.dumps(stored_as), encoding="utf-8")
    monkeypatch.setattr(catalog, "STORED", file)
    assert list(catalog.entries()) == list(catalog.ENTRIES.values())


async def test_controls_are_worked_out_when_a_tool_is_made(capgo: Capgo, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call asks nobody which controls its tool has."""
    tools = samples.toolbox(capgo)
    monkeypatch.delattr("capgo_mcp.agent.generated.controls")
    result = await tools.call("capgo_list_bundles", {"app_id": DEMO_APP, "limit": 1, "fields": ["checksum"]})
    assert isinstance(result, t.CallToolResult)
    assert not result.is_error


def test_no_definition_is_left_over() -> None:
    """Every stored definition belongs to an operation."""
    assert {path.stem for path in FOLDER.glob("*.json")} == {operation.spec.name for operation in every_tool()}


def schemas(operation: AnyTool) -> Iterator[Schema]:
    """The two schemas of a tool."""
    tool = generated(operation)
    assert tool.output_schema is not None
    yield from (tool.input_schema, tool.output_schema)


def nodes(schema: Schema, where: str = "") -> Iterator[tuple[str, Schema]]:
    """Every schema inside a schema, with its place; names of properties are no keywords."""
    yield where, schema
    for name, inner in schema.get("properties", {}).items():
        yield from nodes(inner, f"{where}.{name}")
    for keyword in ("items", "additionalProperties"):
        if isinstance(schema.get(keyword), dict):
            yield from nodes(schema[keyword], f"{where}[{keyword}]")


@each
def test_schemas_are_valid_json_schema(operation: AnyTool) -> None:
    """Both schemas of a tool are JSON Schema 2020-12 with an object at the root."""
    for schema in schemas(operation):
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["type"] == "object"
        assert isinstance(schema["properties"], dict)


@each
def test_schemas_hold_no_keyword_that_breaks_a_client(operation: AnyTool) -> None:
    """No references, unions, constants, titles, null types or enums of anything but text, at any depth."""
    for schema in schemas(operation):
        for where, node in nodes(schema):
            assert not FORBIDDEN & set(node), where
            assert "title" not in node, where
            assert isinstance(node.get("type", ""), str), where
            assert node.get("type") != "null", where
            assert all(isinstance(word, str) for word in node.get("enum", [])), where
            assert node.get("type") != "array" or "items" in node, where


@each
def test_every_schema_has_been_walked(operation: AnyTool) -> None:
    """The walk of these tests meets every keyword, so that nothing can hide where it does not look."""
    for schema in schemas(operation):
        assert not re.search(r"'(\$ref|\$defs|anyOf|oneOf|allOf|const)': ", repr(schema))


@each
def test_arguments_are_closed_described_and_named_plainly(operation: AnyTool) -> None:
    """An agent learns every argument from the schema, and may send no other."""
    schema = samples.input_schema(operation)
    assert schema["additionalProperties"] is False
    for where, node in nodes(schema):
        for name, inner in node.get("properties", {}).items():
            assert re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name), f"{where}.{name}"
            assert inner.get("description", "").endswith("."), f"{where}.{name}"
    assert set(schema.get("required", ())) <= set(schema["properties"])


@each
def test_required_arguments_are_those_without_a_default(operation: AnyTool) -> None:
    """The schema asks for what the operation asks for."""
    wanted = [name for name, field in operation.model_fields.items() if field.is_required()]
    assert samples.input_schema(operation).get("required", []) == wanted


@each
def test_defaults_are_allowed_by_their_own_schema(operation: AnyTool) -> None:
    """A client that fills in the defaults sends a valid call."""
    schema = samples.input_schema(operation)
    defaults = {name: node["default"] for name, node in schema["properties"].items() if "default" in node}
    jsonschema.validate({**samples.required(operation), **defaults}, schema)


@each
def test_sample_arguments_fit_the_schema(operation: AnyTool) -> None:
    """What validation accepts, the published schema accepts as well."""
    schema = samples.input_schema(operation)
    jsonschema.validate(samples.full(operation), schema)
    operation.model_validate(samples.full(operation))


@each
def test_annotations_are_complete(operation: AnyTool) -> None:
    """All four hints and a title are set on every tool."""
    tool = generated(operation)
    assert tool.title
    assert tool.annotations is not None
    hints = tool.annotations.model_dump()
    assert None not in hints.values()
    assert hints["title"] == tool.title


@each
def test_writes_answer_an_outcome(operation: AnyTool) -> None:
    """What a writing tool answers says whether it was done; a reading tool answers the plain facts."""
    tool = generated(operation)
    assert tool.output_schema is not None
    writes = tool.annotations is not None and not tool.annotations.read_only_hint
    assert ("done" in tool.output_schema["properties"]) == writes


@each
def test_requestable_fields_are_fields_of_the_rows(operation: AnyTool) -> None:
    """`fields` names some that exist, and all where they are few."""
    if "fields" not in controls(operation):
        return
    schema = generated(operation).output_schema
    assert schema is not None
    row = schema["properties"]["items"]["items"] if "items" in schema["properties"] else schema
    requestable = render.requestable(operation.spec.answer)
    assert set(requestable) <= set(row["properties"])
    told = samples.input_schema(operation)["properties"]["fields"]["description"]
    named = re.fullmatch(r"More fields(:|, e\.g\.) (.+)\.", told)
    assert named
    assert named[2].split(", ") == requestable[:3]
    assert (named[1] == ":") == (len(requestable) <= 3)


def test_models_make_flat_schemas() -> None:
    """The controls and an outcome, which nest other models, have no references left either."""
    for schema in (input_schema(Controls), output_schema(Outcome[Channel])):
        assert all("$ref" not in node and "title" not in node for _, node in nodes(schema))
