"""The documented API as an OpenAPI file, made from the declarations: what a generic wrapper is given to read."""

import json
import re
from pathlib import Path
from typing import Any, Final

from capgo_mcp.agent.schema import input_schema, output_schema
from capgo_mcp.api.answers import Listing
from capgo_mcp.api.operation import Operation
from capgo_mcp.operations import DEFAULT, declared_in

Json = dict[str, Any]
FILE: Final = Path(__file__).parents[2] / "build" / "openapi.json"


def openapi(api: str) -> Json:
    """The file, for an API at this address."""
    paths: dict[str, Json] = {}
    for operation in (operation for module in DEFAULT for operation in declared_in(module)):
        methods, method = paths.setdefault(operation.spec.path, {}), operation.spec.method.lower()
        described = _described(operation)
        # What is one tool for a list and one for a single row here is one operation there.
        methods[method] = _both(methods[method], described) if method in methods else described
    return {
        "openapi": "3.1.0",
        "info": {"title": "Capgo", "version": "1"},
        "servers": [{"url": api}],
        "paths": paths,
    }


def written(api: str) -> Path:
    """A file of its own that holds it."""
    FILE.parent.mkdir(parents=True, exist_ok=True)
    FILE.write_text(json.dumps(openapi(api)), encoding="utf-8")
    return FILE


def _described(operation: type[Operation[Any]]) -> Json:
    schema = input_schema(operation)
    names = {name: field.serialization_alias or name for name, field in operation.model_fields.items()}
    arguments = {names[name]: told for name, told in schema["properties"].items()}
    required = [names[name] for name in schema.get("required", ())]
    in_path = re.findall(r"{(\w+)}", operation.spec.path)
    in_query = operation.spec.method == "GET"
    outside = [name for name in arguments if in_query or name in in_path]
    described: Json = {
        "operationId": operation.spec.name,
        "summary": operation.spec.title,
        "description": operation.spec.description,
        "parameters": [
            {"name": name, "in": "path" if name in in_path else "query", "required": name in {*required, *in_path},
             "schema": arguments[name]}
            for name in outside
        ],
        "responses": _responses(_answer(operation)),
    }  # fmt: skip
    inside = {name: told for name, told in arguments.items() if name not in outside}
    return described | (_body(inside, [name for name in required if name in inside]) if inside else {})


def _answer(operation: type[Operation[Any]]) -> Json:
    """Records as Capgo's own file describes them: in an envelope, and with fields that may be null."""
    answer = operation.spec.answer
    row = answer.row() if issubclass(answer, Listing) else answer
    schema = output_schema(row)
    fields = {
        name: told | {"type": [told.get("type", "object"), "null"]} for name, told in schema["properties"].items()
    }
    record = {"type": "object", "properties": fields}
    if not issubclass(answer, Listing):
        return record
    return {"type": "object", "properties": {"data": {"type": "array", "items": record}}}


def _responses(schema: Json) -> Json:
    return {"200": {"description": "ok", "content": {"application/json": {"schema": schema}}}}


def _answered(described: Json) -> Json:
    schema: Json = described["responses"]["200"]["content"]["application/json"]["schema"]
    return schema


def _body(arguments: Json, required: list[str]) -> Json:
    schema = {"type": "object", "properties": arguments, "required": required}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _both(first: Json, second: Json) -> Json:
    """One operation that takes what either takes, needs what both need, and answers what either answers."""
    parameters = {one["name"]: one for one in (*second["parameters"], *first["parameters"])}
    needed = [{one["name"] for one in each["parameters"] if one["required"]} for each in (first, second)]
    both = first | {
        "description": f"{first['description']} {second['description']}",
        "parameters": [{**one, "required": name in needed[0] & needed[1]} for name, one in parameters.items()],
        "responses": _responses({"anyOf": [_answered(each) for each in (first, second)]}),
    }
    if "requestBody" not in first:
        return both
    bodies = [each["requestBody"]["content"]["application/json"]["schema"] for each in (first, second)]
    required = [name for name in bodies[0]["required"] if name in bodies[1]["required"]]
    return both | _body(bodies[1]["properties"] | bodies[0]["properties"], required)
