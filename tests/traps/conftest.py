"""The scene on which the traps of the API are set: a sandbox, a toolbox, and every request that passed between them."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx2
import mcp_types as t
import pytest

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.config.credentials import NoKey
from capgo_mcp.config.settings import Settings
from capgo_mcp.sandbox import ADMIN_KEY, State, create_app, seeded
from capgo_mcp.server.tools import Toolbox
from tests.support.samples import ALL_TOOLSETS

Answer = Callable[[httpx2.Request], httpx2.Response]


class Scene(httpx2.AsyncBaseTransport):
    """A toolbox in front of the sandbox, or of answers a test makes up; remembers the requests."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.requests: list[httpx2.Request] = []
        self.answer: Answer | None = None
        self.writes_end: tuple[httpx2.Response, list[httpx2.Request]] | None = None
        self._sandbox = httpx2.ASGITransport(app=create_app(state))
        self.settings = Settings(key=NoKey(), toolsets=ALL_TOOLSETS)
        self.log_in(ADMIN_KEY)

    def log_in(self, key: str) -> None:
        """Use this key from now on."""
        self.capgo = Capgo(key, url="http://sandbox.invalid", transport=self, rate=10_000)
        self.toolbox = Toolbox(self.capgo, self.settings)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Remember the request and pass it on."""
        self.requests.append(request)
        if self.writes_end and request.method != "GET":
            response, writes = self.writes_end
            writes.append(request)
            return httpx2.Response(response.status_code, content=response.content)
        return self.answer(request) if self.answer else await self._sandbox.handle_async_request(request)

    def answer_writes(self, response: httpx2.Response) -> list[httpx2.Request]:
        """Let every write end in this answer; gives the writes, as they come."""
        writes: list[httpx2.Request] = []
        self.writes_end = (response, writes)
        return writes

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """The facts a tool answers."""
        result = await self.toolbox.call(tool, arguments)
        assert isinstance(result, t.CallToolResult)
        assert not result.is_error, result.content
        assert isinstance(result.structured_content, dict)
        return result.structured_content

    async def refused(self, tool: str, **arguments: Any) -> str:
        """The error a tool answers."""
        result = await self.toolbox.call(tool, arguments)
        assert isinstance(result, t.CallToolResult)
        assert result.is_error, result.structured_content
        (block,) = result.content
        assert isinstance(block, t.TextContent)
        return block.text

    def sent(self, method: str) -> list[Any]:
        """The bodies of the requests of a method."""
        return [json.loads(one.content or b"{}") for one in self.requests if one.method == method]

    @property
    def last(self) -> httpx2.Request:
        """The latest request."""
        return self.requests[-1]


@pytest.fixture(params=Behaviour, ids=lambda behaviour: behaviour.value)
def state(request: pytest.FixtureRequest) -> State:
    """A sandbox of each behaviour: most traps are in one of them only, and nobody knows which Capgo they meet."""
    made = seeded()
    made.behaviour = request.param
    return made


@pytest.fixture
async def scene(state: State) -> AsyncIterator[Scene]:
    """The scene, freshly set."""
    made = Scene(state)
    async with made.capgo:
        yield made
