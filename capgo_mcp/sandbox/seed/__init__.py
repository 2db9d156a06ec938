"""A sandbox full of believable things: two organizations, three apps, a busy year behind them."""

import pickle
import time
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.sandbox.seed import builds, events, fleet, people, pushes, releases, trail, usage
from capgo_mcp.sandbox.seed.calendar import Calendar
from capgo_mcp.sandbox.seed.people import ADMIN_KEY, DEVELOPER_KEY, EXPIRED_KEY, READER_KEY, UPLOADER_KEY
from capgo_mcp.sandbox.state import State

__all__ = ["ADMIN_KEY", "DEVELOPER_KEY", "EXPIRED_KEY", "READER_KEY", "UPLOADER_KEY", "seeded"]


_OWN = {"clock", "behaviour", "limits", "meters"}
"""What each state has for itself, besides its tables."""
_PAST = (people, releases, fleet, usage, trail, pushes, events)
"""What is planted by the day alone, in this order: each needs what those before it have planted."""


def seeded(clock: Callable[[], float] = time.time, behaviour: Behaviour = Behaviour.NOVEMBER) -> State:
    """Make a filled state; the same clock gives the same state to the last byte."""
    state = State(clock, behaviour)
    calendar = Calendar(state.moment())
    vars(state).update(pickle.loads(_past(calendar.midnight)))  # noqa: S301 - these bytes are our own
    builds.plant(state, calendar)
    return state


@lru_cache(maxsize=2)
def _past(midnight: datetime) -> bytes:
    """Plant the tables as they are on a day; later states of that day, of which tests make thousands, are copies."""
    state = State(midnight.timestamp)
    for room in _PAST:
        room.plant(state, Calendar(midnight))
    return pickle.dumps({name: table for name, table in vars(state).items() if name not in _OWN})
