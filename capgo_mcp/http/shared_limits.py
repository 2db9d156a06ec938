"""The limits that Capgo holds all replicas to together: failed logins of their address, calls of a key."""

from collections.abc import Collection
from typing import Final

import anyio

from capgo_mcp.client.bounds import Deadline
from capgo_mcp.client.circuit_breaker import LocalPace, too_soon
from capgo_mcp.client.clock import Clock
from capgo_mcp.client.login_limiter import REMEMBERED, LocalLoginLimiter, Trial, busy, paused
from capgo_mcp.http.shared_state import SharedState, StateAway

# Nine and ten are one fewer than Capgo counts to: the state may go away when the nine are used up, and leave the ten.
SHARED_BUDGET: Final = 9
"""Failed logins of an address after which no further key is tried."""
ALONE_BUDGET: Final = 10
"""Those that all its processes may make together while they know nothing of each other; Capgo counts to twenty."""

_AGAIN: Final = 0.02
"""Seconds after which whoever is first in line looks again whether there is a place."""
_KNOWN_FOR: Final = 24 * 3600

_NOW: Final = "local t = redis.call('TIME') local now = t[1] + t[2] / 1000000 "
# A trial of which nothing was heard for so long has failed: the process that made it is gone.
_BEGIN: Final = (
    _NOW
    + """
local budget, remembered, longest = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - longest)) do
  redis.call('ZADD', KEYS[2], now, id)
  redis.call('ZREM', KEYS[1], id)
end
local last = redis.call('ZREVRANGE', KEYS[2], 0, 0, 'WITHSCORES')
local forgotten = last[2] and last[2] + remembered or 0
if now >= forgotten then redis.call('DEL', KEYS[2]) end
local running, failed = redis.call('ZCARD', KEYS[1]), redis.call('ZCARD', KEYS[2])
local left = math.max(0, budget - failed)
if running + failed < budget then
  redis.call('ZADD', KEYS[1], now, ARGV[1])
  return {'0', left}
end
return {running > 0 and '-1' or tostring(forgotten - now), left}
"""
)
_FAIL: Final = _NOW + "redis.call('ZREM', KEYS[1], ARGV[1]) redis.call('ZADD', KEYS[2], now, ARGV[1])"
_END: Final = "redis.call('ZREM', KEYS[1], ARGV[1]) redis.call('ZREM', KEYS[2], ARGV[1])"
_KNOW: Final = "redis.call('SET', KEYS[1], 1, 'EX', ARGV[1])"
_FORGET: Final = "redis.call('DEL', KEYS[1])"
_KNOWS: Final = "return redis.call('EXISTS', KEYS[1])"
# The same algorithm as that of `RateLimiter`, by the clock of the server.
_RESERVE: Final = (
    _NOW
    + """
local interval, slack, longest = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local due = tonumber(redis.call('HGET', KEYS[1], 'due') or 0)
local paused = math.max(0, tonumber(redis.call('HGET', KEYS[1], 'paused') or 0) - now)
local wait = math.max(0, due - slack - now)
if wait > 0 and wait > longest then return {'0', tostring(wait), tostring(paused)} end
due = math.max(now, due) + interval
redis.call('HSET', KEYS[1], 'due', string.format('%.6f', due))
redis.call('EXPIRE', KEYS[1], math.ceil(due - now) + 60)
return {'1', tostring(wait), tostring(paused)}
"""
)
_HOLD: Final = (
    _NOW
    + """
local slack, till = tonumber(ARGV[1]), now + ARGV[2]
local due = tonumber(redis.call('HGET', KEYS[1], 'due') or 0)
local paused = tonumber(redis.call('HGET', KEYS[1], 'paused') or 0)
till = math.max(till, paused)
due = math.max(due, till + slack)
redis.call('HSET', KEYS[1], 'due', string.format('%.6f', due), 'paused', string.format('%.6f', till))
redis.call('EXPIRE', KEYS[1], math.ceil(due - now) + 60)
"""
)


