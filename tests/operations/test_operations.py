"""Every operation keeps the promises that all operations make, and the documented API is covered."""

import json
import re
from collections import Counter
from typing import Any, Final

import anyio
import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from capgo_mcp.agent.generated import generated
from capgo_mcp.api.errors import CapgoError
from capgo_mcp.api.operation import Effect
from capgo_mcp.api.rights import HOLDERS
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.client.wire import write_request
from capgo_mcp.operations import DEFAULT, OPT_IN, declared_in, every, toolset
from capgo_mcp.sandbox import ADMIN_KEY, State, create_app, seeded
from tests.support import samples
from tests.support.data import DATA
from tests.support.samples import AnyOperation

TABLE: Final[dict[str, dict[str, Any]]] = {row["id"]: row for row in json.loads((DATA / "operations.json").read_text())}
TWO_TOOLS: Final = Counter({("POST", "/channel"): 1, ("PUT", "/organization"): 1, ("PUT", "/app/{}"): 1})
"""What has one tool more: a channel's rollout, an organization's policies, and what an app's devices may do."""

NOT_COVERED: Final = {
    "notif.proof",
    "notif.lookup",
    "notif.badge",
    "notif.campaigns.create",
}
"""Documented outside the public API pages: what the tools for pushes do as well, or what is no question of its own."""

EFFECTS: Final = {
    "read": Effect.READ,
    "create": Effect.CREATE,
    "update": Effect.CHANGE,
    "upsert": Effect.CHANGE,
    "delete": Effect.DELETE,
    "external call": Effect.CREATE,  # a repeat delivers twice
    "read with side effects": Effect.CHANGE,
    "stream": Effect.CHANGE,  # leaving it cancels a build that has not ended
}
REFUSED_BY_CAPGO: Final = {"capgo_create_api_key": "cannot_create_apikey"}
"""Tools whose good calls are refused all the same, and how."""


def endpoint(method: str, path: str) -> tuple[str, str]:
    """A route, whatever the arguments in its path are called."""
    return method, re.sub(r"{\w+}", "{}", path)


def tools_of(row: dict[str, Any]) -> list[AnyOperation]:
    """What covers a row of the contract, together with the rows of the same route."""
    route = endpoint(row["method"], row["path"])
    return [operation for operation in every() if endpoint(operation.spec.method, operation.spec.path) == route]


def to_be_covered(row: dict[str, Any]) -> bool:
    """Whether a row of the contract is documented or useful, and not left out for a reason."""
    public = row["in_seeds"] or row["in_docs"] or row["in_openapi"] or row["expose"] == "extended"
    console = row["id"].startswith("private.") and row["expose"] != "extended"
    return public and row["id"] not in NOT_COVERED and not console


each = pytest.mark.parametrize("operation", every(), ids=lambda operation: operation.spec.name)


@each
def test_name_follows_the_rule_that_every_client_accepts(operation: AnyOperation) -> None:
    """A tool is called capgo_ and a verb, in at most 40 characters."""
    assert re.fullmatch(r"[a-z][a-z0-9_]{0,39}", operation.spec.name)
    assert operation.spec.name.startswith("capgo_")


def test_names_are_unique() -> None:
    """No two operations make the same tool."""
    names = [operation.spec.name for operation in every()]
    assert len(names) == len(set(names))


@each
def test_description_is_there_and_short(operation: AnyOperation) -> None:
    """A description is sentences, not a manual."""
    description = operation.spec.description
    assert description.endswith(".")
    assert len(description) <= 300
    assert operation.spec.title[:1].isupper()


@each
def test_permission_is_one_that_capgo_knows(operation: AnyOperation) -> None:
    """A refusal can name who holds the permission; any key may check the health and look into the stores."""
    free = {"capgo_check_health", "capgo_get_store_metadata"}
    assert (operation.spec.needs in HOLDERS) != (operation.spec.name in free)


@each
def test_toolset_is_the_module(operation: AnyOperation) -> None:
    """An operation belongs to the toolset of the module it stands in."""
    modules = [module for module in (*DEFAULT, *OPT_IN) if operation in declared_in(module)]
    assert [toolset(module) for module in modules] == [operation.spec.toolset]


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)
def test_documented_and_useful_rows_of_the_contract_have_a_tool(row: dict[str, Any]) -> None:
    """Whatever the public pages or the OpenAPI document show is a tool, and so is what is marked as useful."""
    assert bool(tools_of(row)) == to_be_covered(row)


def test_each_tool_covers_exactly_one_row() -> None:
    """There is no tool beside the contract, and none covers two rows."""
    rows = Counter(endpoint(row["method"], row["path"]) for row in TABLE.values() if to_be_covered(row))
    assert Counter(endpoint(one.spec.method, one.spec.path) for one in every()) == rows + TWO_TOOLS


@pytest.mark.parametrize("row", TABLE.values(), ids=TABLE)
def test_effect_is_that_of_the_contract(row: dict[str, Any]) -> None:
    """A tool does what the contract's row says; what cannot be undone counts as a deletion."""
    effect = Effect.DELETE if row["irreversible"] and row["effect"] == "update" else EFFECTS.get(row["effect"])
    assert {tool.spec.effect for tool in tools_of(row)} <= {effect}


