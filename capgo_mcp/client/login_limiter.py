"""Keeps a few callers with wrong keys from shutting everyone out.

Capgo blocks an address for a quarter of an hour after twenty failed logins, and all callers of one server share its
address. Each failure makes Capgo remember those before for another quarter of an hour, so twenty in a whole day are
too many if they never pause for so long. So a request with a key that Capgo has not accepted counts as failed until
its answer shows otherwise, and none leaves that could be one too many. Accepted keys pass.
"""

import math
import secrets
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol, Self

import anyio

from capgo_mcp.api.errors import CapgoError
from capgo_mcp.client.bounds import Deadline
from capgo_mcp.client.clock import Clock

BLOCKED_AT: Final = 20
"""Failed logins after which Capgo blocks an address."""
# Budget and spare together are one fewer than Capgo counts to, so that the worst case blocks nobody.
BUDGET: Final = 12
"""Failed logins after which no further key is tried."""
SPARE: Final = 7
"""Requests beyond that, one now and then, while some of the others got no answer: Capgo may be back."""
REMEMBERED: Final = 15 * 60.0
"""Seconds after the last failure for which Capgo remembers all of them."""

_SPARE_EVERY: Final = 30.0
_KNOWN_FOR: Final = 24 * 3600.0
"""Seconds for which a key stays accepted without being used: somebody who comes back the next morning is known."""
_MOST_KNOWN: Final = 10_000


@dataclass(eq=False)
class Trial:
    """A request with a key that Capgo has not accepted yet.

    Attributes:
        unanswered: Whether it got no answer, so that it may have failed or not.
        name: What tells it from all others, of other processes as well.
    """

    unanswered: bool = False
    name: str = field(default_factory=partial(secrets.token_hex, 8))


class LoginLimiter(Protocol):
    """Tries keys that are not known to be good, for all callers behind one address."""

    @property
    def left(self) -> int:
        """How many keys may fail yet before no further one is tried, as far as this process knows."""
        ...

    async def knows(self, key: bytes) -> bool:
        """Whether Capgo has accepted a key.

        Args:
            key: The hash of the key.
        """
        ...

    async def admit(self, key: bytes, deadline: Deadline) -> Trial | None:
        """Wait until a request with a key may leave; None when the key is known.

        Raises:
            CapgoError: No further key is tried for now, or the wait would not fit into the deadline.
        """
        ...

    def accept(self, key: bytes, trials: Collection[Trial]) -> None:
        """Learn that Capgo accepts a key, so that none of the trials with it has failed."""
        ...

    def refuse(self, key: bytes, trial: Trial | None) -> None:
        """Learn that Capgo counted a failed login, of a key on trial or of one that it had accepted before."""
        ...

    def release(self, trial: Trial) -> None:
        """Learn that a request was no failed login."""
        ...

    def lose(self, trial: Trial) -> None:
        """Learn that a request was sent and its outcome will not be known, unless the key is accepted later."""
        ...


