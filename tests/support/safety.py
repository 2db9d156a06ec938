"""What the safety tests share: a sandbox that remembers what reached it, and short ways to ask it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final

import anyio
import httpx2
import mcp_types as t
from mcp.client import ClientRequestContext
from mcp.server import Server

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.client.clock import Clock, SystemClock
from capgo_mcp.client.defaults import DEFAULT_TIMEOUT
from capgo_mcp.client.key import StaticKey
from capgo_mcp.config.settings import Settings
from capgo_mcp.operations import every
from capgo_mcp.safety.tokens import UsedTokens
from capgo_mcp.sandbox import ADMIN_KEY, Limits, State, create_app, seeded
from capgo_mcp.sandbox.seed.fleet import PINNED_DEVICE
from capgo_mcp.server.mcp import OneCaller, build
from capgo_mcp.server.tools import Toolbox
from tests.support import samples
from tests.support.samples import AnyOperation

URL: Final = "http://sandbox.invalid"
DESTROYERS: Final = [operation for operation in every() if operation.can_destroy()]
"""Every operation that may need consent."""

Facts = dict[str, Any]
DANGEROUS: Final[dict[str, Facts]] = {
    "capgo_invite_member": {"invite_type": "org_admin"},
    "capgo_set_channel": {"detach_bundle": True},
    "capgo_set_organization_policies": {"require_apikey_expiration": True},
    "capgo_unset_device_channel": {"device_id": PINNED_DEVICE},
    "capgo_update_notification_settings": {
        "push_update_enabled": False,
        "push_update_install_mode": "set",
        "push_update_channel": "beta",
    },
    "capgo_update_app": {"retention": 30},
    "capgo_update_webhook": {"url": "https://hooks.example.com/elsewhere", "enabled": True},
}
"""Arguments with which a call needs consent, where those that must be given are not enough."""

CHANGING: Final[dict[str, Facts]] = {
    "capgo_set_app_settings": {"expose_metadata": True},
    "capgo_set_bundle_channel": {"version_id": 117},
    "capgo_set_bundle_metadata": {"comment": "Other"},
    "capgo_set_channel": {"version": "2.2.7"},
    "capgo_set_device_channel": {"channel": "staging"},
    "capgo_unset_device_channel": DANGEROUS["capgo_unset_device_channel"],
    "capgo_update_app": {"name": "Other"},
    "capgo_update_organization": {"name": "Other"},
    "capgo_update_webhook": {"name": "Other"},
}
"""Arguments with which a call changes something that is there."""

Picture = dict[str, dict[Any, Facts]]


def name_of(operation: AnyOperation) -> str:
    """The name of a tool, to tell parametrised tests apart."""
    return operation.spec.name


def named(tool: str) -> AnyOperation:
    """The operation of a tool."""
    return next(operation for operation in every() if operation.spec.name == tool)


@dataclass
class Recorder(httpx2.AsyncBaseTransport):
    """Carries requests and remembers them."""

    inner: httpx2.AsyncBaseTransport
    seen: list[httpx2.Request] = field(default_factory=list)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Remember a request and pass it on."""
        self.seen.append(request)
        return await self.inner.handle_async_request(request)

    @property
    def writes(self) -> list[str]:
        """Every request so far that is more than a read."""
        return [f"{request.method} {request.url.path}" for request in self.seen if request.method != "GET"]


class Hurry:
    """The clock of the machine, but it skips every wait."""

    def __init__(self) -> None:
        self._machine = SystemClock()
        self._skipped = 0.0

    def now(self) -> float:
        """Seconds, the skipped ones included."""
        return self._machine.now() + self._skipped

    def moment(self) -> datetime:
        """The date and time of day."""
        return self._machine.moment()

    async def sleep(self, seconds: float) -> None:
        """Let the time pass at once."""
        self._skipped += seconds

    def fail_after(self, seconds: float) -> AbstractContextManager[object]:
        """A block that takes no longer; a short limit, which is for waiting only, ends at once."""
        return self._machine.fail_after(0 if seconds <= 1 else seconds)


@dataclass
class Desk:
    """A toolbox over a sandbox, and a look at what went over the wire between them."""

    state: State
    wire: Recorder
    capgo: Capgo
    tools: Toolbox

    async def call(self, tool: str, arguments: Facts) -> t.CallToolResult:
        """Call a tool with nobody there to be asked."""
        return await self.tools.call(tool, arguments)

    async def facts(self, tool: str, **arguments: Any) -> Facts:
        """What a call that succeeds answers."""
        result = await self.call(tool, arguments)
        assert not result.is_error, text(result)
        facts: Facts | None = result.structured_content
        assert facts is not None
        return facts

    async def error(self, tool: str, **arguments: Any) -> str:
        """What a call that fails says."""
        result = await self.call(tool, arguments)
        assert result.is_error, text(result)
        return text(result)

    async def follow(self, call: Facts) -> Facts:
        """Make a call that an answer proposed, exactly as it is written there."""
        return await self.facts(call["tool"], **call["arguments"])


