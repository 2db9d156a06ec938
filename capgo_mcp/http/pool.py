"""The callers of the HTTP server: each brings a Capgo key and gets a client and limits of its own.

What belongs to one key is reached through that key alone: the pool knows keys by a keyed hash, made with a secret that
dies with the process.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, Final

import anyio
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.request_state import authenticated_principal

from capgo_mcp.api import text
from capgo_mcp.api.errors import CapgoError, KeyMissing
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.client.clock import Clock, SystemClock
from capgo_mcp.client.key import KeySource, clean
from capgo_mcp.client.origin import key_name
from capgo_mcp.config.settings import Settings
from capgo_mcp.http.login_limiter import Newcomers
from capgo_mcp.http.settings import shared_key
from capgo_mcp.server.mcp import RequestContext
from capgo_mcp.server.tools import Toolbox

KEY_HEADER: Final = "x-capgo-api-key"
CAPACITY: Final = 1000
IDLE: Final = 600.0
"""Seconds after its last call for which a caller is remembered: longer than any wait Capgo asks for with a 429."""

_SWEEP: Final = 30.0
_HOW: Final = (
    "Ask the user to add the header X-Capgo-Api-Key, with an API key from the Capgo console, to this server's entry in "
    "the configuration of their MCP client."
)


@dataclass(frozen=True)
class CallerKey:
    """The key that came with a request; empty when none did."""

    value: str = field(default="", repr=False)

    async def read(self) -> str:
        """The key, cleaned of stray white space and quotes.

        Raises:
            KeyMissing: None came, or what came cannot be one.
        """
        if not self.value:
            raise KeyMissing("no_key", "No Capgo API key came with the request, so nothing was sent.", _HOW)
        try:
            return clean(self.value)
        except KeyMissing:
            sentence = "The Capgo API key that came with the request cannot be one: it has characters that no key has."
            raise KeyMissing("no_key", sentence, _HOW) from None


@dataclass(frozen=True)
class _Turned:
    """In place of a key, when a caller is turned away."""

    why: CapgoError

    async def read(self) -> str:
        """Never a key: tells why."""
        raise self.why


def _full() -> CapgoError:
    """A new one for each caller: an error that is raised again keeps the traceback of every time before."""
    sentence = "This server has as many callers as it can serve; nothing was sent."
    return CapgoError("server_busy", sentence, "Try again in a minute.")


@dataclass
class _Seat:
    """What belongs to one key."""

    capgo: Capgo
    toolbox: Toolbox
    calls: int = 0
    left_at: float = 0.0


class CallerPool:
    """A toolbox for each key that calls, kept while it is in use and some minutes after.

    Args:
        settings: Which tools there are, and the key for callers who bring none.
        bearer_is_key: Whether a bearer token is a Capgo key; not where it opens the server itself.
        capacity: How many callers are remembered at the same time.
        idle: Seconds after its last call for which a caller is remembered.
        processes: How many processes serve callers from the same address.
        clock: What tells the time.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        bearer_is_key: bool,
        processes: int = 1,
        capacity: int = CAPACITY,
        idle: float = IDLE,
        clock: Clock | None = None,
    ) -> None:
        self._settings = replace(settings, key=shared_key(settings) or CallerKey())
        self._bearer_is_key = bearer_is_key
        self._capacity = capacity
        self._idle = idle
        self._clock = clock or SystemClock()
        self._newcomers = Newcomers(self._clock, processes)
        self._pepper = secrets.token_bytes(32)
        self._seats: dict[bytes, _Seat] = {}  # the one that called last stands last
        self._leaving: list[_Seat] = []

    @property
    def has_room(self) -> bool:
        """Whether a caller who is not known yet would be served."""
        return len(self._seats) < self._capacity or any(not seat.calls for seat in self._seats.values())

    @asynccontextmanager
    async def open(self, _: object) -> AsyncIterator[None]:
        """A block within which callers are served; all their connections are closed at its end."""
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._sweep)
                yield
                tasks.cancel_scope.cancel()
        finally:
            self._dismiss(list(self._seats))
            with anyio.CancelScope(shield=True):
                await self._close()

    @asynccontextmanager
    async def toolbox(self, context: RequestContext) -> AsyncIterator[Toolbox]:
        """The tools of whoever made a request, with that caller's own key; they stay while the block runs."""
        given = self._given(context)
        seat = self._seat(given)
        seat.calls += 1
        try:
            await self._close()
            async with self._newcomers.trial(seat.capgo) if given else nullcontext() as refusal:
                yield self._made(_Turned(refusal)).toolbox if refusal else seat.toolbox
        finally:
            seat.calls -= 1
            seat.left_at = self._clock.now()

    def principal(self, context: RequestContext) -> str | None:
        """Who made a request: the token's owner and a hash of the key, alike in every process."""
        digest = hashlib.sha256(self._given(context).encode()).hexdigest()
        return json.dumps([authenticated_principal(context), digest])

    def caller(self, context: RequestContext) -> str | None:
        """What logs and traces call whoever made a request: the token's owner, or else a hash of the key."""
        if token := get_access_token():
            return text.clean(token.subject or token.client_id)
        given = self._given(context)
        return key_name(given) if given else None

    def _given(self, context: RequestContext) -> str:
        headers: Any = context.request.headers if context.request is not None else {}
        if key := headers.get(KEY_HEADER, "").strip():
            return str(key)
        scheme, _, token = headers.get("authorization", "").strip().partition(" ")
        return str(token.strip()) if self._bearer_is_key and scheme.lower() == "bearer" else ""

    def _seat(self, given: str) -> _Seat:
        """The seat of a key, which moves to the end of the line; without a wait, so that none gets two."""
        name = hmac.digest(self._pepper, given.encode(), "sha256")
        seat = self._seats.pop(name, None)
        if seat is None:
            if len(self._seats) >= self._capacity:
                unused = next((other for other, its in self._seats.items() if not its.calls), None)
                if unused is None:
                    return self._made(_Turned(_full()))
                self._dismiss([unused])
            seat = self._made(CallerKey(given) if given else None)
        self._seats[name] = seat
        return seat

    def _made(self, key: KeySource | None) -> _Seat:
        capgo = self._settings.connect(key)
        return _Seat(capgo, Toolbox(capgo, self._settings))

    def _dismiss(self, names: list[bytes]) -> None:
        self._leaving += [self._seats.pop(name) for name in names]

    async def _close(self) -> None:
        while self._leaving:
            async with self._leaving.pop().capgo:
                pass

    async def _sweep(self) -> None:
        while True:
            await self._clock.sleep(_SWEEP)
            since = self._clock.now() - self._idle
            self._dismiss([name for name, seat in self._seats.items() if not seat.calls and seat.left_at < since])
            await self._close()
