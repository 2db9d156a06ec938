"""A server that is told to stop loses no call, whatever stands in front of it."""

import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import anyio
import anyio.abc
import anyio.to_thread
import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from capgo_mcp.http.draining import Draining
from capgo_mcp.sandbox import ADMIN_KEY
from capgo_mcp.sandbox.seed.people import DEMO_APP
from tests.support.haproxy import haproxy, sees_all
from tests.support.limits import GENEROUS
from tests.support.ports import free_ports
from tests.support.serving import LEGACY, MODERN, Caller, Running, answers, request, running, served, wait_until

KEY = {"x-capgo-api-key": ADMIN_KEY}


@pytest.fixture
def slow_capgo() -> Iterator[str]:
    """A Capgo that takes its time, so that calls are under way whenever a server stops."""

    async def slowly(_: Request) -> JSONResponse:
        await anyio.sleep(0.3)
        return JSONResponse({"app_id": DEMO_APP, "name": "Slow", "owner_org": "o"})

    with served(Starlette(routes=[Route("/{path:path}", slowly)])) as url:
        yield url


class Replicas:
    """Servers on ports of their own, that are restarted there.

    Args:
        folder: Where they write their logs.
        ports: Where they listen.
        capgo: The address of their Capgo.
    """

    def __init__(self, folder: Path, ports: list[int], capgo: str) -> None:
        self._folder = folder
        self._capgo = capgo
        self._running = {port: self._started(port) for port in ports}

    def replace(self, port: int, front: str) -> None:
        """Stop one and start another in its place, as the front follows."""
        wait_until(lambda: sees_all(front))
        stack, server = self._running[port]
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not sees_all(front))
        server.process.send_signal(signal.SIGTERM)  # in place of the notice's end, as the front has had it
        server.process.wait(GENEROUS)
        stack.close()
        self._running[port] = self._started(port)

    def stop(self) -> None:
        """Stop all."""
        for stack, server in self._running.values():
            server.process.kill()
            stack.close()

    def _started(self, port: int) -> tuple[ExitStack, Running]:
        stack = ExitStack()
        flags = ("--port", str(port), "--drain-notice", "500", "--rate", "10000")
        return stack, stack.enter_context(running(self._folder, *flags, CAPGO_API_URL=self._capgo))


async def test_replicas_are_replaced_one_after_the_other_and_no_call_is_lost(tmp_path: Path, slow_capgo: str) -> None:
    """Three servers behind a real proxy are restarted in turn, under load of both eras: every call gets its answer."""
    ports = free_ports(3)
    outcomes: Counter[str] = Counter()
    restarted = anyio.Event()

    async def keep_calling(url: str, era: str) -> None:
        async with httpx2.AsyncClient(timeout=GENEROUS) as http:
            caller = Caller(http, f"{url}/mcp", KEY, era)
            while not restarted.is_set():
                try:
                    answer = await caller.facts("capgo_get_app", app_id=DEMO_APP)
                    outcomes[answer["name"]] += 1
                except (httpx2.HTTPError, AssertionError) as error:
                    outcomes[repr(error)] += 1

    with haproxy(tmp_path, ports) as url:
        replicas = Replicas(tmp_path, ports, slow_capgo)
        async with anyio.create_task_group() as tasks:
            await anyio.to_thread.run_sync(wait_until, lambda: sees_all(url))
            for number in range(12):
                tasks.start_soon(keep_calling, url, MODERN if number % 2 else LEGACY)
            for port in ports:
                before = outcomes["Slow"]
                await anyio.to_thread.run_sync(replicas.replace, port, url)
                await anyio.to_thread.run_sync(wait_until, lambda so_far=before: outcomes["Slow"] > so_far + 24)
            restarted.set()
        replicas.stop()
    assert outcomes.keys() == {"Slow"}


async def test_says_that_it_will_stop_and_ends_connections_with_their_answers(tmp_path: Path, slow_capgo: str) -> None:
    """From SIGTERM on it is not ready but serves, and each answer is the last one of its connection."""
    with running(tmp_path, "--drain-notice", "500", CAPGO_API_URL=slow_capgo) as server:
        ready = server.url.replace("/mcp", "/readyz")
        body, headers = request("tools/call", {"name": "capgo_get_app", "arguments": {"app_id": DEMO_APP}})
        async with httpx2.AsyncClient(timeout=GENEROUS) as http:
            assert "connection" not in (await http.post(server.url, json=body, headers=headers | KEY)).headers
            server.process.send_signal(signal.SIGTERM)
            await anyio.to_thread.run_sync(wait_until, lambda: not answers(ready))
            told = await http.get(ready)
            assert (told.status_code, told.json()["status"]) == (503, "draining")
            answer = await http.post(server.url, json=body, headers=headers | KEY)
            assert answer.json()["result"]["structuredContent"]["name"] == "Slow"
            assert answer.headers["connection"] == "close"
        server.process.send_signal(signal.SIGTERM)  # the second one does not wait
        server.process.wait(GENEROUS)


async def test_workers_drain_as_one_process_does(tmp_path: Path, slow_capgo: str) -> None:
    """With --workers the calls that run are finished as well."""
    answered: list[str] = []
    with running(tmp_path, "--workers", "2", "--drain-notice", "0.5", CAPGO_API_URL=slow_capgo) as server:
        async with httpx2.AsyncClient(timeout=GENEROUS) as http, anyio.create_task_group() as tasks:

            async def call() -> None:
                answer = await Caller(http, server.url, KEY).facts("capgo_get_app", app_id=DEMO_APP)
                answered.append(answer["name"])

            await call()
            for _ in range(8):
                tasks.start_soon(call)
            await anyio.sleep(0.1)
            server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(GENEROUS) in (0, -signal.SIGTERM)
    assert answered == ["Slow"] * 9


def test_only_the_main_thread_hears_signals() -> None:
    """A server in a thread of a larger program leaves that program's signals alone."""
    before = signal.getsignal(signal.SIGTERM)
    seen: list[object] = []

    def serve() -> None:
        with Draining(5).watching():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=serve)
    thread.start()
    thread.join(GENEROUS)
    assert seen == [before]
