"""Which failed requests may be sent again, when, and how long to wait for each: decisions without I/O.

What was only read can be read again. What writes is sent again only when it certainly was not done: Capgo was not
reached, or refused it for the number of calls. HTTP 500 is never repeated, because Capgo answers wrong input so.
"""

import random
from typing import Final

from capgo_mcp.api.errors import CapgoError, RateLimited, ServerFault, Unreachable
from capgo_mcp.api.operation import Effect

TRIES: Final = 4
"""Requests that one exchange may take."""
GATEWAY: Final = frozenset({502, 503, 504})
"""HTTP statuses of something in front of Capgo: whether Capgo got the request, they do not say."""

_BACKOFF: Final = 0.5
_LONGEST: Final = 8.0
_SHORT: Final = 1.0
"""Seconds a read about a device that is asked about too often waits; a write about it is not repeated at all."""


def pause(effect: Effect, error: CapgoError, tries: int) -> float | None:
    """Seconds to wait before a failed request is sent again; None when it must not be.

    Args:
        effect: What the operation does.
        error: How the request ended.
        tries: Requests made so far, this one included.
    """
    if tries >= TRIES:
        return None
    match error:
        case Unreachable():
            return _backoff(tries)
        case ServerFault(status=status) if effect is Effect.READ and status in GATEWAY:
            return _backoff(tries)
        case RateLimited(scope="key"):
            return error.retry_after
        case RateLimited(scope="device") if effect is Effect.READ and error.retry_after <= _SHORT:
            return error.retry_after
        case _:
            return None


def time_for_answer(effect: Effect, tries: int, left: float) -> float:
    """Seconds to wait for an answer: a read that hangs leaves half of its time for another try.

    Args:
        effect: What the operation does.
        tries: Requests made so far, this one included.
        left: Seconds until the call must be over.
    """
    return left / 2 if effect is Effect.READ and tries == 1 else left


def _backoff(tries: int) -> float:
    """Exponential, and anywhere below that, so that many clients do not come back at the same moment."""
    return random.uniform(0, min(_LONGEST, _BACKOFF * 2**tries))  # noqa: S311 - spreads load, guards no secret
