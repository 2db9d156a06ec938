"""The HTTP server as a process: its end, its logs, and several of it behind one address."""

import itertools
import json
import signal
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import anyio
import anyio.abc
import anyio.to_thread
import httpx2
import mcp_types as t
import pytest
from mcp import Client
from mcp.client import ClientRequestContext
from mcp.client.streamable_http import streamable_http_client
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from capgo_mcp.commands.cli import main
from capgo_mcp.config.credentials import NoKey
from capgo_mcp.config.settings import Settings
from capgo_mcp.http.serve import application
from capgo_mcp.http.settings import HttpSettings
from capgo_mcp.sandbox import ADMIN_KEY, READER_KEY, State, create_app
from capgo_mcp.sandbox.seed.people import DEMO_APP
from tests.support.limits import GENEROUS
from tests.support.serving import LEGACY, MODERN, Caller, Running, request, running, served, wait_until

STATE_KEY: Final = "a-secret-that-every-replica-knows-0123456789"
KEY: Final = {"x-capgo-api-key": ADMIN_KEY}


@pytest.fixture
def upstream(state: State) -> Iterator[str]:
    """The address of a sandbox."""
    with served(create_app(state)) as url:
        yield url


async def test_finishes_running_calls_before_it_stops(tmp_path: Path) -> None:
    """Calls that run when the server is told to stop get their answers, in both eras; then the process ends."""
    asked = threading.Semaphore(0)

    async def slowly(_: Request) -> JSONResponse:
        asked.release()
        await anyio.sleep(0.7)
        return JSONResponse({"app_id": DEMO_APP, "name": "Slow", "owner_org": "o"})

    upstream = served(Starlette(routes=[Route("/{path:path}", slowly)]))
    with upstream as url, running(tmp_path, CAPGO_API_URL=url) as server:
        answers: list[Any] = []

        async def call(era: str) -> None:
            answers.append(await Caller(http, server.url, KEY, era).facts("capgo_get_app", app_id=DEMO_APP))

        async with httpx2.AsyncClient(timeout=GENEROUS) as http, anyio.create_task_group() as tasks:
            tasks.start_soon(call, LEGACY)
            tasks.start_soon(call, MODERN)
            for _ in range(2):
                await anyio.to_thread.run_sync(asked.acquire)
            server.process.send_signal(signal.SIGTERM)
        assert [answer["name"] for answer in answers] == ["Slow", "Slow"]
        assert server.process.wait(GENEROUS) in (0, -signal.SIGTERM)


async def test_writes_no_key_and_one_json_object_per_line(tmp_path: Path, upstream: str) -> None:
    """With --log-format json every line is an object; no key is in any of them, whatever goes wrong."""
    with running(tmp_path, "--log-format", "json", "--log-level", "DEBUG", CAPGO_API_URL=upstream) as server:
        async with httpx2.AsyncClient() as http:
            for key in (ADMIN_KEY, "00000000-0000-4000-8000-00000000dead"):
                for headers in ({"x-capgo-api-key": key}, {"authorization": f"Bearer {key}"}):
                    caller = Caller(http, server.url, headers)
                    await caller.call("capgo_list_apps")
                    await http.post(server.url, content=b"{", headers=headers | {"content-type": "application/json"})
                    await http.get(f"{server.url}?key={key}", headers=headers)
        wait_until(lambda: server.log.count("capgo_list_apps") >= 4)
    lines = [json.loads(line) for line in server.log.splitlines()]
    calls = [line for line in lines if line.get("tool") == "capgo_list_apps"]
    assert {call["outcome"] for call in calls} >= {"ok"}
    assert all(call["milliseconds"] >= 0 and call["level"] == "info" for call in calls)
    assert ADMIN_KEY not in server.log
    assert "dead" not in server.log


