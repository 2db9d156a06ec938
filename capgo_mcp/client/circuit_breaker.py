"""What every request of one API key has to pass: it keeps to the rate, and lets none through after Capgo said so.

Capgo's limit slides (a call while refused starts the wait anew), and twenty refused keys block the whole address for
a quarter of an hour. So after the first such answer nothing is sent until there is reason to expect another one.
"""

import hashlib
import math
from contextlib import suppress
from enum import Enum
from typing import Final

import anyio

from capgo_mcp.api.errors import ApiError, CapgoError, KeyRefused, OutcomeUnknown, RateLimited, ServerFault, Unreachable
from capgo_mcp.client.clock import Clock
from capgo_mcp.client.retry import Deadline

PROBE_INTERVAL: Final = 1000.0
"""Seconds after which a refused key is tried once more: by then Capgo has forgotten the failure before."""

_BAD_KEY: Final = frozenset(
    {"no_key_provided", "no_jwt_apikey_or_subkey", "invalid_apikey", "invalid_jwt", "invalid_subkey"}
)
"""The codes by which Capgo counts a failed login."""
_UNTRIED: Final = 5
"""Requests that may leave with a key before the first answer to it is there."""
_FIRST_ANSWER: Final = 1.0
"""Seconds the others wait for that answer; a Capgo that hangs must not hold up everything."""


_BURST: Final = 4
"""One request in so many may leave at once; the others are spread over the minute."""


class RateLimiter:
    """At most `rate` requests in any minute, the first quarter of them without any wait.

    The generic cell rate algorithm, which needs one number per key.

    Args:
        rate: Requests per minute, at least 1.
    """

    def __init__(self, rate: float) -> None:
        burst = max(1, int(rate / _BURST))
        self.rate = rate
        # In the minute that begins with a burst, only the rest of the rate may follow it.
        self._interval = 60 / (rate - burst + 1)
        self._slack = (burst - 1) * self._interval
        self._due = 0.0  # when the next request would leave if none ever left early

    def wait(self, now: float) -> float:
        """Seconds until the next request may leave."""
        return max(0.0, self._due - self._slack - now)

    def book(self, now: float) -> None:
        """Take the next place; whoever asks now comes after it."""
        self._due = max(now, self._due) + self._interval

    def hold(self, until: float) -> None:
        """Let no further request leave before a moment, and none in a burst right after it."""
        self._due = max(self._due, until + self._slack)


class Standing(Enum):
    """What is known of a key."""

    UNTRIED = "untried"
    ACCEPTED = "accepted"
    REFUSED = "refused"


class CircuitBreaker:
    """Whether and when a request may leave with one key.

    Args:
        key: The key; only its hash is kept.
        limiter: How often requests may leave.
        clock: What tells the time.
    """

    def __init__(self, key: str, limiter: RateLimiter, clock: Clock) -> None:
        self._digest = _digest(key)
        self._limiter = limiter
        self._clock = clock
        self._paused_until = 0.0
        self._refused: str | None = None
        self._probe_at = 0.0
        self._untried = 0
        self._answered = anyio.Event()

    def belongs_to(self, key: str) -> bool:
        """Whether this is the circuit breaker of a key."""
        return self._digest == _digest(key)

    @property
    def standing(self) -> Standing:
        """What Capgo has said about the key so far."""
        if self._refused:
            return Standing.REFUSED if self._probe_at > self._clock.now() else Standing.UNTRIED  # it is due for a probe
        return Standing.ACCEPTED if self._answered.is_set() else Standing.UNTRIED

    async def enter(self, deadline: Deadline) -> None:
        """Return when a request may leave.

        Raises:
            KeyRefused: Capgo has refused the key; nothing is sent until it is changed or due for a probe.
            RateLimited: The wait would not fit into the deadline.
        """
        self._stop_refused_key()
        await self._first_answer()
        # The place is booked before the sleep: whoever comes during it must queue behind, not take the same place.
        while (wait := self._book(deadline)) > 0:
            await self._clock.sleep(wait)
            if self._clock.now() >= self._paused_until:
                break
            # Capgo paused the key meanwhile. The old place lies in the pause, so another one is booked after it.
        # Once more: many may have slept, and the first of them may have learned that the key is refused.
        self._stop_refused_key()
        self._probe_at = self._clock.now() + PROBE_INTERVAL  # of a refused key, this one request is the probe

    def note(self, error: CapgoError | None) -> None:
        """Learn from the outcome of a request; None stands for a good answer."""
        if not isinstance(error, Unreachable | OutcomeUnknown):
            self._answered.set()
        match error:
            case KeyRefused() if error.code in _BAD_KEY:
                self._refused = error.code
            case RateLimited(scope="key"):
                self._paused_until = max(self._paused_until, self._clock.now() + error.retry_after)
                self._limiter.hold(self._paused_until)
            case RateLimited() | ServerFault():
                pass  # these say nothing about the key
            case None | ApiError():
                self._refused = None  # whatever else is refused, the key itself was let in

    async def _first_answer(self) -> None:
        # If a new key is wrong, each request that leaves with it before this is known is one more failed login.
        self._untried += 1
        if self._untried > _UNTRIED and not self._answered.is_set():
            with suppress(TimeoutError), self._clock.fail_after(_FIRST_ANSWER):
                await self._answered.wait()

    def _book(self, deadline: Deadline) -> float:
        """Seconds to wait for the place that this takes."""
        now = self._clock.now()
        wait = self._limiter.wait(now)
        if wait > 0 and not deadline.allows(wait):
            raise self._too_soon(wait)
        self._limiter.book(now)
        return wait

    def _too_soon(self, wait: float) -> RateLimited:
        if self._clock.now() < self._paused_until:
            code, why = "paused_locally", "Capgo has refused this key for too many calls"
        else:
            code, why = (
                "paced_locally",
                f"These are more calls than the {self._limiter.rate:g} a minute that may be made",
            )
        error = RateLimited(code, f"{why}, so nothing was sent.", f"Try again in {math.ceil(wait)} seconds.")
        error.retry_after = wait
        return error

    def _stop_refused_key(self) -> None:
        wait = self._probe_at - self._clock.now()
        if self._refused and wait > 0:
            raise KeyRefused(
                "key_blocked_locally",
                f"Capgo has refused this API key ({self._refused}), so nothing was sent: "
                "more failed logins would block this address.",
                "Ask the user to replace the key: with capgo-mcp login or in the file that CAPGO_API_KEY_FILE names it "
                "counts without a restart, in CAPGO_API_KEY after one. "
                f"This key is tried again in {math.ceil(wait)} seconds.",
            )


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
