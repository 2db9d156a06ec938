"""What replicas know together, on a Valkey or Redis server; while that is away each goes on alone, and loses nothing.

Keys of Capgo are named there by a hash that is keyed with a secret of the replicas.
"""

import hashlib
import hmac
import logging
import math
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final

import anyio

from capgo_mcp.client.clock import Clock
from capgo_mcp.config.options import SettingsError
from capgo_mcp.safety.tokens import ProcessTokens

try:
    from valkey.asyncio import Valkey
    from valkey.exceptions import ValkeyError
except ImportError:  # the extra is not installed
    Valkey = None  # type: ignore[assignment,misc]  # `require_client` says so

log = logging.getLogger(__name__)

_LONGEST_ANSWER: Final = 0.5
"""Seconds to wait for the server; a call to Capgo takes as long without it."""
_LOOK_EVERY: Final = 2.0
_MOST_WAITING: Final = 10_000
"""Notes that are kept while the server is away; the oldest go first."""
_PREFIX: Final = "capgo-mcp:"

_FIRST_USE: Final = "return redis.call('SET', KEYS[1], 1, 'NX', 'EX', ARGV[1]) and 1 or 0"
_IS_USED: Final = "return redis.call('EXISTS', KEYS[1])"


class StateAway(Exception):
    """The server does not answer."""


class SharedState:
    """The server, as far as it can be reached.

    Args:
        url: Its address: `redis://`, `rediss://` (with TLS) or `unix://`, with its password if there is one.
        secret: What the hashes are keyed with, alike in all replicas.
        clock: What tells the time.

    Attributes:
        up: Whether it answered last.
        returns: What to do when it is back: what this process knows is told again, should the server have lost it.
    """

    def __init__(self, url: str, secret: str, clock: Clock) -> None:
        self.up = False
        self.returns: list[Callable[[], None]] = []
        self._server = Valkey.from_url(
            url, socket_timeout=_LONGEST_ANSWER, socket_connect_timeout=_LONGEST_ANSWER, protocol=3
        )
        self._secret = secret.encode()
        self._clock = clock
        self._scripts: dict[str, Any] = {}
        self._notes: deque[tuple[str, Sequence[str], Sequence[Any]]] = deque(maxlen=_MOST_WAITING)
        self._noted = anyio.Event()

    def name(self, kind: str, of: str | bytes) -> str:
        """The name under which something is kept."""
        plain = of if isinstance(of, bytes) else of.encode()
        return f"{_PREFIX}{kind}:{hmac.new(self._secret, plain, hashlib.sha256).hexdigest()[:40]}"

    async def ask(self, script: str, names: Sequence[str], *values: Any) -> Any:
        """What a script answers that the server runs in one go.

        Raises:
            StateAway: It does not answer, or did not the last time.
        """
        if not self.up:
            raise StateAway
        return await self._run(script, names, values)

    def note(self, script: str, names: Sequence[str], *values: Any) -> None:
        """Let a script be run soon, or as soon as the server is back."""
        self._notes.append((script, names, values))
        self._noted.set()

    async def serve(self) -> None:
        """Look after the server for as long as this runs."""
        while True:
            with suppress(StateAway):
                await self._look()
                await self._tell()
            with suppress(TimeoutError), self._clock.fail_after(_LOOK_EVERY):
                await self._noted.wait()
            # While the server is away, notes that wait for it would wake this again and again.
            if not self.up:
                await self._clock.sleep(_LONGEST_ANSWER)

    async def aclose(self) -> None:
        """Tell what is still to be told, and close the connections."""
        with suppress(StateAway):
            await self._tell()
        await self._server.aclose()

    async def _look(self) -> None:
        await self._run("return 1", (), ())
        if not self.up:
            self.up = True
            log.info("the shared state is there")
            for tell_again in self.returns:
                tell_again()

    async def _tell(self) -> None:
        # Before the notes are gone through, so that one which comes meanwhile is heard.
        self._noted = anyio.Event()
        while self._notes:
            await self._run(*self._notes[0])
            # Only now: what could not be told is told when the server is back.
            self._notes.popleft()

    async def _run(self, script: str, names: Sequence[str], values: Sequence[Any]) -> Any:
        if script not in self._scripts:
            self._scripts[script] = self._server.register_script(script)
        try:
            return await self._scripts[script](keys=list(names), args=list(values))
        except (ValkeyError, OSError, TimeoutError) as error:
            if self.up:
                log.warning("the shared state is away (%s): each process goes on by itself", type(error).__name__)
            self.up = False
            raise StateAway from error


class SharedTokens:
    """Tokens that were used at any replica.

    Args:
        state: Where they are remembered.
        clock: What tells the time.
    """

    def __init__(self, state: SharedState, clock: Clock) -> None:
        self._state = state
        self._own = ProcessTokens(clock)

    async def first_use(self, token: str, seconds: float) -> bool:
        """Use a token: true for the first who does; false as well while nobody could tell the other replicas."""
        first_here = await self._own.first_use(token, seconds)
        name = self._state.name("used", token)
        try:
            return bool(await self._state.ask(_FIRST_USE, [name], math.ceil(seconds))) and first_here
        except StateAway:
            self._state.note(_FIRST_USE, [name], math.ceil(seconds))
            return False

    async def is_used(self, token: str) -> bool:
        """Whether a token was used, here or, as far as that can be told, elsewhere."""
        if await self._own.is_used(token):
            return True
        try:
            return bool(await self._state.ask(_IS_USED, [self._state.name("used", token)]))
        except StateAway:
            return False


def require_client() -> None:
    """Return if there is what talks to the server.

    Raises:
        SettingsError: The extra is not installed.
    """
    if Valkey is None:
        raise SettingsError("--shared-state needs an extra: pip install 'capgo-mcp[valkey]'.")
