"""Who did it: logs, the journal and spans name the caller and the request, and join the trace that a front began."""

import json
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import anyio
import httpx2
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import format_trace_id

from capgo_mcp.client.key import StaticKey
from capgo_mcp.client.origin import key_name
from capgo_mcp.config.credentials import NoKey
from capgo_mcp.config.settings import Settings
from capgo_mcp.http.authentication import new_token
from capgo_mcp.http.serve import application
from capgo_mcp.http.settings import HttpSettings
from capgo_mcp.sandbox import ADMIN_KEY, DEVELOPER_KEY, READER_KEY, State, create_app
from capgo_mcp.sandbox.seed.people import DEMO_APP
from tests.support.limits import GENEROUS
from tests.support.serving import LEGACY, MODERN, Caller, Facts, Running, request, running, served, wait_until

each_era = pytest.mark.parametrize("era", [LEGACY, MODERN])

TRACE: Final = "0af7651916cd43dd8448eb211c80319c"
OTHER_TRACE: Final = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_a_key_is_called_by_its_hash() -> None:
    """What stands for a key can be found out from the key with common tools, as the documentation says."""
    assert key_name("abc") == "key:ba7816bf8f01cfea"


def parent(trace: str) -> str:
    """A `traceparent` of a trace."""
    return f"00-{trace}-b7ad6b7169203331-01"


@pytest.fixture
def upstream(state: State) -> Iterator[str]:
    """The address of a sandbox."""
    with served(create_app(state)) as url:
        yield url


@pytest.fixture
async def http() -> AsyncIterator[httpx2.AsyncClient]:
    """Connections for callers."""
    async with httpx2.AsyncClient(timeout=GENEROUS) as client:
        yield client


async def answered(
    http: httpx2.AsyncClient, url: str, tool: str, headers: dict[str, str], era: str = MODERN
) -> httpx2.Response:
    """The HTTP answer to a tool call."""
    body, needed = request("tools/call", {"name": tool, "arguments": {}}, era=era)
    return await http.post(url, json=body, headers=needed | headers)


def lines(server: Running, tool: str, count: int) -> list[Facts]:
    """What a server with JSON logs wrote about calls of a tool, once it wrote so many lines."""

    def written() -> list[Facts]:
        return [line for text in server.log.splitlines() if (line := json.loads(text)).get("tool") == tool]

    wait_until(lambda: len(written()) >= count)
    return written()


@each_era
async def test_a_line_names_caller_request_and_trace(
    tmp_path: Path, upstream: str, http: httpx2.AsyncClient, era: str
) -> None:
    """The log line of a call has the hash of the key, the id that the answer carries, and the front's trace."""
    with running(tmp_path, "--log-format", "json", CAPGO_API_URL=upstream) as server:
        headers = {"x-capgo-api-key": ADMIN_KEY, "traceparent": parent(TRACE)}
        answer = await answered(http, server.url, "capgo_list_apps", headers, era)
        (line,) = lines(server, "capgo_list_apps", 1)
    assert line["caller"] == key_name(ADMIN_KEY)
    assert line["request_id"] == answer.headers["x-request-id"]
    assert line["trace_id"] == TRACE


async def test_callers_at_the_same_time_are_told_apart(tmp_path: Path, upstream: str, http: httpx2.AsyncClient) -> None:
    """However calls overlap, each line has the caller and the id of its own request."""
    sent: dict[str, str] = {}
    with running(tmp_path, "--log-format", "json", CAPGO_API_URL=upstream) as server:
        async with anyio.create_task_group() as tasks:
            for number in range(24):
                key = (ADMIN_KEY, DEVELOPER_KEY, READER_KEY)[number % 3]
                sent[name := uuid.uuid4().hex] = key_name(key)
                headers = {"x-capgo-api-key": key, "x-request-id": name}
                era = (LEGACY, MODERN)[number % 2]
                tasks.start_soon(answered, http, server.url, "capgo_list_apps", headers, era)
        told = {line["request_id"]: line["caller"] for line in lines(server, "capgo_list_apps", len(sent))}
    assert told == sent


