"""Whatever an agent sends and whatever an upstream answers: nothing is destroyed unasked, and nothing breaks."""

import functools
import itertools
import json
import math
from typing import Any, Final

import httpx2
import jsonschema  # type: ignore[import-untyped]  # its stubs are a distribution of their own
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capgo_mcp.agent.definitions import stored
from capgo_mcp.api.answers import Listing
from capgo_mcp.api.text import compact
from capgo_mcp.operations import every
from capgo_mcp.operations.apps import DAY
from capgo_mcp.sandbox import ADMIN_KEY
from tests.support import samples
from tests.support.safety import Desk, Facts, desk, name_of, named, text
from tests.support.samples import AnyOperation

EXAMPLES: Final = 4
relaxed = settings(max_examples=EXAMPLES, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
each = pytest.mark.parametrize("operation", every(), ids=name_of)

TEXTS: Final = st.one_of(
    st.text(max_size=20),
    st.sampled_from(["", "KO", "ok", "\u202e\u200b\x00", "2026-11-21T19:24:00+00", "9999999-13-99", "x" * 2000]),
)
SCALARS: Final = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS)
JSON: Final = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=4,
)
ERRORS: Final = st.fixed_dictionaries(
    {},
    optional={
        "error": st.one_of(TEXTS, st.sampled_from(["cannot_get_bundle", "invalid_apikey", "no_rights"]), JSON),
        "message": st.one_of(TEXTS, JSON),
        "status": st.one_of(TEXTS, JSON),
        "moreInfo": st.one_of(
            JSON,
            st.fixed_dictionaries({"error": st.fixed_dictionaries({"issues": JSON})}),
            st.fixed_dictionaries({"supabaseError": JSON, "reason": JSON, "data": JSON}),
        ),
    },
)
ODD: Final = (
    b"",
    b"\xff\xfe\x00",
    b"<html>",
    b'{"data":[{"name":NaN}],"nextCursor":{}}',
    b"1e999",
    b"1" * 5000,
)
DEEP: Final = (b"[" * 100_000, b'{"a":' * 100_000)
HALF: Final = (
    b'{"message":"\\ud800"}',
    b'{"error":"some_refusal","message":"\\ud800","moreInfo":{"reason":"\\udfff"}}',
    b'{"id":"\\ud800","app_id":"\\ud800","name":"\\udfff","items":[]}',
    b'[{"id":"\\ud800","app_id":"\\ud800","name":"\\udfff"}]',
)
"""Texts with half a character, which JSON can hold and UTF-8 cannot."""
HEADERS: Final = st.fixed_dictionaries(
    {},
    optional={
        "x-request-id": st.sampled_from(["abc", "x" * 4000, "a b\tc", "\u00ff\u00fe"]),
        "retry-after": st.sampled_from(["", "soon", "-5", "1e9", "nan", "inf", "0"]),
        "location": st.sampled_from(["https://elsewhere.example.com/", "//elsewhere.example.com", "::"]),
        "content-type": st.sampled_from(["text/html", "application/json; charset=nonsense"]),
    },
)
STATUSES: Final = st.sampled_from([200, 200, 200, 200, 201, 204, 206, 301, 307, 400, 401, 403, 404, 409, 429, 500, 503])


@functools.cache
def bodies(operation: AnyOperation) -> st.SearchStrategy[bytes]:
    """What might come as the body of an answer: near to what is right, or anything."""
    answer = operation.spec.answer
    model = answer.row() if issubclass(answer, Listing) else answer
    row = st.dictionaries(st.sampled_from(sorted(model.model_fields) or ["id"]), JSON, max_size=4)
    shapes = st.one_of(row, st.lists(row | JSON, max_size=3), st.fixed_dictionaries({operation.spec.envelope: JSON}))
    rows = row.map(lambda one: [{**one, "id": number} for number in range(60)])
    return st.one_of(st.one_of(shapes, rows, ERRORS, JSON).map(_as_bytes), st.sampled_from(ODD), st.binary(max_size=20))


def _as_bytes(body: Any) -> bytes:
    return json.dumps(body).encode()


@functools.cache
def answers(operation: AnyOperation) -> st.SearchStrategy[list[tuple[int, bytes, dict[str, str]]]]:
    """What an upstream gives to one request after another."""
    return st.lists(st.tuples(STATUSES, bodies(operation), HEADERS), min_size=1, max_size=4)


CONSENTS: Final[st.SearchStrategy[Any]] = st.sampled_from(
    [True, True, False, None, "true", "false", 0, 1, "yes please", [], {}]
)


CONSENT: Final = {"confirm": True, "confirm_name": "sample"}
STEERING: Final[dict[str, st.SearchStrategy[Any]]] = {
    "confirm": CONSENTS,
    "confirm_name": st.sampled_from(["sample", "Sample", "", None, 7]),
    "retention": st.sampled_from([0, 30, DAY, "30", 30.0, -1]),
    "detach_bundle": st.sampled_from([True, True, False, "true", 1, "builtin"]),
}
"""Arguments that decide whether something is destroyed."""


