"""What every request of one API key has to pass: it keeps to the rate, and lets none through after Capgo said so.

Capgo's limit slides (a call while refused starts the wait anew), and twenty refused keys block the whole address for
a quarter of an hour. So after the first such answer nothing is sent until there is reason to expect another one.
"""

import hashlib
import math
from contextlib import suppress
from enum import Enum
from typing import Final, Protocol

import anyio

from capgo_mcp.api.errors import (
    CapgoError,
    KeyRefused,
    NotAllowed,
    OutcomeUnknown,
    RateLimited,
    Refused,
    Unreachable,
)
from capgo_mcp.client.bounds import Deadline
from capgo_mcp.client.clock import Clock
from capgo_mcp.client.login_limiter import LoginLimiter, Trial

PROBE_INTERVAL: Final = 1000.0
"""Seconds after which a refused key is tried once more: by then Capgo has forgotten the failure before."""

_BAD_KEY: Final = frozenset(
    {"no_key_provided", "no_jwt_apikey_or_subkey", "invalid_apikey", "invalid_jwt", "invalid_subkey"}
)
"""The codes by which Capgo counts a failed login."""
_FIRST_ANSWER: Final = 1.0
"""Seconds the others wait for the first answer to a key; a Capgo that hangs must not hold up everything."""
_TELL_EVERY: Final = 3600.0
"""Seconds after which the login limiter is told again that a key is good, so that it stays known while it is used."""


_BURST: Final = 4
"""One request in so many may leave at once; the others are spread over the minute."""


class RateLimiter:
    """At most `rate` requests in any minute, the first quarter of them without any wait.

    The generic cell rate algorithm, which needs one number per key.

    Args:
        rate: Requests per minute, at least 1.

    Attributes:
        rate: The same.
        interval: Seconds between two requests that do not leave early.
        slack: Seconds by which a request may leave early.
    """

    def __init__(self, rate: float) -> None:
        burst = max(1, int(rate / _BURST))
        self.rate = rate
        # In the minute that begins with a burst, only the rest of the rate may follow it.
        self.interval = 60 / (rate - burst + 1)
        self.slack = (burst - 1) * self.interval
        self._due = 0.0  # when the next request would leave if none ever left early

    def wait(self, now: float) -> float:
        """Seconds until the next request may leave."""
        return max(0.0, self._due - self.slack - now)

    def book(self, now: float) -> None:
        """Take the next place; whoever asks now comes after it."""
        self._due = max(now, self._due) + self.interval

    def hold(self, until: float) -> None:
        """Let no further request leave before a moment, and none in a burst right after it."""
        self._due = max(self._due, until + self.slack)


class Pace(Protocol):
    """Gives each request of a key its place in time."""

    @property
    def paused_until(self) -> float:
        """Until when Capgo refuses the key, as far as is known, by this process's clock."""
        ...

    async def reserve(self, deadline: Deadline) -> float:
        """Take the next place; seconds until it comes.

        Raises:
            RateLimited: The wait would not fit into the deadline, and no place was taken.
        """
        ...

    def hold(self, seconds: float) -> None:
        """Learn that Capgo refuses the key for some time."""
        ...


class LocalPace:
    """The pace of a key in one process.

    Args:
        rate: Requests that may leave in a minute.
        clock: What tells the time.
    """

    def __init__(self, rate: float, clock: Clock) -> None:
        self._limiter = RateLimiter(rate)
        self._clock = clock
        self.paused_until = 0.0

    async def reserve(self, deadline: Deadline) -> float:
        """Take the next place; seconds until it comes.

        Raises:
            RateLimited: The wait would not fit into the deadline, and no place was taken.
        """
        now = self._clock.now()
        wait = self._limiter.wait(now)
        if wait > 0 and not deadline.allows(wait):
            raise too_soon(wait, self._limiter.rate, paused=now < self.paused_until)
        self._limiter.book(now)
        return wait

    def hold(self, seconds: float) -> None:
        """Learn that Capgo refuses the key for some time."""
        self.paused_until = max(self.paused_until, self._clock.now() + seconds)
        self._limiter.hold(self.paused_until)


def too_soon(wait: float, rate: float, *, paused: bool) -> RateLimited:
    """The error for a request whose place comes too late."""
    if paused:
        code, why = "paused_locally", "Capgo has refused this key for too many calls"
    else:
        code, why = "paced_locally", f"These are more calls than the {rate:g} a minute that may be made"
    error = RateLimited(code, f"{why}, so nothing was sent.", f"Try again in {math.ceil(wait)} seconds.")
    error.retry_after = wait
    return error


class Standing(Enum):
    """What is known of a key."""

    UNTRIED = "untried"
    ACCEPTED = "accepted"
    REFUSED = "refused"


