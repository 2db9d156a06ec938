"""The key appears in no answer, error, log, journal or trace, however a host writes it into what it answers."""

import json
import logging
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest
from mcp import MCPError
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.support import samples
from tests.support.connected import connected
from tests.support.keys import KEY, LEGACY, disguises, found
from tests.support.safety import answering, desk, named

AGAINST: Final = "a host that writes the key into its answers"
HOLDS: Final = ("The key", "The key never leaves")
ATTACKER: Final = "a host in Capgo's place"
ASSET: Final = "the key"
LEAVES: Final = ("Capgo is believed",)

TOOLS: Final = ("capgo_get_app", "capgo_list_channels", "capgo_set_channel", "capgo_delete_app")


def bodies(writing: str) -> dict[str, tuple[int, Any]]:
    """Answers that hold a writing of the key wherever an answer can hold a text."""
    row = dict.fromkeys(("app_id", "name", "icon_url", "owner_org", "rollout_pause_reason"), writing)
    issues = {"error": {"issues": [{"path": [writing], "message": writing}]}, "reason": writing, "data": writing}
    return {
        "row": (200, row),
        "rows": (200, [{"id": 1, **row}]),
        "names": (200, {"app_id": "com.demo.app", "transfer_history": [{writing: {writing: writing}}]}),
        "refusal": (400, {"error": "weird_thing", "message": writing, "moreInfo": issues}),
        "code": (400, {"error": writing, "message": "no"}),
        "word": (400, {"error": writing.replace("-", "_").replace(".", "_").replace(":", "_")}),
        "old refusal": (500, {"error": writing, "status": "KO"}),
    }


def escaped(body: Any) -> bytes:
    """The body with every character of its texts as a JSON escape."""
    text = json.dumps(body, ensure_ascii=False)
    return "".join(f"\\u{ord(c):04x}" if c.isalnum() and f'"{c}' else c for c in text).encode()


@pytest.mark.parametrize("key", [KEY, LEGACY], ids=["key", "legacy key"])
@pytest.mark.parametrize("place", bodies(""))
async def test_no_writing_of_the_key_reaches_the_agent(
    key: str, place: str, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """Neither in the result of a tool, nor in log and journal."""
    caplog.set_level(logging.DEBUG, "capgo_mcp")
    leaks = []
    journal = tmp_path / "journal"
    for name, writing in disguises(key).items():
        status, body = bodies(writing)[place]
        async with desk(key=key, inner=answering(status, body), reveal_secrets=True, journal=journal) as here:
            for tool in TOOLS:
                fields = samples.input_schema(named(tool))["properties"].get("fields", {}).get("items", {}).get("enum")
                given = samples.required(named(tool)) | ({"fields": fields} if fields else {})
                told = (await here.call(tool, given)).model_dump_json()
                leaks += [(name, tool, form) for form in found(key, json.dumps(json.loads(told), ensure_ascii=False))]
    assert leaks == []
    assert found(key, caplog.text) == []
    assert found(key, journal.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("status", [200, 400])
async def test_a_key_in_json_escapes_stays_here(status: int) -> None:
    """The body is masked after it was parsed, not before."""
    written = "".join(f"\\u{ord(c):04x}" for c in KEY)
    content = f'{{"app_id":"com.demo.app","name":"{written}","error":"{written}","message":"{written}"}}'.encode()
    headers = {"x-request-id": KEY.replace("-", ".")}
    echo = httpx2.MockTransport(lambda _: httpx2.Response(status, content=content, headers=headers))
    async with desk(key=KEY, inner=echo) as here:
        for tool in TOOLS:
            told = (await here.call(tool, samples.required(named(tool)))).model_dump_json()
            assert found(KEY, told) == []
        async with connected(here.capgo) as client:
            try:
                told = (await client.read_resource("capgo://apps/com.demo.app")).model_dump_json()
            except MCPError as error:
                told = f"{error.error.message} {error.error.data}"
            assert found(KEY, told) == []


@pytest.mark.parametrize("key", [KEY, LEGACY], ids=["key", "legacy key"])
async def test_no_trace_holds_the_key_or_a_word_made_of_it(key: str, spans: InMemorySpanExporter) -> None:
    """A span tells the code of an error only if it looks like one and shows no piece of the key."""
    for code in (key, key.replace("-", "_").replace(".", "_").replace(":", "_"), f"code_{key[:7]}"):
        async with desk(key=key, inner=answering(400, {"error": code, "message": code})) as here:
            await here.call("capgo_get_app", {"app_id": "com.demo.app"})
    assert [(span.attributes or {})["error.type"] for span in spans.get_finished_spans()] == ["http_400"] * 3


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("cannot_access_app", "cannot_access_app"),
        ("CANNOT_REMOVE_LAST_SUPER_ADMIN", "CANNOT_REMOVE_LAST_SUPER_ADMIN"),
        ("some_new_code", "some_new_code"),
        ("requires_2fa_soon", "requires_2fa_soon"),
        ("6c3f9a1e", "http_400"),
        ("a" * 80, "http_400"),
        ("x_8372948374", "http_400"),
        ("production\u200b", "http_400"),
        ("Cannot delete version", "http_400"),
    ],
)
async def test_a_code_is_shown_if_it_is_known_or_looks_like_one(code: str, shown: str) -> None:
    """What else stands there is data, and stands in quotes at most."""
    async with desk(key=KEY, inner=answering(400, {"error": code})) as here:
        assert (await here.error("capgo_get_app", app_id="com.demo.app")).startswith(f"[{shown}] ")