def test_tells_in_one_line_why_it_does_not_start(capsys: pytest.CaptureFixture[str]) -> None:
    """A port that is taken and a door that would stand open end the process with a sentence."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for flags in (["--port", str(taken.getsockname()[1])], ["--host", "0.0.0.0"]):  # noqa: S104 - it is refused
            assert main(["http", *flags]) == 2
            (line,) = capsys.readouterr().err.splitlines()
            assert line.startswith("capgo-mcp: ")


@asynccontextmanager
async def round_robin(*urls: str) -> AsyncIterator[str]:
    """An address behind which every connection goes to the next of several servers."""
    ports = itertools.cycle(httpx2.URL(url).port or 0 for url in urls)

    async def relay(client: anyio.abc.SocketStream) -> None:
        async with (
            client, await anyio.connect_tcp("127.0.0.1", next(ports)) as server, anyio.create_task_group() as tasks
        ):  # fmt: skip
            tasks.start_soon(pump, client, server)
            await pump(server, client)
            tasks.cancel_scope.cancel()

    async def pump(source: anyio.abc.SocketStream, target: anyio.abc.SocketStream) -> None:
        async for chunk in source:
            await target.send(chunk)

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, relay)
        port = listener.extra(anyio.abc.SocketAttribute.local_port)  # noqa: S610 - no query of a database
        yield f"http://127.0.0.1:{port}/mcp"
        tasks.cancel_scope.cancel()


@asynccontextmanager
async def asking(url: str, questions: list[str]) -> AsyncIterator[Client]:
    """A client whose user agrees to everything, and that connects anew for each request."""

    async def agree(context: ClientRequestContext, params: t.ElicitRequestParams) -> t.ElicitResult:  # noqa: ARG001 - the SDK's names
        questions.append(params.message)
        return t.ElicitResult(action="accept", content={"agree": True})

    limits = httpx2.Limits(max_keepalive_connections=0)
    async with httpx2.AsyncClient(headers={"x-capgo-api-key": ADMIN_KEY}, limits=limits, timeout=GENEROUS) as http:
        transport = streamable_http_client(url, http_client=http)
        async with Client(transport, elicitation_callback=agree) as client:
            yield client


def calls(server: Running, tool: str) -> int:
    """How many calls of a tool a process has logged."""
    return server.log.count(f" {tool} ")


async def test_a_question_asked_by_one_server_is_answered_to_another(
    tmp_path: Path, upstream: str, state: State
) -> None:
    """With a shared secret, the call after the user agreed may reach another replica than the call before."""
    flags = {"CAPGO_API_URL": upstream, "CAPGO_MCP_STATE_KEYS": STATE_KEY, "CAPGO_MCP_ASK": "1"}
    questions: list[str] = []
    with ExitStack() as stack:
        servers = [stack.enter_context(running(tmp_path, **flags)) for _ in range(2)]
        async with round_robin(*(server.url for server in servers)) as url, asking(url, questions) as client:
            call = {"app_id": DEMO_APP, "channel": "qa", "confirm": True}
            result = await client.call_tool("capgo_delete_channel", call)
        assert (result.structured_content or {})["done"] is True
        wait_until(lambda: [calls(server, "capgo_delete_channel") for server in servers] == [1, 1])
    assert len(questions) == 1
    assert state.channel_named(DEMO_APP, "qa") is None


async def test_an_answer_counts_for_its_caller_and_its_call_only(upstream: str, state: State) -> None:
    """What the user agreed to cannot be used by another key, for another channel, or where the secret is not known."""
    call = {"name": "capgo_delete_channel", "arguments": {"app_id": DEMO_APP, "channel": "qa", "confirm": True}}
    other = call | {"arguments": {"app_id": DEMO_APP, "channel": "beta", "confirm": True}}
    settings = Settings(key=NoKey(), url=upstream, ask=True)
    secrets = ((STATE_KEY,), (STATE_KEY[::-1], STATE_KEY), (STATE_KEY[::-1],))
    with ExitStack() as stack:
        apps = [application(settings, HttpSettings(state_keys=keys)) for keys in secrets]
        first, rotated, foreign = [f"{stack.enter_context(served(app))}/mcp" for app in apps]
        async with httpx2.AsyncClient(timeout=GENEROUS) as http:
            asked = (await Caller(http, first, KEY).ask("tools/call", call))["result"]
            assert asked["resultType"] == "input_required"
            agreed = {"consent": {"action": "accept", "content": {"agree": True}}}
            answer = {"requestState": asked["requestState"], "inputResponses": agreed}
            for url, key, stolen in (
                (first, {"x-capgo-api-key": READER_KEY}, call),
                (first, KEY, other),
                (foreign, KEY, call),
            ):
                body, headers = request("tools/call", stolen | answer)
                refused = (await http.post(url, json=body, headers=headers | key)).json()
                assert refused["error"]["message"] == "Invalid or expired requestState"
            assert state.channel_named(DEMO_APP, "qa")
            assert state.channel_named(DEMO_APP, "beta")
            done = (await Caller(http, rotated, KEY).ask("tools/call", call | answer))["result"]
            assert done["structuredContent"]["done"] is True


async def test_workers_share_one_port_and_one_secret(tmp_path: Path, upstream: str, state: State) -> None:
    """With --workers a question asked by one process is answered to another, without a secret from outside."""
    questions: list[str] = []
    with running(tmp_path, "--workers", "2", "--ask", CAPGO_API_URL=upstream) as server:
        for channel in ("qa", "beta"):
            async with asking(server.url, questions) as client:
                call = {"app_id": DEMO_APP, "channel": channel, "confirm": True}
                assert not (await client.call_tool("capgo_delete_channel", call)).is_error
            assert state.channel_named(DEMO_APP, channel) is None
    assert len(questions) == 2
    assert server.process.returncode in (0, -signal.SIGTERM)
