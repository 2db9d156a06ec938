"""The figures of the README are those of a run, and say when and where it was."""

import json
from typing import Any

from bench.peers.beside import FILE
from bench.peers.description import openapi
from capgo_mcp.api.operation import Operation
from capgo_mcp.operations import DEFAULT, declared_in
from scripts import beside


def test_table_tells_the_run() -> None:
    """Each server has its row, and the date and the machine stand above."""
    told = json.loads(FILE.read_text(encoding="utf-8"))
    section = beside.section()
    assert told["date"] in section
    assert told["machine"] in section
    assert all(f"| {name} | x" in section for name in told["servers"])


def test_wrapper_is_given_every_documented_operation() -> None:
    """What the wrapper reads has each endpoint of the documented API, with the arguments that it takes."""
    paths = openapi("http://localhost")["paths"]
    for operation in (operation for module in DEFAULT for operation in declared_in(module)):
        described = paths[operation.spec.path][operation.spec.method.lower()]
        told = {one["name"] for one in described["parameters"]}
        body = described.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
        told |= body.get("properties", {}).keys()
        assert wire_names(operation) <= told


def test_wrapper_is_told_that_an_endpoint_answers_a_list_or_a_single_row() -> None:
    """What is one tool for a list and one for a single row here may answer either there."""
    described = openapi("http://localhost")["paths"]["/device"]["get"]["responses"]["200"]
    listing, row = described["content"]["application/json"]["schema"]["anyOf"]
    assert listing["properties"].keys() == {"data"}
    assert row["properties"].keys() == listing["properties"]["data"]["items"]["properties"].keys()


def wire_names(operation: type[Operation[Any]]) -> set[str]:
    """The names of an operation's arguments as Capgo spells them."""
    return {field.serialization_alias or name for name, field in operation.model_fields.items()}
