"""The callers of the HTTP server: each brings a Capgo key and gets a client and limits of its own.

What belongs to one key is reached through that key alone: the pool knows keys by a keyed hash, made with a secret that
dies with the process.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

import anyio
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.request_state import authenticated_principal

from capgo_mcp.api import text
from capgo_mcp.api.errors import CapgoError, KeyMissing
from capgo_mcp.client.circuit_breaker import Standing, digest_of
from capgo_mcp.client.clock import Clock, SystemClock
from capgo_mcp.client.key import KeySource, clean
from capgo_mcp.client.login_limiter import LocalLoginLimiter, LoginLimiter
from capgo_mcp.client.origin import key_name
from capgo_mcp.config.settings import Settings
from capgo_mcp.http.seats import Seat, Seats
from capgo_mcp.http.settings import shared_key
from capgo_mcp.http.shared_limits import SharedLoginLimiter, SharedPace
from capgo_mcp.http.shared_state import SharedState
from capgo_mcp.server import apps
from capgo_mcp.server.mcp import RequestContext
from capgo_mcp.server.selection import chosen
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


class CallerPool:
    """A toolbox for each key that calls, kept while it is in use and some minutes after.

    Seats belong to keys that Capgo has accepted. Whoever comes with another key sits with the others of that kind
    until then, so that no number of wrong keys costs anybody a seat, and what is remembered with it.

    Args:
        settings: Which tools there are, and the key for callers who bring none.
        bearer_is_key: Whether a bearer token is a Capgo key; not where it opens the server itself.
        capacity: How many callers are remembered at the same time.
        idle: Seconds after its last call for which a caller is remembered.
        processes: How many processes serve callers from the same address.
        state: What they share, if they share anything.
        egress: Name of that address.
        offers_pages: Whether clients that cannot say what they show are told of pages for the chat.
        clock: What tells the time.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        bearer_is_key: bool,
        processes: int = 1,
        state: SharedState | None = None,
        egress: str = "",
        offers_pages: bool = False,
        capacity: int = CAPACITY,
        idle: float = IDLE,
        clock: Clock | None = None,
    ) -> None:
        self._settings = replace(settings, key=shared_key(settings) or CallerKey())
        self._bearer_is_key = bearer_is_key
        self._offers_pages = offers_pages
        self._idle = idle
        self._clock = clock or SystemClock()
        self._state = state
        self._logins: LoginLimiter = (
            # No request lasts longer than a call may: after twice that, whoever sent it is gone.
            SharedLoginLimiter(state, egress, self._clock, processes, 2 * settings.timeout)
            if state
            else LocalLoginLimiter.of(self._clock, processes)
        )
        self._connections = settings.connections()
        self._tools = {tool.name: tool for tool in chosen(settings)}
        self._pepper = secrets.token_bytes(32)
        self._capacity = capacity
        self._accepted = Seats(capacity)
        self._others = Seats(capacity)

    @property
    def has_room(self) -> bool:
        """Whether a caller who is not known yet would be served."""
        return self._others.has_room

    @property
    def condition(self) -> dict[str, str]:
        """What is not as it should be, though callers are served."""
        away = {"shared_state": "away"} if self._state and not self._state.up else {}
        return away | ({} if self._logins.left else {"new_callers": "paused"})

    def figures(self) -> dict[str, int]:
        """How full it is at the moment."""
        known, others = [*self._accepted], [*self._others]
        figures = {
            "calls": sum(seat.calls for seat in known + others),
            "seats": len(known),
            "others": len(others),
            "capacity": self._capacity,
            "logins_left": self._logins.left,
        }
        return figures | ({"shared_state": int(self._state.up)} if self._state else {})

    @asynccontextmanager
    async def open(self, _: object) -> AsyncIterator[None]:
        """A block within which callers are served; all connections to Capgo are closed at its end."""
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._sweep)
                if self._state:
                    tasks.start_soon(self._state.serve)
                yield
                tasks.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await self._connections.aclose()
                if self._state:
                    await self._state.aclose()

    @asynccontextmanager
    async def toolbox(self, context: RequestContext) -> AsyncIterator[Toolbox]:
        """The tools of whoever made a request, with that caller's own key; they stay while the block runs."""
        given = self._given(context)
        name = hmac.digest(self._pepper, given.encode(), "sha256")
        seat = self._found(name) or self._given_to(name, given, known=await self._is_known(given))
        seat.calls += 1
        try:
            yield seat.toolbox
        finally:
            seat.calls -= 1
            seat.left_at = self._clock.now()
            self._sort(name, seat)

    def principal(self, context: RequestContext) -> str | None:
        """Who made a request: the token's owner and a hash of the key, alike in every process."""
        digest = hashlib.sha256(self._given(context).encode()).hexdigest()
        return json.dumps([authenticated_principal(context), digest])

    def shows_pages(self, context: RequestContext) -> bool:
        """Whether a client has said so, or cannot say it: in older revisions, nothing is kept between requests."""
        able = context.session.client_capabilities
        return self._offers_pages if able is None else apps.shown_by(able)

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

    async def _is_known(self, given: str) -> bool:
        """Whether a key is good as far as this server has seen, or its own."""
        return not given or await self._logins.knows(digest_of(given))

    def _found(self, name: bytes) -> Seat | None:
        return self._accepted.take(name) or self._others.take(name)

    def _given_to(self, name: bytes, given: str, *, known: bool) -> Seat:
        """The seat of a key; without a wait, so that none gets two."""
        if seat := self._found(name):
            return seat
        seat = self._made(CallerKey(given) if given else None)
        seated = (known and self._accepted.put(name, seat)) or self._others.put(name, seat)
        return seat if seated else self._made(_Turned(_full()))

    def _made(self, key: KeySource | None) -> Seat:
        logins = self._logins if key else None
        pace = partial(SharedPace, self._state, rate=self._settings.rate, clock=self._clock) if self._state else None
        capgo = self._settings.connect(key, connections=self._connections, clock=self._clock, logins=logins, pace=pace)
        return Seat(capgo, Toolbox(capgo, self._settings, self._tools))

    def _sort(self, name: bytes, seat: Seat) -> None:
        """Let a seat stand with those of keys that Capgo has met in the same way."""
        moves = {Standing.ACCEPTED: (self._others, self._accepted), Standing.REFUSED: (self._accepted, self._others)}
        if move := moves.get(seat.capgo.standing):
            source, target = move
            # While its call ran, this seat may have been given up, and another one made for the same key.
            if source.holds(name, seat) and target.put(name, seat):
                source.drop(name)

    async def _sweep(self) -> None:
        while True:
            await self._clock.sleep(_SWEEP)
            since = self._clock.now() - self._idle
            self._accepted.drop_unused(since)
            self._others.drop_unused(since)
