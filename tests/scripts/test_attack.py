"""The attack of `make attack`: that it would see what it looks for, and is the same each time."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from attack import verdict
from attack.__main__ import Damage, calls, turns
from attack.faults import bodies
from attack.fuzz import Fuzzer
from attack.upstream import FUZZED, Upstream
from capgo_mcp.catalog import every_tool
from capgo_mcp.client.bounds import MAX_ANSWER
from tests.support.keys import KEY, disguises

TOOL: Final = "capgo_get_app"
ROW: Final = {"app_id": "com.demo.app", "name": "Demo app"}


def told(facts: dict[str, Any], text: str | None = None, **more: Any) -> dict[str, Any]:
    """An answer to a call of a tool."""
    content = [{"type": "text", "text": json.dumps(facts) if text is None else text}]
    return {"result": {"content": content, "structuredContent": facts, **more}}


def test_every_tool_meets_every_fault() -> None:
    """Those of toolsets that are off by default included, and all of them again with the fuzzer."""
    names = {tool.spec.name for tool in every_tool()}
    whole = turns(None)
    assert {*whole} >= {"HEALTHY", "RESET", "BAD_KEY", "LIGATURES", "KEY HEX", FUZZED}
    assert all({tool for tool, _ in these} == names for these in whole.values())


def test_a_short_run_meets_every_fault_and_every_tool() -> None:
    """It is spread over both, not cut off after the first."""
    short = turns(400)
    assert short.keys() == turns(None).keys()
    assert {tool for these in short.values() for tool, _ in these} == {tool for tool, _ in calls()}
    assert sum(map(len, short.values())) < 1000


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"error": "no answer within 30 seconds"}, "no answer within 30 seconds"),
        (told({}, "[internal_error] It failed.", isError=True), "an internal error"),
        (told(ROW, '{"app_id": "com.other.app"}'), "two channels that differ"),
        (told(ROW | {"created_at": []}), "an answer against its schema"),
        (told(ROW | {"name": "x" * 60_000}), "an answer of 60,"),
    ],
)
def test_an_answer_that_no_server_should_give_is_seen(answer: dict[str, Any], why: str) -> None:
    """In whatever way it is wrong."""
    assert [said for said in verdict.crashes(TOOL, answer) if said.startswith(why)] != []


@pytest.mark.parametrize("answer", [told(ROW), told({}, "[not_found] There is no such app.", isError=True)])
def test_a_good_answer_is_not_taken_for_a_crash(answer: dict[str, Any]) -> None:
    """Neither facts nor a refusal in words."""
    assert [*verdict.crashes(TOOL, answer)] == []


@pytest.mark.parametrize("name", disguises(KEY))
@pytest.mark.parametrize("place", ["stdout", "stderr", "journal"])
def test_the_key_is_seen_wherever_it_is_written(tmp_path: Path, place: str, name: str) -> None:
    """In whatever disguise, and however JSON writes it."""
    for one in ("stdout", "stderr", "journal"):
        (tmp_path / one).write_text('{"nothing": 1}\n', encoding="utf-8")
    assert [*verdict.leaks(KEY, tmp_path)] == []
    inner = json.dumps({"name": disguises(KEY)[name]}, ensure_ascii=False)
    (tmp_path / place).write_text(json.dumps({"text": inner}) + "\n", encoding="utf-8")
    assert [*verdict.leaks(KEY, tmp_path)] != []


@pytest.mark.parametrize(
    "damage",
    [
        Damage(),
        Damage(cells=1, memory=200.0),
        Damage(cells=1, silence=1.0),
        Damage(cells=1, crashes=Counter("x")),
        Damage(cells=1, doubled=Counter("x")),
        Damage(cells=1, leaks=Counter("x")),
    ],
)
def test_what_is_missed_is_told(damage: Damage) -> None:
    """Each figure by itself fails the attack, and so does an attack that called nothing."""
    assert [well for _, well in damage.figures().values()].count(False) == 1
    assert all(well for _, well in Damage(cells=1, memory=199.0, silence=0.9).figures().values())


def test_the_fuzzer_repeats_itself() -> None:
    """The same answer comes out the same in another process, whatever was asked between; another one does not."""
    first, second = (Fuzzer([*disguises(KEY).values()]) for _ in range(2))
    numbers = [f"GET /app {number}" for number in range(200)]
    body = json.dumps([ROW] * 3).encode()
    made = [first.answer(number, 200, body) for number in numbers]
    assert made == [second.answer(number, 200, body) for number in reversed(numbers)][::-1]
    assert len({*made}) > 150
    assert max(len(content) for _, content in made) < MAX_ANSWER


def test_bodies_are_as_large_as_they_may_be() -> None:
    """Most of those that are made to be costly pass the bound on bytes, so that they are read at all."""
    sizes = [len(body) for body in bodies().values()]
    assert sum(size <= MAX_ANSWER for size in sizes) == len(sizes) - 1
    assert sum(size > MAX_ANSWER // 2 for size in sizes) > len(sizes) // 2


async def _sent(upstream: Upstream, **headers: str) -> bytes:
    """What it answers to a write."""
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0)
    async with server, httpx2.AsyncClient(trust_env=False) as client:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/channel"
        answer = await client.request(
            "DELETE", url, json={"app_id": "com.demo.app", "channel": "beta"}, headers=headers
        )
    return answer.content


async def test_a_write_that_comes_twice_is_seen() -> None:
    """Unless the first one was refused for the number of calls, and so not done."""
    upstream = Upstream()
    for name, times in {"BROKEN": 1, "BUSY": 0}.items():
        upstream.turn(name)
        for _ in range(2):
            await _sent(upstream, **{"x-request-id": "one"})
        await _sent(upstream, **{"x-request-id": "other"})
        assert len(upstream.turn("")) == times
