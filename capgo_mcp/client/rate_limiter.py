"""How often requests may leave: the generic cell rate algorithm, which needs one number per key."""

from typing import Final

_BURST: Final = 4
"""One request in so many may leave at once; the others are spread over the minute."""


class RateLimiter:
    """At most `rate` requests in any minute, the first quarter of them without any wait.

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
