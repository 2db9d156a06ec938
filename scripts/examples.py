"""Examples of every tool, with what the sandbox really answers: always the same, on a clock that stands still."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

import anyio
import httpx2
import mcp_types as t

from capgo_mcp.api.operation import Declared, Effect
from capgo_mcp.catalog import TOOLSETS, every_tool
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.client.key import StaticKey
from capgo_mcp.config.settings import Settings
from capgo_mcp.sandbox import ADMIN_KEY, State, create_app, seeded
from capgo_mcp.sandbox.seed.people import DEMO_APP, LIGHTHOUSE
from capgo_mcp.server.tools import Toolbox

Facts = dict[str, Any]

_REQUEST: Final = re.compile(r" \(request [^)]*\)")
"""The id of one request, which no other has."""

NOW: Final = datetime(2026, 11, 2, 12, tzinfo=UTC)
"""When the examples were made: that they are of no day makes them the same on every one."""


class StillClock:
    """A clock that stands at one moment."""

    def now(self) -> float:
        """Seconds that have gone by."""
        return 0.0

    def moment(self) -> datetime:
        """The date and time of day."""
        return NOW

    async def sleep(self, _: float) -> None:
        """Wait for nothing: no time goes by."""
        await anyio.lowlevel.checkpoint()

    @contextmanager
    def fail_after(self, _: float) -> Any:
        """End the block when its time is over, which does not come."""
        yield


@dataclass
class Wire(httpx2.AsyncBaseTransport):
    """The way to a sandbox, and the requests that went over it."""

    state: State
    sent: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._sandbox = httpx2.ASGITransport(app=create_app(self.state))

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Carry one request."""
        self.sent.append(f"{request.method} {request.url.path}")
        return await self._sandbox.handle_async_request(request)


@dataclass(frozen=True)
class Example:
    """A call, its answer, and what went to Capgo.

    Attributes:
        tool: The tool.
        arguments: What was asked.
        answer: What came, as an agent reads it.
        requests: What was sent on the way, in order and each once.
        done: The same for the call that consent was given to; None where none is needed.
    """

    tool: str
    arguments: Facts
    answer: Facts
    requests: list[str]
    done: "Example | None" = None

    @property
    def undo(self) -> Any:
        """The calls that take it back; None where there are none."""
        return (self.done or self).answer.get("undo")


@cache
def examples() -> dict[str, Example]:
    """An example of every tool, by its name."""
    return anyio.run(_examples)


def example(kind: type[Declared[Any]]) -> Example:
    """An example of one tool."""
    return anyio.run(_example, kind)


async def _examples() -> dict[str, Example]:
    return {kind.spec.name: await _example(kind) for kind in every_tool()}


async def _example(kind: type[Declared[Any]]) -> Example:
    """A call on a sandbox of its own; what needs consent is shown first, and then done."""
    async with _desk() as (tools, wire):
        first = await _call(tools, wire, kind.spec.name, _arguments(kind))
        then = first.answer.get("after_consent")
        if not isinstance(then, dict):
            return first
        done = await _call(tools, wire, then["tool"], then["arguments"])
        return Example(first.tool, first.arguments, first.answer, first.requests, done)


@asynccontextmanager
async def _desk() -> AsyncIterator[tuple[Toolbox, Wire]]:
    wire = Wire(seeded(NOW.timestamp))
    settings = Settings(key=StaticKey(ADMIN_KEY), toolsets=TOOLSETS)
    async with Capgo(ADMIN_KEY, url="http://sandbox.invalid", transport=wire, clock=StillClock(), rate=10_000) as capgo:
        yield Toolbox(capgo, settings), wire


async def _call(tools: Toolbox, wire: Wire, name: str, arguments: Facts) -> Example:
    wire.sent.clear()
    result = await tools.call(name, arguments)
    answer = result.structured_content
    if result.is_error or not isinstance(answer, dict):
        said = [block.text for block in result.content if isinstance(block, t.TextContent)]
        answer = {"error": _REQUEST.sub("", said[0] if said else "")}
    return Example(name, arguments, json.loads(json.dumps(answer)), list(dict.fromkeys(wire.sent)))