async def test_the_holder_of_a_token_is_named(tmp_path: Path, http: httpx2.AsyncClient) -> None:
    """Who holds a token is named by it, and no value in a line can be taken for another one."""
    token, line = new_token("Ada L")
    tokens = tmp_path / "tokens"
    tokens.write_text(line, encoding="utf-8")
    with running(tmp_path, "--sandbox", "--bearer-tokens", str(tokens)) as server:
        answer = await answered(http, server.url, "capgo_list_apps", {"authorization": f"Bearer {token}"})
        wait_until(lambda: "capgo_list_apps" in server.log)
    (told,) = [line for line in server.log.splitlines() if "capgo_list_apps" in line]
    assert told.endswith(f'ms request_id={answer.headers["x-request-id"]} caller="Ada L"')


@pytest.mark.parametrize("given", ["", "short", "x" * 65, "with space", "quote'quote", "line%0abreak", "é" * 9])
async def test_an_odd_id_is_not_taken_over(http: httpx2.AsyncClient, given: str) -> None:
    """An id from outside that Capgo would not take over either is replaced; a good one comes back."""
    with served(application(Settings(key=StaticKey(READER_KEY), sandbox=True), HttpSettings())) as url:
        odd = await http.get(f"{url}/healthz", headers={b"x-request-id": given.encode()})
        good = await http.get(f"{url}/healthz", headers={"x-request-id": "Front-1234=_"})
    assert uuid.UUID(odd.headers["x-request-id"]).version == 4
    assert good.headers["x-request-id"] == "Front-1234=_"


@each_era
async def test_the_journal_names_caller_and_request(
    tmp_path: Path, state: State, http: httpx2.AsyncClient, era: str
) -> None:
    """A line of the journal has the ids of the log, and Capgo was told the same; a repeated id harms nothing."""
    heard: list[str] = []
    app = create_app(state)

    async def listening(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["method"] == "POST":
            heard.append(dict(scope["headers"])[b"x-request-id"].decode())
        await app(scope, receive, send)

    journal = tmp_path / "journal"
    headers = {"x-capgo-api-key": ADMIN_KEY, "x-request-id": "front-0001", "traceparent": parent(TRACE)}
    with ExitStack() as stack:
        settings = Settings(key=NoKey(), url=stack.enter_context(served(listening)), journal=journal)
        url = stack.enter_context(served(application(settings, HttpSettings())))
        caller = Caller(http, f"{url}/mcp", headers, era)
        for emulator in (False, True):
            await caller.facts("capgo_set_channel", app_id=DEMO_APP, channel="beta", allow_emulator=emulator)
    told = [json.loads(line) for line in journal.read_text(encoding="utf-8").splitlines()]
    assert [(line["outcome"], line["caller"], line["request_id"], line["trace_id"]) for line in told] == [
        ("done", key_name(ADMIN_KEY), "front-0001", TRACE)
    ] * 2
    assert heard == ["front-0001"] * 2


@each_era
async def test_spans_join_the_trace_of_the_front(
    upstream: str, http: httpx2.AsyncClient, spans: InMemorySpanExporter, era: str
) -> None:
    """The span of a call and those of its requests are in the trace of the header, and name the caller."""
    with served(application(Settings(key=NoKey(), url=upstream), HttpSettings())) as url:
        headers = {"x-capgo-api-key": ADMIN_KEY, "x-request-id": "front-0001", "traceparent": parent(TRACE)}
        await Caller(http, f"{url}/mcp", headers, era).facts("capgo_list_apps")
    told = {span.name: span for span in spans.get_finished_spans()}
    for name in ("tools/call capgo_list_apps", "GET /app"):
        assert format_trace_id(told[name].context.trace_id) == TRACE
        attributes = dict(told[name].attributes or {})
        assert attributes["capgo.caller"] == key_name(ADMIN_KEY)
        assert attributes["capgo.request_id"] == "front-0001"


async def test_a_trace_in_the_message_goes_first(
    upstream: str, http: httpx2.AsyncClient, spans: InMemorySpanExporter
) -> None:
    """The client's own trace, which comes in the message, is joined rather than that of a front."""
    body, headers = request("tools/call", {"name": "capgo_list_apps", "arguments": {}})
    body["params"]["_meta"]["traceparent"] = parent(OTHER_TRACE)
    headers |= {"x-capgo-api-key": ADMIN_KEY, "traceparent": parent(TRACE)}
    with served(application(Settings(key=NoKey(), url=upstream), HttpSettings())) as url:
        await http.post(f"{url}/mcp", json=body, headers=headers)
    told = {span.name: span for span in spans.get_finished_spans()}
    assert format_trace_id(told["GET /app"].context.trace_id) == OTHER_TRACE
