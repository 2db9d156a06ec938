"""A client at the other end of pipes may send nonsense, stop reading, or die: the server answers, waits, or ends."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import IO, Final

import anyio
import pytest

from capgo_mcp.server.lines import LONGEST, Lines
from capgo_mcp.server.mcp import MOST_WAITING
from capgo_mcp.server.pipes import MOST_UNREAD, PipeOutlet
from tests.server.test_stdio import call_in_flight, environment, running
from tests.support.limits import GENEROUS
from tests.support.tools import child

AGAINST: Final = "a client that floods, stalls or dies"
ATTACKER: Final = "the client"
ASSET: Final = "the service"

PING: Final = '{"jsonrpc":"2.0","id":%s,"method":"ping","params":{}}\n'
NOISY: Final = """
import os, subprocess, sys, anyio
from capgo_mcp.server import pipes

async def main():
    async with pipes.messages() as (incoming, outgoing):
        print("a stray print", flush=True)
        os.write(1, b"a stray write\\n")
        subprocess.run([sys.executable, "-c", "print('a stray child')"], check=True)
        assert sys.stdin.read() == ""
        async with incoming, outgoing:
            async for message in incoming:
                await outgoing.send(message)
    print("after it")

anyio.run(main)
"""


@contextmanager
def noisy(stdin: int | IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that sends messages back, and prints what it should not."""
    command = [sys.executable, "-c", NOISY]
    with child(command, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        yield process


def test_stray_prints_stay_off_the_wire() -> None:
    """What anything in the process prints goes to stderr while it serves, and stdout is whole again afterwards."""
    with noisy(subprocess.PIPE) as process:
        out, err = process.communicate((PING % 1).encode(), GENEROUS)
    first, *rest = out.splitlines()
    assert json.loads(first)["id"] == 1
    assert rest == [b"after it"]
    assert err.count(b"a stray") == 3


def test_input_from_a_file_is_served(tmp_path: Path) -> None:
    """What the event loop cannot wait for is left to the SDK."""
    (tmp_path / "requests").write_text(PING % 1 + PING % 2, encoding="utf-8")
    with (tmp_path / "requests").open("rb") as file, noisy(file) as process:
        out, err = process.communicate(timeout=GENEROUS)
    assert [json.loads(line)["id"] for line in out.splitlines()[:2]] == [1, 2]
    assert b"a stray print" in err


BROKEN: dict[str, str] = {
    "surrogate": r'"params":{"name":"capgo_get_app","arguments":{"app_id":"\ud800"}}',
    "300 levels": '"params":{"name":"capgo_get_app","arguments":{"app_id":' + "[" * 300 + "]" * 300 + "}}",
    "5,000 digits": '"params":{"name":"capgo_get_app","arguments":{"app_id":' + "7" * 5000 + "}}",
    "150 levels": '"params":{"name":"capgo_get_app","arguments":{"app_id":' + "[" * 150 + "]" * 150 + "}}",
    "4,000 digits": '"params":{"name":"capgo_list_devices","arguments":{"app_id":"a.b","limit":' + "7" * 4000 + "}}",
    "NaN": '"params":{"name":"capgo_list_devices","arguments":{"app_id":"a.b","limit":NaN}}',
    "no name": '"params":{"arguments":{}}',
    "arguments as a list": '"params":{"name":"capgo_get_app","arguments":[]}',
    "params as text": '"params":"capgo_get_app"',
    "too long": '"params":{"name":"' + "x" * (LONGEST + 70_000) + '"}',
}


async def test_every_request_is_answered() -> None:
    """Whatever a request holds, its sender gets a result or an error under its id, and the next one is served."""
    async with running("--sandbox") as server:
        await server.initialize()
        for number, rest in enumerate(BROKEN.values(), 1):
            await server.write(f'{{"jsonrpc":"2.0","id":{number},"method":"tools/call",{rest}}}')
            answer = await server.receive()
            assert answer["id"] == number
            assert "error" in answer or answer["result"]["isError"]
        assert (await server.ask(99, "ping"))["result"] == {}
        assert await server.end() == 0


async def test_a_request_that_is_too_long_is_answered_though_its_id_comes_last() -> None:
    """Where many clients write it; one within the arguments is not taken for it."""
    ends = ('"id":{}', '"jsonrpc":"2.0","id":{}', '"id": {}, "jsonrpc": "2.0"')
    async with running("--sandbox") as server:
        await server.initialize()
        for number, (last, length) in enumerate(product(ends, (LONGEST + 1, 2 * LONGEST + 70_000)), 7):
            long = '{"id":1,"x":"' + "x" * 1000 + '"},'
            for filling in ('"' + "x" * length + '"', "[" + long * (length // len(long) + 1) + '{"id":2}]'):
                arguments = f'{{"app_id":{filling},"id":3}}'
                head = f'{{"method":"tools/call","params":{{"name":"x","arguments":{arguments}}},'
                await server.write(head + last.format(number) + "}")
                answer = await server.receive()
                assert answer["id"] == number
                assert "error" in answer


async def test_a_client_that_stops_reading_stops_the_server() -> None:
    """While a client leaves much unread, nothing more is read of what it sends; it goes on when the client does."""
    reading, writing = os.pipe()
    stream = asyncio.StreamReader()
    outlet = PipeOutlet(stream)
    await asyncio.get_running_loop().connect_write_pipe(lambda: outlet, os.fdopen(writing, "wb", 0))
    stream.feed_data((PING % 1 + PING % 2).encode())
    lines = Lines(stream, outlet)
    assert b'"id":1' in await anext(lines)
    await outlet.write("x" * 2 * MOST_UNREAD)
    second = asyncio.ensure_future(anext(lines))
    await anyio.wait_all_tasks_blocked()
    assert not second.done()
    with os.fdopen(reading, "rb") as client:
        await anyio.to_thread.run_sync(client.read, 2 * MOST_UNREAD)
        assert b'"id":2' in await second
    await outlet.aclose()


def test_lines_that_end_at_once_are_answered() -> None:
    """Who pipes some requests in and closes gets the answers, as from a file."""
    command = [sys.executable, "-m", "capgo_mcp", "--sandbox"]
    lines = "".join(PING % number for number in range(50)).encode()
    ended = subprocess.run(command, input=lines, capture_output=True, env=environment(), timeout=GENEROUS, check=True)
    assert {json.loads(line)["id"] for line in ended.stdout.splitlines()} == {*range(50)}
    assert all("result" in json.loads(line) for line in ended.stdout.splitlines())


async def test_too_many_requests_at_once_are_refused() -> None:
    """Requests beyond a bound are refused with an error instead of being kept."""
    async with call_in_flight() as server:
        call = {"name": "capgo_list_apps", "arguments": {}}
        for number in range(2, MOST_WAITING + 2):
            await server.send("tools/call", call, id=number)
        answer = await server.receive()
        assert answer["id"] == MOST_WAITING + 1
        assert "at once" in answer["error"]["message"]


@pytest.mark.parametrize("closed", [("stdout",), ("stdin", "stdout")], ids=" ".join)
def test_a_client_that_dies_ends_the_server(closed: tuple[str, ...]) -> None:
    """A server whose client is gone ends at once, without a word about it."""
    command = [sys.executable, "-m", "capgo_mcp", "--sandbox"]
    pipe = subprocess.PIPE
    with child(command, env=environment(), stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write((PING % 1).encode())
        process.stdin.flush()
        process.stdout.readline()
        process.stdin.write((PING % 2).encode() * 1000)
        process.stdin.flush()
        for name in closed:
            getattr(process, name).close()
        assert process.wait(GENEROUS) == 0
        assert process.stderr is not None
        assert b"Traceback" not in process.stderr.read()