YES: Final = t.ElicitResult(action="accept", content={"agree": True})


class User:
    """The user at a client, who gives one reply and remembers what they were asked.

    Args:
        reply: The reply, or None of a user who never gives one.
        meanwhile: What happens as they let the question stand.
    """

    def __init__(self, reply: t.ElicitResult | None, meanwhile: Callable[[], object] = lambda: None) -> None:
        self._reply = reply
        self._meanwhile = meanwhile
        self.asked: list[str] = []

    async def __call__(self, context: ClientRequestContext, params: t.ElicitRequestParams) -> t.ElicitResult:
        """Reply, or never do."""
        del context
        self.asked.append(params.message)
        if self._reply is None:
            self._meanwhile()
            await anyio.sleep_forever()
        assert self._reply is not None
        return self._reply


def serving(here: Desk, *, tokens: UsedTokens | None = None, **settings: Any) -> Server[Any]:
    """An MCP server over what a desk has."""
    chosen = Settings(key=StaticKey(ADMIN_KEY), **settings)
    return build(OneCaller(partial(Toolbox, here.capgo, chosen)), chosen, tokens=tokens)


def text(result: t.CallToolResult) -> str:
    """The text of a result."""
    return "\n".join(block.text for block in result.content if isinstance(block, t.TextContent))


@dataclass
class Upstream:
    """Which Capgo the sandboxes of a test are; a fixture sets it for all tests of the folder."""

    behaviour: Behaviour = Behaviour.NOVEMBER


UPSTREAM: Final = Upstream()


def unlimited() -> State:
    """A seeded sandbox whose rate limits never strike."""
    state = seeded(behaviour=UPSTREAM.behaviour)
    state.limits = Limits(key_window=0, device_window=0, same_channel_window=0, address_window=0)
    return state


@asynccontextmanager
async def desk(
    *,
    key: str = ADMIN_KEY,
    state: State | None = None,
    inner: httpx2.AsyncBaseTransport | None = None,
    clock: Clock | None = None,
    **settings: Any,
) -> AsyncIterator[Desk]:
    """A toolbox over a fresh sandbox, or over what `inner` answers in its place."""
    state = state or (State() if inner else unlimited())
    wire = Recorder(inner or httpx2.ASGITransport(app=create_app(state)))
    timeout = settings.get("timeout", DEFAULT_TIMEOUT)
    async with Capgo(key, url=URL, timeout=timeout, transport=wire, rate=1e9, clock=clock or Hurry()) as capgo:
        yield Desk(state, wire, capgo, samples.toolbox(capgo, **settings))


def answering(status: int, body: Any, **headers: str) -> httpx2.MockTransport:
    """An upstream that gives this one answer to everything."""
    return httpx2.MockTransport(lambda _: httpx2.Response(status, json=body, headers=headers))


def failing_reads(inner: httpx2.AsyncBaseTransport, broken: Callable[[], httpx2.Response]) -> httpx2.AsyncBaseTransport:
    """The same upstream, with something else in place of every answer to a read."""
    return _FailingReads(inner, broken)


@dataclass
class _FailingReads(httpx2.AsyncBaseTransport):
    inner: httpx2.AsyncBaseTransport
    broken: Callable[[], httpx2.Response]

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return self.broken() if request.method == "GET" else await self.inner.handle_async_request(request)


_TABLES: Final = ("apps", "channels", "overrides", "orgs", "webhooks", "notification_settings")
_PASSING: Final = frozenset({"updated_at", "rollout_id"})


def picture(state: State) -> Picture:
    """What a change can reach, without what changes by itself; moments to the minute, as agents read them."""
    return {table: {key: _lasting(row) for key, row in getattr(state, table).items()} for table in _TABLES}


def _lasting(row: Facts) -> Facts:
    return {name: _minute(name, value) for name, value in row.items() if name not in _PASSING}


def _minute(name: str, value: Any) -> Any:
    return str(value).replace(" ", "T")[:16] if name == "rollout_paused_at" and value else value


def differences(before: Picture, after: Picture) -> set[tuple[str, Any, str]]:
    """Which columns of which rows are not the same: table, key and column."""
    return {
        (table, key, column)
        for table in before
        for key in before[table].keys() | after[table].keys()
        for row, other in [(before[table].get(key, {}), after[table].get(key, {}))]
        for column in row.keys() | other.keys()
        if row.get(column) != other.get(column)
    }


def lost(note: str | None) -> set[str]:
    """The arguments that a note says cannot be undone."""
    named = (note or "").rstrip(".").partition("does not bring back: ")[2]
    return {name.strip() for name in named.split(",") if name.strip()}
