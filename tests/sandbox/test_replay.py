"""The sandbox answers as the real backend did, call by call, in the order it was asked."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from capgo_mcp.sandbox import create_app
from tests.support.data import DATA
from tests.support.recorded_world import (
    HAPPENED,
    SILENT,
    SUBKEYS,
    Clock,
    dynamic_key,
    recorded_world,
    slug,
    step_before,
    value_of,
)

Row = dict[str, Any]

RECORDS: list[Row] = [json.loads(line) for line in (DATA / "recorded.jsonl").read_text("utf-8").splitlines()]

_NEEDS_A_PERSON = "made by a signed-in person, and the sandbox knows only keys"
_NOT_REPLAYED = dict.fromkeys((447, 448, 449, 450, 452, 456, 469), _NEEDS_A_PERSON)

# Parts of a refusal that are a matter of the moment.
_VOLATILE = frozenset({"requestId", "rateLimitResetAt"})

# Details the recording cut short, or that count the rows of the recorded database.
_UNEQUAL = re.compile(r"\.\.\. \d+ more|only \d+ rows")

# Rows the audit log quotes: which ones come first depends on everything that ever happened.
_QUOTED = frozenset({"old_record", "new_record", "changed_fields"})


@pytest.fixture(scope="module")
async def answers() -> AsyncIterator[dict[int, httpx2.Response]]:
    """Make every recorded call once, in order, on one sandbox."""
    clock = Clock()
    state = recorded_world(clock)
    transport = httpx2.ASGITransport(app=create_app(state))
    async with httpx2.AsyncClient(transport=transport, base_url="https://sandbox.example.com") as client:
        given = {}
        for record in RECORDS:
            n = record["n"]
            clock.time += step_before(n)
            if n in HAPPENED:
                HAPPENED[n](state)
            for method, path, body in SILENT.get(n, ()):
                await client.request(method, path, json=body, headers={"capgkey": value_of("super")})
            given[n] = await _call(client, record)
        yield given


async def _call(client: httpx2.AsyncClient, record: Row) -> httpx2.Response:
    request, headers = record["request"], {}
    if auth := record["auth"]:
        name = dynamic_key(record["n"]) if auth["key"] == "dynamic" else auth["key"]
        headers[auth["header"]] = value_of(name)
    if record["n"] in SUBKEYS:
        headers["x-limited-key-id"] = SUBKEYS[record["n"]]
    body = request["body"]
    content = None if body is None else body if isinstance(body, str) else json.dumps(body)
    return await client.request(
        request["method"], request["path"], params=request["query"] or None, content=content, headers=headers
    )


@pytest.mark.parametrize(
    "record", [r for r in RECORDS if r["n"] not in _NOT_REPLAYED], ids=lambda r: f"{r['n']}-{slug(r['what'])}"
)
async def test_answer_is_the_recorded_one(answers: dict[int, httpx2.Response], record: Row) -> None:
    """Status, error, keys of the body, number of rows and headers of an answer are the recorded ones."""
    expected, given = record["response"], answers[record["n"]]
    assert given.status_code == expected["status"], given.text
    body: Any = given.json() if given.content else ""
    assert _shape(body) == _shape(expected["body"])
    if "items" in expected:
        assert len(_rows(body)) == expected["items"]
    if "error" in expected["body"]:
        assert _refusal(body, expected["body"]) == _refusal(expected["body"], expected["body"])
    if "retry-after" in expected["headers"]:
        assert given.headers["retry-after"] == expected["headers"]["retry-after"]
        assert "x-ratelimit-reset" in given.headers


def _rows(body: Any) -> list[Any]:
    rows: list[Any] = body if isinstance(body, list) else body["data"]
    return rows


def _shape(body: Any) -> Any:
    """Reduce a body to the keys of its objects and of the first row of its lists."""
    if isinstance(body, dict):
        return {
            name: "quoted" if name in _QUOTED else _shape(value) for name, value in body.items() if name != "moreInfo"
        }
    if isinstance(body, list):
        return [_shape(body[0])] if body and isinstance(body[0], dict) else "rows"
    return body if body is None or isinstance(body, bool) else "value"


def _refusal(body: Row, expected: Row) -> Row:
    """Keep of a refusal what can be compared: its details too, unless the recording cut them short."""
    more = {name: value for name, value in body.get("moreInfo", {}).items() if name not in _VOLATILE}
    return {**body, "moreInfo": sorted(more) if _UNEQUAL.search(json.dumps(expected)) else more}
