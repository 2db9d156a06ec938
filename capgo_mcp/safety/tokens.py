"""Remembers for a while what must not happen twice: one yes of a person serves one call, and a no is a no."""

from typing import Final, Protocol

from capgo_mcp.client.clock import Clock

_CAPACITY: Final = 10_000


class UsedTokens(Protocol):
    """Tokens that were used, known to all processes that share them."""

    async def first_use(self, token: str, seconds: float) -> bool:
        """Use a token: true for the first who does; it is remembered for so many seconds.

        False also where it cannot be remembered, since then nobody could tell the next one.
        """
        ...

    async def is_used(self, token: str) -> bool:
        """Whether a token was used and is still remembered."""
        ...


class ProcessTokens:
    """The tokens of one process.

    Args:
        clock: What tells how long a token has been remembered.
        capacity: How many are remembered at once; further ones are refused until others are forgotten.
    """

    def __init__(self, clock: Clock, capacity: int = _CAPACITY) -> None:
        self._clock = clock
        self._capacity = capacity
        self._until: dict[str, float] = {}

    async def first_use(self, token: str, seconds: float) -> bool:
        """Use a token: true for the first who does, if there is room to remember it."""
        if await self.is_used(token):
            return False
        if len(self._until) >= self._capacity:
            # Only when it is full, since it looks at each.
            self._forget()
            if len(self._until) >= self._capacity:
                return False
        self._until[token] = self._clock.now() + seconds
        return True

    async def is_used(self, token: str) -> bool:
        """Whether a token was used and is still remembered."""
        return self._clock.now() < self._until.get(token, 0.0)

    def _forget(self) -> None:
        now = self._clock.now()
        self._until = {token: until for token, until in self._until.items() if now < until}
