"""The process that clients start: JSON-RPC on stdout and nothing else, every protocol revision, a clean end."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, Self

import anyio
import pytest
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream

from capgo_mcp.sandbox.seed.people import DEMO_APP
from tests.support.limits import ENDLESS, GENEROUS

Message = dict[str, Any]

KEY: Final = "5ec4e700-0000-4000-8000-00000000f00d"
LEGACY: Final = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]
MODERN: Final = "2026-07-28"


class Server:
    """A running `capgo-mcp`, spoken to in lines."""

    def __init__(self, process: Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self._stdin = process.stdin
        self._stdout = BufferedByteReceiveStream(process.stdout)

    async def write(self, line: str) -> None:
        """Send one line."""
        await self._stdin.send(line.encode() + b"\n")

    async def send(self, method: str, params: Message | None = None, **envelope: Any) -> None:
        """Send one message."""
        await self.write(json.dumps({"jsonrpc": "2.0", "method": method, "params": params or {}, **envelope}))

    async def receive(self) -> Message:
        """The next message; anything else on stdout fails the test."""
        with anyio.fail_after(GENEROUS):
            line = await self._stdout.receive_until(b"\n", 10_000_000)
        message: Message = json.loads(line)
        assert message["jsonrpc"] == "2.0"
        return message

    async def ask(self, number: int, method: str, params: Message | None = None) -> Message:
        """The answer to a request."""
        await self.send(method, params, id=number)
        while (message := await self.receive()).get("id") != number:
            assert "method" in message
        return message

    async def initialize(self, version: str = LEGACY[-1]) -> Self:
        """Shake hands as clients up to 2025 do."""
        client = {"name": "tests", "version": "1"}
        answer = await self.ask(0, "initialize", {"protocolVersion": version, "capabilities": {}, "clientInfo": client})
        assert answer["result"]["protocolVersion"] == version
        await self.send("notifications/initialized")
        return self

    async def end(self) -> int:
        """Close stdin, read the rest of stdout, and give the exit code."""
        await self._stdin.aclose()
        return await self.ended()

    async def ended(self) -> int:
        """The exit code of a process that was told to end; what it still writes must be messages."""
        rest = b""
        with anyio.fail_after(GENEROUS):
            code = await self.process.wait()
            try:
                while True:
                    rest += await self._stdout.receive()
            except anyio.EndOfStream:
                pass
        assert all(json.loads(line)["jsonrpc"] == "2.0" for line in rest.splitlines())
        return code


def environment(**more: str) -> dict[str, str]:
    """This environment without any key of its own, given or saved."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("CAPGO_", "XDG_"))}
    return kept | {"HOME": "/nonexistent"} | more


@asynccontextmanager
async def running(*flags: str, stderr: Any = subprocess.DEVNULL, **variables: str) -> AsyncIterator[Server]:
    """A server process, ended at the latest with the test."""
    command = [sys.executable, "-m", "capgo_mcp", *flags]
    async with await anyio.open_process(command, stderr=stderr, env=environment(**variables)) as process:
        try:
            yield Server(process)
        finally:
            if process.returncode is None:
                process.kill()