@pytest.mark.parametrize("row", [row for row in TABLE.values() if row["in_docs"]], ids=lambda row: row["id"])
def test_documented_operations_are_on_by_default(row: dict[str, Any]) -> None:
    """A user need not ask for the documented API; what sends pushes to people is opt-in."""
    default = {operation for module in DEFAULT for operation in declared_in(module)}
    tools = set(tools_of(row))
    assert not tools or tools & default or row["id"].startswith("notif.")


@each
def test_annotations_follow_from_the_effect(operation: AnyOperation) -> None:
    """The hints that clients ask consent by are all set and true to the effect."""
    hints = generated(operation).annotations
    effect = operation.spec.effect
    assert hints is not None
    assert hints.read_only_hint is (effect is Effect.READ)
    assert hints.destructive_hint is (effect in {Effect.CHANGE, Effect.DELETE})
    assert hints.idempotent_hint is (effect is not Effect.CREATE)
    assert hints.open_world_hint is True


@each
def test_what_deletes_takes_confirm(operation: AnyOperation) -> None:
    """A deletion, and a change with dangerous values, has the argument confirm; nothing else has it."""
    offered = "confirm" in samples.input_schema(operation)["properties"]
    assert offered == (operation.spec.effect is Effect.DELETE or bool(operation.guards()))
    assert "confirm" not in samples.input_schema(operation).get("required", [])


@each
@pytest.mark.parametrize("arguments", [samples.required, samples.full], ids=["required", "full"])
def test_good_arguments_make_a_request(operation: AnyOperation, arguments: Any) -> None:
    """Each operation can be written: the path is filled in and the body is JSON."""
    request = write_request(operation.model_validate(arguments(operation)))
    assert request.method == operation.spec.method
    assert "{" not in request.path
    assert request.body is None or (request.method != "GET" and isinstance(json.loads(request.body), dict))


@each
async def test_sandbox_answers_the_least_call(operation: AnyOperation, capgo: Capgo) -> None:
    """With good required arguments the sandbox gives the typed answer of the operation."""
    sent = operation.model_validate(samples.required(operation))
    expected = REFUSED_BY_CAPGO.get(operation.spec.name) or _nothing_to_do(operation)
    if expected:
        with pytest.raises(CapgoError) as caught:
            await capgo.send(sent)
        assert caught.value.code == expected
    else:
        assert type(await capgo.send(sent)) is operation.spec.answer


def _nothing_to_do(operation: AnyOperation) -> str:
    """How a call is refused that gives no field to change."""
    codes = {
        "capgo_set_bundle_metadata": "no_fields_to_update",
        "capgo_update_app": "invalid_json_parse_body",
        "capgo_set_app_settings": "invalid_json_parse_body",
        "capgo_update_webhook": "no_updates",
    }
    return codes.get(operation.spec.name, "")


@each
async def test_sandbox_answers_the_fullest_call(operation: AnyOperation, capgo: Capgo) -> None:
    """With every argument at once the answer is typed or a refusal that Capgo has a code for."""
    sent = operation.model_validate(samples.full(operation))
    try:
        assert type(await capgo.send(sent)) is operation.spec.answer
    except CapgoError as error:
        assert not error.code.startswith("http_")  # noqa: PT017 - either outcome is right


@each
async def test_answer_fills_the_fields_it_declares(operation: AnyOperation, state: State, capgo: Capgo) -> None:
    """A read of seeded data brings rows, so that the checks on their form check something."""
    if operation.spec.effect is not Effect.READ:
        return
    answer = await capgo.send(operation.model_validate(samples.required(operation)))
    facts = answer.model_dump(exclude_none=True)
    assert facts
    assert state.apps
    for row in facts.get("items", ()):
        assert row


_WRONG: Final[list[Any]] = [
    None,
    True,
    False,
    0,
    -1,
    1.5,
    "",
    " ",
    "x",
    "com.demo.app",
    "../..",
    "a\x00b",
    [],
    {},
    "true",
    "2026",
]


def _values(operation: AnyOperation, name: str) -> st.SearchStrategy[Any]:
    good = samples.value(operation, name)
    return st.sampled_from([good, *_WRONG]) | st.text(max_size=20) | st.integers(-10, 10**7)


@each
@settings(max_examples=5, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_argument_that_passes_validation_crashes_the_sandbox(operation: AnyOperation, data: st.DataObject) -> None:
    """Whatever the schema lets through is answered, or refused with a code."""
    arguments = samples.required(operation)
    fields = sorted(operation.model_fields)
    for name in data.draw(st.sets(st.sampled_from(fields), max_size=3) if fields else st.just(set())):
        arguments[name] = data.draw(_values(operation, name))
    try:
        sent = operation.model_validate(arguments)
    except ValidationError:
        return

    async def ask() -> None:
        async with Capgo(ADMIN_KEY, url="http://sandbox.invalid", transport=_transport()) as client:
            try:
                assert type(await client.send(sent)) is operation.spec.answer
            except CapgoError as error:
                assert str(error)  # noqa: PT017 - either outcome is right

    anyio.run(ask)


def _transport() -> httpx2.ASGITransport:
    return httpx2.ASGITransport(app=create_app(seeded()))
