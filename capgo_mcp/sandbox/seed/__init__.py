"""A sandbox full of believable things: two organizations, three apps, a busy year behind them."""

import time
from collections.abc import Callable

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.sandbox.seed import events, fleet, people, pushes, releases, trail, usage
from capgo_mcp.sandbox.seed.calendar import Calendar
from capgo_mcp.sandbox.seed.people import ADMIN_KEY, DEVELOPER_KEY, EXPIRED_KEY, READER_KEY, UPLOADER_KEY
from capgo_mcp.sandbox.state import State

__all__ = ["ADMIN_KEY", "DEVELOPER_KEY", "EXPIRED_KEY", "READER_KEY", "UPLOADER_KEY", "seeded"]


def seeded(clock: Callable[[], float] = time.time, behaviour: Behaviour = Behaviour.NOVEMBER) -> State:
    """Make a filled state; the same clock gives the same state to the last byte."""
    state = State(clock, behaviour)
    calendar = Calendar(state.moment())
    # In this order: each needs what those before it have planted.
    for plant in (people.plant, releases.plant, fleet.plant, usage.plant, trail.plant, pushes.plant, events.plant):
        plant(state, calendar)
    return state