@functools.cache
def calls(operation: AnyOperation) -> st.SearchStrategy[Facts]:
    """Arguments: right ones, with some left out, replaced by anything, spelled otherwise or unheard of."""
    right, needed = samples.full(operation), samples.required(operation)
    offered = stored(operation.spec.name).input_schema["properties"]
    aliases = [field.serialization_alias for field in operation.model_fields.values() if field.serialization_alias]
    names = st.sampled_from([*right, *aliases, "confirm", "fields", "limitt", "appId", "APP_ID"])
    kept = st.sets(st.sampled_from(sorted(right))) if right else st.just(set[str]())
    return st.builds(
        _arguments,
        st.one_of(st.just(needed), st.just(right), kept.map(lambda some: needed | _only(right, some))),
        st.one_of(st.just({}), st.just({}), st.just({}), st.dictionaries(names, JSON, max_size=1)),
        st.fixed_dictionaries({}, optional={name: STEERING[name] for name in STEERING if name in offered}),
    )


def _only(right: Facts, some: set[str]) -> Facts:
    return {name: value for name, value in right.items() if name in some}


def _arguments(*parts: Facts) -> Facts:
    return {name: value for part in parts for name, value in part.items()}


def destroys(request: httpx2.Request) -> bool:
    """Whether a request does lasting damage, judged by what goes over the wire alone."""
    body = json.loads(request.content or b"{}")
    kept_for = body.get("retention", DAY)
    return (
        request.method == "DELETE"
        or request.url.path.startswith("/build/cancel")
        or (request.url.path == "/channel" and body.get("version", "1.0.0") in ("builtin", "unknown", "", None))
        or (request.url.path.startswith("/app/") and (not isinstance(kept_for, int) or kept_for < DAY))
    )


def upstream(given_answers: list[tuple[int, bytes, dict[str, str]]]) -> httpx2.MockTransport:
    """An upstream that gives these answers in turn, over and over."""
    turns = itertools.cycle(given_answers)

    def answer(_: httpx2.Request) -> httpx2.Response:
        status, content, headers = next(turns)
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        return httpx2.Response(status, content=content, headers=raw)

    return httpx2.MockTransport(answer)


def check_consent(operation: AnyOperation, arguments: Facts, here: Desk) -> None:
    """Nothing destructive was sent without `confirm: true` and, where so much goes, the name."""
    for request in here.wire.seen:
        assert str(request.url).startswith("http://sandbox.invalid/")
        if destroys(request):
            assert arguments.get("confirm") is True
            assert not operation.spec.by_name or isinstance(arguments.get("confirm_name"), str)


def check_result(operation: AnyOperation, result: Any) -> None:
    """The result is an error in our form, or valid against the schema and the same in both channels."""
    said = text(result)
    assert ADMIN_KEY not in result.model_dump_json()
    if result.is_error:
        assert said.startswith("[")
        assert not said.startswith("[internal_error]")
        return
    facts = result.structured_content
    jsonschema.validate(facts, stored(operation.spec.name).output_schema)
    assert said == compact(facts)
    assert json.loads(said, parse_constant=_no_json) == facts


def _no_json(constant: str) -> float:
    pytest.fail(f"{constant} is no JSON")
    return math.nan


@each
@relaxed
@given(data=st.data())
async def test_nothing_is_destroyed_unasked_and_nothing_breaks(operation: AnyOperation, data: st.DataObject) -> None:
    """Any arguments and any answers: no write without its consent, no crash, a valid result, and no key in it."""
    arguments = data.draw(calls(operation), label="arguments")
    inner = upstream(data.draw(answers(operation), label="answers"))
    async with desk(inner=inner) as here:
        result = await here.call(operation.spec.name, arguments)
        check_consent(operation, arguments, here)
        check_result(operation, result)


@each
@relaxed
@given(data=st.data())
async def test_good_calls_survive_any_answer(operation: AnyOperation, data: st.DataObject) -> None:
    """A call with all it needs, consent included, ends in a valid result or an error whatever comes back."""
    arguments = samples.full(operation) | consenting(operation)
    inner = upstream([(200, body, {}) for body in data.draw(st.lists(bodies(operation), min_size=1, max_size=3))])
    async with desk(inner=inner) as here:
        result = await here.call(operation.spec.name, arguments)
        check_result(operation, result)


def consenting(operation: AnyOperation) -> Facts:
    """Arguments with which a call is sent, as far as flags decide that."""
    offered = stored(operation.spec.name).input_schema["properties"]
    return samples.required(operation) | {name: value for name, value in CONSENT.items() if name in offered}


@each
async def test_odd_bodies_break_nothing(operation: AnyOperation) -> None:
    """Bytes that are no JSON, or JSON that no program should send, end in an error of ours or a valid result."""
    for status, body in itertools.product((200, 403), (*ODD, *DEEP, b"{}", b"[]", b"null", b'{"message":"no"}')):
        async with desk(inner=upstream([(status, body, {})])) as here:
            check_result(operation, await here.call(operation.spec.name, consenting(operation)))


@pytest.mark.parametrize("status", [200, 400, 403, 500])
@pytest.mark.parametrize("body", HALF, ids=range(len(HALF)))
@pytest.mark.parametrize("tool", ["capgo_get_app", "capgo_list_apps", "capgo_set_channel", "capgo_delete_channel"])
async def test_half_a_character_breaks_nothing(tool: str, body: bytes, status: int) -> None:
    """A lone surrogate in an answer does not reach the result, which could not be sent with it."""
    operation = named(tool)
    async with desk(inner=upstream([(status, body, {})])) as here:
        check_result(operation, await here.call(tool, consenting(operation)))