class CircuitBreaker:
    """Whether and when a request may leave with one key.

    Args:
        key: The key; only its hash is kept.
        pace: How often requests may leave.
        clock: What tells the time.
        logins: Where the key is one of many, who lets those be tried that Capgo has not accepted.
    """

    def __init__(self, key: str, pace: Pace, clock: Clock, logins: LoginLimiter | None = None) -> None:
        self._digest = digest_of(key)
        self._pace = pace
        self._clock = clock
        self._logins = logins
        self._accepted = False
        self._lost: list[Trial] = []
        self._told_at = 0.0
        self._refused: str | None = None
        self._probe_at = 0.0
        self._running = 0
        self._ended = anyio.Event()

    def belongs_to(self, key: str) -> bool:
        """Whether this is the circuit breaker of a key."""
        return self._digest == digest_of(key)

    @property
    def standing(self) -> Standing:
        """What Capgo has said about the key so far."""
        if self._refused:
            return Standing.REFUSED if self._probe_at > self._clock.now() else Standing.UNTRIED  # it is due for a probe
        return Standing.ACCEPTED if self._accepted else Standing.UNTRIED

    async def enter(self, deadline: Deadline) -> Trial | None:
        """Return when a request may leave, with what to `note` its outcome with.

        Raises:
            KeyRefused: Capgo has refused the key; nothing is sent until it is changed or due for a probe.
            RateLimited: The wait would not fit into the deadline.
            CapgoError: The key is not known to be good, and none such is tried for now.
        """
        self._stop_refused_key()
        await self._first_answer()
        self._running += 1
        try:
            return await self._entered(deadline)
        except BaseException:
            self._end()
            raise

    def note(self, error: CapgoError | None, trial: Trial | None = None) -> None:
        """Learn from the outcome of a request.

        Only a good answer or a refusal for want of rights proves a key: what else is answered may have been said
        before anybody looked at it.

        Args:
            error: How it ended; None stands for a good answer.
            trial: What the request entered with.
        """
        self._end()
        match error:
            case None | NotAllowed():
                self._accept(trial)
            case KeyRefused() if error.code in _BAD_KEY:
                self._refuse(error.code, trial)
            # None of these tells whether Capgo counted a failed login.
            case OutcomeUnknown() | Unreachable(sent=True) | Refused(status=401):
                self._lose(trial)
            case _:
                if isinstance(error, RateLimited) and error.scope == "key":
                    self._pace.hold(error.retry_after)
                self._release(trial)

    def lose(self, trial: Trial | None) -> None:
        """Learn that nobody will know how a request ended, such as one whose caller left."""
        self._end()
        self._lose(trial)

    def _lose(self, trial: Trial | None) -> None:
        if trial and self._logins:
            self._lost.append(trial)
            self._logins.lose(trial)

    def _accept(self, trial: Trial | None) -> None:
        self._refused = None
        self._accepted = True
        now = self._clock.now()
        if self._logins and (trial or now > self._told_at + _TELL_EVERY):
            self._told_at = now
            # The key is good, so requests with it whose answers were lost cannot have failed.
            self._logins.accept(self._digest, [trial, *self._lost] if trial else self._lost)
            self._lost = []

    def _refuse(self, code: str, trial: Trial | None) -> None:
        self._refused = code
        self._accepted = False
        if self._logins:
            self._logins.refuse(self._digest, trial)

    def _release(self, trial: Trial | None) -> None:
        if self._logins and trial:
            self._logins.release(trial)

    async def _tried(self, logins: LoginLimiter, deadline: Deadline) -> Trial | None:
        trial = await logins.admit(self._digest, deadline)
        self._accepted = self._accepted or trial is None
        return trial

    async def _entered(self, deadline: Deadline) -> Trial | None:
        # The place is booked before the sleep: whoever comes during it must queue behind, not take the same place.
        while (wait := await self._pace.reserve(deadline)) > 0:
            await self._clock.sleep(wait)
            if self._clock.now() >= self._pace.paused_until:
                break
            # Capgo paused the key meanwhile. The old place lies in the pause, so another one is booked after it.
        trial = None if self._accepted or self._logins is None else await self._tried(self._logins, deadline)
        # Once more: many may have waited, and the first of them may have learned that the key is refused.
        self._stop_refused_key(trial)
        self._probe_at = self._clock.now() + PROBE_INTERVAL  # of a refused key, this one request is the probe
        return trial

    async def _first_answer(self) -> None:
        # If a new key is wrong, each request that leaves with it before this is known is one more failed login.
        if self._running > 0 and not self._accepted:
            with suppress(TimeoutError), self._clock.fail_after(_FIRST_ANSWER):
                await self._ended.wait()

    def _end(self) -> None:
        self._running -= 1
        if not self._accepted:
            # An event stays set: who waits for the next answer needs another one.
            self._ended.set()
            self._ended = anyio.Event()

    def _stop_refused_key(self, trial: Trial | None = None) -> None:
        wait = self._probe_at - self._clock.now()
        if self._refused and wait > 0:
            self._release(trial)
            raise KeyRefused(
                "key_blocked_locally",
                f"Capgo has refused this API key ({self._refused}), so nothing was sent: "
                "more failed logins would block this address.",
                "Ask the user to replace the key: with capgo-mcp login or in the file that CAPGO_API_KEY_FILE names it "
                "counts without a restart, in CAPGO_API_KEY after one. "
                f"This key is tried again in {math.ceil(wait)} seconds.",
            )


def digest_of(key: str) -> bytes:
    """The hash by which a key is known here."""
    return hashlib.sha256(key.encode()).digest()
