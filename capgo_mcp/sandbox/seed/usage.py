"""Sixty days of statistics."""

import math
from datetime import timedelta

from capgo_mcp.sandbox.seed.calendar import Calendar
from capgo_mcp.sandbox.seed.people import DEMO_APP, NOTES_APP, RIDER_APP
from capgo_mcp.sandbox.state import State

DAYS = 60

_USERS = {DEMO_APP: 240, NOTES_APP: 12, RIDER_APP: 30}
_SHARES = (0.52, 0.2, 0.12, 0.09, 0.05, 0.02)
_SHELLS = ("2.2.0", "2.1.0", "2.0.0")
_MONTH = 30
_MEGABYTE = 1_000_000


def plant(state: State, calendar: Calendar) -> None:
    """Fill in the days."""
    for app_id, users in _USERS.items():
        for back in range(DAYS, 0, -1):
            _add_day(state, calendar, app_id, users, back)


def _add_day(state: State, calendar: Calendar, app_id: str, users: int, back: int) -> None:
    day = calendar.day(back)
    active = round(users * (0.82 + 0.1 * math.sin(back * 2 * math.pi / 7) - back * 0.003))
    stored = (4 if back % 4 == 0 else 0) * _MEGABYTE
    state.usage[app_id, day] = {
        "mau": round(active / _MONTH),
        "storage": stored,
        "storage_byte_hours": stored * 24,
        "bandwidth": active * 340_000,
        "build_time_seconds": 420 if back % 9 == 0 and app_id == DEMO_APP else 0,
    }
    state.bundle_days[app_id, day] = _shared(_serving(state, calendar, app_id, back), active)
    state.native_days[app_id, day] = _shared(list(_SHELLS), active)


def _serving(state: State, calendar: Calendar, app_id: str, back: int) -> list[str]:
    """Name the stable bundles that were the newest in production on a day, newest first."""
    production = state.channel_named(app_id, "production") or {}
    end = (calendar.midnight - timedelta(days=back - 1)).isoformat()
    stable = [
        b["name"]
        for b in state.bundles.values()
        if b["app_id"] == app_id and b["id"] <= production["version"] and b["created_at"] < end and "-" not in b["name"]
    ]
    return stable[: -len(_SHARES) - 1 : -1]


def _shared(names: list[str], total: int) -> dict[str, int]:
    return {name: round(total * share) for name, share in zip(names, _SHARES, strict=False)}