@contextmanager
def silent_api() -> Iterator[tuple[str, socket.socket]]:
    """The address of an API that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", listener


def meta(version: str = MODERN) -> Message:
    """What each request carries in the newest revision."""
    prefix = "io.modelcontextprotocol"
    return {"_meta": {f"{prefix}/protocolVersion": version, f"{prefix}/clientCapabilities": {}}}


@pytest.mark.parametrize("version", LEGACY)
async def test_older_revisions_by_initialize(version: str) -> None:
    """A client of any revision up to 2025-11-25 shakes hands, lists the tools and calls one."""
    async with running("--sandbox") as server:
        await server.initialize(version)
        tools = (await server.ask(1, "tools/list"))["result"]["tools"]
        assert {"capgo_list_apps", "capgo_delete_bundle"} <= {tool["name"] for tool in tools}
        call = {"name": "capgo_get_app", "arguments": {"app_id": DEMO_APP}}
        result = (await server.ask(2, "tools/call", call))["result"]
        assert not result.get("isError")
        assert json.loads(result["content"][0]["text"])["app_id"] == DEMO_APP
        assert await server.end() == 0


async def test_newest_revision_by_discover() -> None:
    """A client of 2026-07-28 discovers the server and needs no handshake."""
    async with running("--sandbox") as server:
        found = (await server.ask(1, "server/discover", meta()))["result"]
        assert MODERN in found["supportedVersions"]
        assert found["instructions"]
        assert found["ttlMs"] > 0
        tools = (await server.ask(2, "tools/list", meta()))["result"]
        assert len(tools["tools"]) > 30
        call = {"name": "capgo_get_app", "arguments": {"app_id": DEMO_APP}, **meta()}
        result = (await server.ask(3, "tools/call", call))["result"]
        assert result["structuredContent"]["app_id"] == DEMO_APP
        assert await server.end() == 0


async def test_garbage_on_stdin_does_not_reach_stdout() -> None:
    """Lines that are no message are survived, and stdout stays JSON-RPC."""
    lines = ["nonsense", "{", "[]", "null", "7", '"x"', "", '{"jsonrpc":"1.0"}', "\x00é"]
    async with running("--sandbox") as server:
        await server.initialize()
        for number, garbage in enumerate(lines, 100):
            await server.write(garbage)
            await server.send("tools/list", id=number)
            while (message := await server.receive()).get("id") != number:
                assert "error" in message
            assert message["result"]["tools"]
        assert await server.end() == 0


async def test_unknown_method_and_failing_call_are_answered() -> None:
    """What cannot be done is an error or an error result, and the process goes on."""
    async with running("--sandbox") as server:
        await server.initialize()
        assert (await server.ask(1, "no/such/method"))["error"]["code"] == -32601
        unknown = await server.ask(2, "tools/call", {"name": "no_such_tool", "arguments": {}})
        assert unknown["error"]["code"] == -32602
        failed = await server.ask(3, "tools/call", {"name": "capgo_get_app", "arguments": {"app_id": "x"}})
        assert failed["result"]["isError"] is True
        assert "structuredContent" not in failed["result"]
        assert (await server.ask(4, "ping"))["result"] == {}
        assert await server.end() == 0


async def test_without_a_key_it_starts_and_explains() -> None:
    """Without a key the tools are listed and a call says how to set one."""
    async with running() as server:
        await server.initialize()
        assert (await server.ask(1, "tools/list"))["result"]["tools"]
        result = (await server.ask(2, "tools/call", {"name": "capgo_list_apps", "arguments": {}}))["result"]
        assert result["isError"] is True
        assert result["content"][0]["text"].startswith("[no_key] ")
        assert await server.end() == 0


async def test_end_of_input_before_any_message() -> None:
    """A client that closes at once leaves nothing behind."""
    async with running("--sandbox") as server:
        assert await server.end() == 0


@asynccontextmanager
async def call_in_flight() -> AsyncIterator[Server]:
    """A server that waits for an answer of the API."""
    with silent_api() as (url, listener):
        async with running("--timeout", str(ENDLESS), CAPGO_API_KEY=KEY, CAPGO_API_URL=url) as server:
            await server.initialize()
            await server.send("tools/call", {"name": "capgo_list_apps", "arguments": {}}, id=1)
            with anyio.fail_after(GENEROUS):
                connection, _ = await anyio.to_thread.run_sync(listener.accept)
            with connection:
                yield server


async def test_end_of_input_with_a_call_in_flight() -> None:
    """A call that waits does not keep the process alive."""
    async with call_in_flight() as server:
        assert await server.end() == 0


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
async def test_signal_ends_an_idle_process(told: signal.Signals) -> None:
    """A signal ends the process although stdin is still open."""
    async with running("--sandbox") as server:
        await server.initialize()
        server.process.send_signal(told)
        assert await server.ended() in {0, 128 + told, -told}


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
async def test_signal_ends_a_process_with_a_call_in_flight(told: signal.Signals) -> None:
    """A signal ends the process although a call waits for its answer."""
    async with call_in_flight() as server:
        server.process.send_signal(told)
        assert await server.ended() in {0, 128 + told, -told}


async def test_key_is_in_no_output() -> None:
    """Neither stdout nor stderr, at the most talkative level, holds the key."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
    flags = ("--log-level", "DEBUG", "--timeout", "1")
    async with running(*flags, stderr=subprocess.PIPE, CAPGO_API_KEY=KEY, CAPGO_API_URL=url) as server:
        await server.initialize()
        calls = [
            {"name": "capgo_list_apps", "arguments": {}},
            {"name": "capgo_get_app", "arguments": {"app_id": KEY}},
            {"name": "capgo_get_app", "arguments": {KEY: 1}},
        ]
        answers = [await server.ask(number, "tools/call", call) for number, call in enumerate(calls, 1)]
        assert answers[0]["result"]["content"][0]["text"].startswith("[unreachable] ")
        assert KEY not in json.dumps(answers[:2])
        assert server.process.stderr is not None
        await server.end()
        logged = b"".join([chunk async for chunk in server.process.stderr]).decode()
    assert "capgo_list_apps unreachable" in logged
    assert KEY not in logged
    assert "Traceback" not in logged


async def test_log_has_one_line_per_call_without_arguments() -> None:
    """The log tells which tool ended how, and nothing that an agent sent."""
    async with running("--sandbox", stderr=subprocess.PIPE) as server:
        await server.initialize()
        await server.ask(1, "tools/call", {"name": "capgo_get_app", "arguments": {"app_id": DEMO_APP}})
        await server.ask(2, "tools/call", {"name": "capgo_get_app", "arguments": {"app_id": "no.such.app"}})
        assert server.process.stderr is not None
        await server.end()
        logged = b"".join([chunk async for chunk in server.process.stderr]).decode()
    lines = [line for line in logged.splitlines() if "capgo_get_app" in line]
    assert len(lines) == 2
    assert " ok " in lines[0]
    assert " cannot_access_app " in lines[1]
    assert "app_id" not in logged
    assert DEMO_APP not in logged
