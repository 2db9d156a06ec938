"""What the tests of the HTTP server share: real servers on free ports, and requests of clients of both eras."""

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2
import uvicorn
from starlette.types import ASGIApp

from capgo_mcp.config.listener import address_of, listening
from tests.support.limits import GENEROUS

MODERN: Final = "2026-07-28"
LEGACY: Final = "2025-11-25"

Facts = dict[str, Any]


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """The address at which an application is served, by a thread."""
    with listening("127.0.0.1", 0) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            wait_until(lambda: server.started)
            yield address_of(listener)
        finally:
            server.should_exit = True
            thread.join(GENEROUS)


@dataclass
class Running:
    """A server process and what it writes to stderr."""

    process: subprocess.Popen[bytes]
    stderr: Path

    @property
    def log(self) -> str:
        """Everything it wrote so far."""
        return self.stderr.read_text(encoding="utf-8")

    @property
    def url(self) -> str:
        """The address it serves at, once it has said so."""
        wait_until(lambda: "/mcp" in self.log or self.process.poll() is not None)
        assert self.process.poll() is None, self.log
        return str(re.findall(r"http://[\w.:]+/mcp", self.log)[0])


@contextmanager
def running(folder: Path, *flags: str, **variables: str) -> Iterator[Running]:
    """A `capgo-mcp http` process on a free port, ready to serve."""
    clean = {name: text for name, text in os.environ.items() if not name.startswith("CAPGO_")}
    command = [sys.executable, "-m", "capgo_mcp", "http", "--port", "0", *flags]
    clean["CAPGO_MCP_DRAIN_NOTICE"] = "0"
    stderr = folder / f"stderr-{time.monotonic_ns()}"
    with (
        stderr.open("wb") as sink,
        subprocess.Popen(command, stderr=sink, env=clean | variables) as process,
    ):
        try:
            server = Running(process, stderr)
            wait_until(lambda: answers(server.url.replace("/mcp", "/readyz")))
            yield server
        finally:
            process.terminate()
            try:
                process.wait(GENEROUS)
            except subprocess.TimeoutExpired:
                process.kill()


def wait_until(fact: Any) -> None:
    """Return when a fact holds; fail when it does not come to hold."""
    end = time.monotonic() + GENEROUS
    while not fact():
        assert time.monotonic() < end, "it took too long"
        time.sleep(0.02)


def answers(url: str) -> bool:
    """Whether somebody answers there."""
    try:
        return httpx2.get(url).status_code == httpx2.codes.OK
    except httpx2.HTTPError:
        return False


def request(method: str, params: Facts | None = None, *, era: str = MODERN) -> tuple[Facts, dict[str, str]]:
    """The body and the headers of one request."""
    params = dict(params or {})
    headers = {"accept": "application/json, text/event-stream", "mcp-protocol-version": era}
    if era == MODERN:
        prefix = "io.modelcontextprotocol"
        can: Facts = {"elicitation": {"form": {}}}
        params["_meta"] = {f"{prefix}/protocolVersion": era, f"{prefix}/clientCapabilities": can}
        headers["mcp-method"] = method
        if "name" in params:
            headers["mcp-name"] = params["name"]
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}, headers


@dataclass
class Caller:
    """Someone who calls with a key, or with other headers."""

    http: httpx2.AsyncClient
    url: str
    headers: dict[str, str]
    era: str = MODERN

    async def ask(self, method: str, params: Facts | None = None) -> Facts:
        """The JSON-RPC answer to a request."""
        body, headers = request(method, params, era=self.era)
        answer = await self.http.post(self.url, json=body, headers=headers | self.headers)
        assert answer.status_code == httpx2.codes.OK, (answer.status_code, answer.text)
        if answer.headers["content-type"].startswith("text/event-stream"):
            (data,) = [line for line in answer.text.splitlines() if line.startswith("data: {")]
            return dict(json.loads(data.removeprefix("data: ")))
        return dict(answer.json())

    async def call(self, tool: str, **arguments: Any) -> Facts:
        """The result of a tool call."""
        answer = await self.ask("tools/call", {"name": tool, "arguments": arguments})
        result: Facts = answer["result"]
        return result

    async def facts(self, tool: str, **arguments: Any) -> Facts:
        """What a call that succeeds answers."""
        result = await self.call(tool, **arguments)
        assert not result.get("isError"), result
        facts: Facts = result["structuredContent"]
        return facts

    async def error(self, tool: str, **arguments: Any) -> str:
        """What a call that fails says."""
        result = await self.call(tool, **arguments)
        assert result["isError"], result
        return str(result["content"][0]["text"])