class SharedLoginLimiter:
    """The login limiter of all processes behind one address.

    Args:
        state: What they share.
        address: Which address that is.
        clock: What tells the time.
        processes: How many they are; each has its share of the budget while the state is away.
        longest: Seconds after which a trial of which nothing is heard has failed.
    """

    def __init__(self, state: SharedState, address: str, clock: Clock, processes: int, longest: float) -> None:
        self._state = state
        self._clock = clock
        self._longest = longest
        self._own = LocalLoginLimiter(clock, ALONE_BUDGET // processes, 0)
        self._names = (state.name("trials", address), state.name("failures", address))
        self._line = anyio.Lock()
        self._left, self._left_until = SHARED_BUDGET, 0.0
        state.returns.append(self._tell_again)

    @property
    def left(self) -> int:
        """How many keys may fail yet before no further one is tried, as this process was told last."""
        if not self._state.up:
            return self._own.left
        return self._left if self._clock.now() < self._left_until else SHARED_BUDGET

    async def knows(self, key: bytes) -> bool:
        """Whether Capgo has accepted a key within a day, at any replica."""
        if await self._own.knows(key):
            return True
        try:
            known = bool(await self._state.ask(_KNOWS, [self._key(key)]))
        except StateAway:
            return False
        if known:
            self._own.accept(key, ())
        return known

    async def admit(self, key: bytes, deadline: Deadline) -> Trial | None:
        """Wait in line until a request with a key may leave; None when the key is known.

        Raises:
            CapgoError: No further key is tried for now, or the wait would not fit into the deadline.
        """
        try:
            with self._clock.fail_after(deadline.left_for_waits):
                async with self._line:
                    while not await self.knows(key):
                        if trial := await self._begun(deadline):
                            return trial
                        await self._clock.sleep(_AGAIN)
        except TimeoutError:
            raise busy() from None
        except StateAway:
            return await self._own.admit(key, deadline)
        return None

    def accept(self, key: bytes, trials: Collection[Trial]) -> None:
        """Learn that Capgo accepts a key, so that none of the trials with it has failed."""
        self._own.accept(key, trials)
        self._state.note(_KNOW, [self._key(key)], _KNOWN_FOR)
        for trial in trials:
            self._state.note(_END, self._names, trial.name)

    def refuse(self, key: bytes, trial: Trial | None) -> None:
        """Learn that Capgo counted a failed login, of a key on trial or of one that it had accepted before."""
        failed = trial or Trial()
        self._own.refuse(key, failed)
        self._state.note(_FORGET, [self._key(key)])
        self._state.note(_FAIL, self._names, failed.name)

    def release(self, trial: Trial) -> None:
        """Learn that a request was no failed login."""
        self._own.release(trial)
        self._state.note(_END, self._names, trial.name)

    def lose(self, trial: Trial) -> None:
        """Learn that a request was sent and its outcome will not be known, unless the key is accepted later."""
        self._own.lose(trial)
        self._state.note(_FAIL, self._names, trial.name)

    async def _begun(self, deadline: Deadline) -> Trial | None:
        trial = Trial()
        try:
            answer = await self._state.ask(_BEGIN, self._names, trial.name, SHARED_BUDGET, REMEMBERED, self._longest)
        except BaseException:
            self._state.note(_END, self._names, trial.name)  # it may have begun there all the same
            raise
        # 0 has begun one, -1 waits for a running one to end, and anything more is the seconds until Capgo forgets.
        wait, self._left = float(answer[0]), int(answer[1])
        self._left_until = self._clock.now() + (wait if wait > 0 else REMEMBERED)
        if wait > 0 and not deadline.allows(wait):
            raise paused(wait)
        return None if wait else trial

    def _key(self, key: bytes) -> str:
        return self._state.name("accepted", key)

    def _tell_again(self) -> None:
        for key in self._own.known:
            self._state.note(_KNOW, [self._key(key)], _KNOWN_FOR)
        for trial in self._own.failed:
            self._state.note(_FAIL, self._names, trial.name)


class SharedPace(LocalPace):
    """The pace of a key at all replicas; by itself while the state is away.

    Args:
        state: What they share.
        key: The hash of the key.
        rate: Requests that may leave in a minute.
        clock: What tells the time.
    """

    def __init__(self, state: SharedState, key: bytes, rate: float, clock: Clock) -> None:
        super().__init__(rate, clock)
        self._state = state
        self._name = state.name("pace", key)

    async def reserve(self, deadline: Deadline) -> float:
        """Take the next place; seconds until it comes.

        Raises:
            RateLimited: The wait would not fit into the deadline, and no place was taken.
        """
        limiter = self._limiter
        try:
            booked, told, refused = await self._state.ask(
                _RESERVE, [self._name], limiter.interval, limiter.slack, deadline.left_for_waits
            )
        except StateAway:
            return await super().reserve(deadline)
        now, wait = self._clock.now(), float(told)
        self.paused_until = max(self.paused_until, now + float(refused))
        if not int(booked):
            raise too_soon(wait, limiter.rate, paused=float(refused) > 0)
        limiter.book(now)  # should the state go away, this process goes on from here
        return wait

    def hold(self, seconds: float) -> None:
        """Learn that Capgo refuses the key for some time."""
        super().hold(seconds)
        self._state.note(_HOLD, [self._name], self._limiter.slack, seconds)