_SEEDED: Final = seeded(NOW.timestamp)
_DEVICE: Final = next(device for app, device in _SEEDED.devices if app == DEMO_APP)
_PLAIN: Final = min(device for app, device in _SEEDED.devices.keys() - _SEEDED.overrides.keys() if app == DEMO_APP)
_VALUES: Final[Facts] = {
    "app_id": DEMO_APP,
    "org_id": LIGHTHOUSE,
    "owner_org": LIGHTHOUSE,
    "channel": "beta",
    "version": "2.2.7",
    "device_id": _DEVICE,
    "name": "Sample",
    "email": "robin@example.com",
    "external_url": "https://cdn.example.com/bundle.zip",
    "checksum": "a" * 64,
    "from_date": str((NOW - timedelta(days=3)).date()),
    "to_date": str((NOW - timedelta(days=1)).date()),
    "api_key_id": 3,
    "bindings": [{"role_name": "app_reader", "scope_type": "org", "org_id": LIGHTHOUSE}],
    "limit": 2,
}
"""A value for each word that is asked for, and for some that keep answers short."""
_WEBHOOK: Final = {"webhook_id": "7fa2acfd-5fa3-5991-b5ed-ffee524b1384"}
_BUILD: Final = "b1d0c0de-0000-4000-8000-00000000000{}"
_OF_TOOL: Final[dict[str, Facts]] = {
    "capgo_create_app": {"app_id": "com.sample.app", "name": "Sample app"},
    "capgo_update_app": {"name": "Demo app, renamed"},
    "capgo_set_app_settings": {"allow_device_custom_id": False},
    "capgo_list_channels": {"fields": ["ios", "android"]},
    "capgo_set_channel": {"channel": "staging", "version": "2.3.0"},
    "capgo_set_rollout": {"channel": "production", "action": "start", "version": "2.3.0", "percentage": 10},
    "capgo_delete_channel": {"channel": "qa"},
    "capgo_create_bundle": {"version": "2.3.1"},
    "capgo_set_bundle_metadata": {"version_id": 125, "comment": "Faster start"},
    "capgo_set_bundle_channel": {"version": "2.3.0", "channel": "staging"},
    "capgo_delete_bundle": {"version": "1.0.0"},
    "capgo_set_device_channel": {"device_id": _PLAIN, "channel": "beta"},
    "capgo_update_organization": {"website": "https://labs.example.com"},
    "capgo_invite_member": {"invite_type": "org_member"},
    "capgo_remove_member": {"email": "priya@example.com"},
    "capgo_create_webhook": {"url": "https://hooks.example.com/capgo", "events": ["channels"]},
    "capgo_get_webhook": _WEBHOOK,
    "capgo_update_webhook": {**_WEBHOOK, "name": "Releases"},
    "capgo_delete_webhook": _WEBHOOK,
    "capgo_test_webhook": _WEBHOOK,
    "capgo_list_webhook_deliveries": _WEBHOOK,
    "capgo_retry_webhook_delivery": {"delivery_id": "983da949-2100-5cda-8fc4-c93de5f9dd24"},
    "capgo_get_build_status": {"job_id": _BUILD.format(1)},
    "capgo_get_build_logs": {"job_id": _BUILD.format(2)},
    "capgo_cancel_build": {"job_id": _BUILD.format(3)},
    "capgo_update_notification_settings": {"push_update_enabled": True},
    "capgo_send_notification": {"target": "broadcast", "payload": {"title": "A new version is there"}},
    "capgo_trigger_update_check": {"target": "broadcast"},
    "capgo_observe": {"view": "events", "days": 7},
    "capgo_get_store_metadata": {"url": "https://play.google.com/store/apps/details?id=com.demo.app"},
    "capgo_summarize_devices": {"group_by": ["version"], "limit": 3},
    "capgo_find_devices": {"channel": "beta"},
    "capgo_get_release_status": {"version": "2.2.8"},
    "capgo_explain_device": {"device_id": _DEVICE},
    "capgo_get_device": {"device_id": _DEVICE},
    "capgo_get_bundle": {"version": "2.2.8"},
    "capgo_clean_up_bundles": {"keep": 10},
    "capgo_plan_release": {"version": "2.3.0", "channel": "production"},
    "capgo_get_update_health": {"version": "2.3.0"},
}
"""Arguments that one tool needs beside or instead of those."""


def _arguments(kind: type[Declared[Any]]) -> Facts:
    """The arguments that must be given, and `limit`."""
    reads = kind.spec.effect is Effect.READ
    wanted = [name for name, about in kind.model_fields.items() if about.is_required() or (reads and name == "limit")]
    return {name: _VALUES[name] for name in wanted if name in _VALUES} | _OF_TOOL.get(kind.spec.name, {})