class LocalLoginLimiter:
    """The login limiter of one process, with its share of the failures that an address may make.

    Args:
        clock: What tells the time.
        budget: Failed logins after which no further key is tried.
        spare: Trials beyond that, while some of the others got no answer.
    """

    def __init__(self, clock: Clock, budget: int = BUDGET, spare: int = SPARE) -> None:
        self._clock = clock
        self._budget = budget
        self._spare = spare
        self._running: set[Trial] = set()
        self._failed: set[Trial] = set()
        self._forgotten_at = 0.0
        self._admitted_at = 0.0
        self._known: dict[bytes, float] = {}  # until when; the key that was accepted last stands last
        self._line = anyio.Lock()
        self._changed = anyio.Event()

    @property
    def known(self) -> Collection[bytes]:
        """The hashes of the keys that Capgo has accepted."""
        return self._known

    @property
    def failed(self) -> Collection[Trial]:
        """The trials that Capgo counts as failed, as far as is known."""
        self._forget()
        return self._failed

    @property
    def left(self) -> int:
        """How many keys may fail yet before no further one is tried."""
        return max(0, self._budget - len(self.failed))

    @property
    def most(self) -> int:
        """How many keys it lets fail before Capgo forgets, in the worst case."""
        return self._budget + self._spare

    @classmethod
    def of(cls, clock: Clock, processes: int) -> Self:
        """The login limiter of one of so many processes behind one address, fewer than Capgo counts to."""
        # At least one each, or nobody could ever come in: so there have to be fewer processes than Capgo counts to.
        return cls(clock, max(1, BUDGET // processes), SPARE // processes)

    async def knows(self, key: bytes) -> bool:
        """Whether Capgo has accepted a key within a day."""
        return self._known.get(key, 0.0) > self._clock.now()

    async def admit(self, key: bytes, deadline: Deadline) -> Trial | None:
        """Wait in line until a request with a key may leave; None when the key is known.

        Raises:
            CapgoError: No further key is tried for now, or the wait would not fit into the deadline.
        """
        try:
            with self._clock.fail_after(deadline.left_for_waits):
                # Who waits keeps the lock, which is handed on in the order of arrival: nobody overtakes.
                async with self._line:
                    while not await self.knows(key):
                        if (wait := self._wait()) <= 0:
                            return self._begun()
                        if wait < math.inf and not deadline.allows(wait):
                            raise paused(wait)
                        await self._change(wait)
        except TimeoutError:
            raise busy() from None
        return None

    def accept(self, key: bytes, trials: Collection[Trial]) -> None:
        """Learn that Capgo accepts a key, so that none of the trials with it has failed."""
        self._known.pop(key, None)
        self._known[key] = self._clock.now() + _KNOWN_FOR
        if len(self._known) > _MOST_KNOWN:
            del self._known[next(iter(self._known))]
        for trial in trials:
            self.release(trial)

    def refuse(self, key: bytes, trial: Trial | None) -> None:
        """Learn that Capgo counted a failed login, of a key on trial or of one that it had accepted before."""
        self._known.pop(key, None)
        self._fail(trial or Trial())

    def release(self, trial: Trial) -> None:
        """Learn that a request was no failed login."""
        self._running.discard(trial)
        self._failed.discard(trial)
        self._tell()

    def lose(self, trial: Trial) -> None:
        """Learn that a request was sent and its outcome will not be known, unless the key is accepted later."""
        trial.unanswered = True
        self._fail(trial)

    def _fail(self, trial: Trial) -> None:
        self._forget()
        self._running.discard(trial)
        self._failed.add(trial)
        self._forgotten_at = self._clock.now() + REMEMBERED
        self._tell()

    def _begun(self) -> Trial:
        trial = Trial()
        self._running.add(trial)
        self._admitted_at = self._clock.now()
        return trial

    def _forget(self) -> None:
        if self._clock.now() >= self._forgotten_at:
            self._failed.clear()

    def _wait(self) -> float:
        """Seconds until another trial may begin; infinitely many when only the end of a running one can tell."""
        self._forget()
        used = len(self._running) + len(self._failed)
        if used < self._budget:
            return 0.0
        now = self._clock.now()
        unanswered = sum(trial.unanswered for trial in self._failed)
        # The spare ones are for outages: keys that were refused do not reach them.
        if used - unanswered < self._budget and used < self._budget + self._spare:
            return self._admitted_at + _SPARE_EVERY - now
        # A process without a share tries nothing at all.
        return math.inf if self._running else self._forgotten_at - now if self._failed else REMEMBERED

    async def _change(self, longest: float) -> None:
        """Return when a trial has ended, or after some time."""
        if not self._running:
            await self._clock.sleep(longest)
            return
        with suppress(TimeoutError), self._clock.fail_after(longest):
            await self._changed.wait()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = anyio.Event()


def paused(wait: float) -> CapgoError:
    """The error for a key that is not tried for some seconds."""
    return CapgoError(
        "logins_paused",
        "Several callers of this server came with keys that Capgo refused or never answered; it would block them all "
        "if there were more, so no further key is tried for now.",
        f"Try again in {math.ceil(wait / 60)} minutes; whoever runs the server should find out who sends wrong keys.",
    )


def busy() -> CapgoError:
    """The error for a caller whose turn did not come in time."""
    return CapgoError("server_busy", "Too many new callers come at once; nothing was sent.", "Try again in a minute.")
