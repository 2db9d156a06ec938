"""Sixty days of statistics, which agree with the devices there are."""

import math
from collections import Counter
from datetime import timedelta

from capgo_mcp.sandbox.seed.calendar import Calendar
from capgo_mcp.sandbox.seed.people import DEMO_APP, NOTES_APP, RIDER_APP
from capgo_mcp.sandbox.state import State
from capgo_mcp.sandbox.times import postgres

DAYS = 60

_USERS = {DEMO_APP: 240, NOTES_APP: 12, RIDER_APP: 30}
_SHELLS = {"2.2.0": 0.52, "2.1.0": 0.2, "2.0.0": 0.12}
_MONTH = 30
_MEGABYTE = 1_000_000
_SLOWEST = 5
"""Days until the last devices have a bundle that is out."""


def plant(state: State, calendar: Calendar) -> None:
    """Fill in the days."""
    for app_id, users in _USERS.items():
        history = _History(state, calendar, app_id)
        for back in range(DAYS, 0, -1):
            _add_day(state, calendar, history, users, back)


def _add_day(state: State, calendar: Calendar, history: "_History", users: int, back: int) -> None:
    app_id = history.app_id
    day = calendar.day(back)
    # A wave of a week, and fewer the longer ago it is.
    active = round(users * (0.82 + 0.1 * math.sin(back * 2 * math.pi / 7) - back * 0.003))
    stored = (4 if back % 4 == 0 else 0) * _MEGABYTE
    state.usage[app_id, day] = {
        "mau": round(active / _MONTH),
        "storage": stored,
        "storage_byte_hours": stored * 24,
        "bandwidth": active * 340_000,
        "build_time_seconds": 420 if back % 9 == 0 and app_id == DEMO_APP else 0,
    }
    ran = history.ran(back)
    part = active / max(ran.total(), active)
    state.bundle_days[app_id, day] = {name: count for name in ran if (count := round(ran[name] * part))}
    state.native_days[app_id, day] = {name: round(active * share) for name, share in _SHELLS.items()}


class _History:
    """What devices ran on former days: what they run now, or before that was out what production served."""

    def __init__(self, state: State, calendar: Calendar, app_id: str) -> None:
        self.app_id = app_id
        self._calendar = calendar
        served = (state.channel_named(app_id, "production") or {})["version"]
        bundles = [b for b in state.bundles.values() if b["app_id"] == app_id and not b["deleted"]]
        self._out = {bundle["name"]: bundle["created_at"] for bundle in bundles}
        self._stable: list[str] = [b["name"] for b in reversed(bundles) if b["id"] <= served and "-" not in b["name"]]
        seen = calendar.ago(DAYS)
        active = [row for row in state.devices.values() if row["app_id"] == app_id and row["updated_at"] > seen]
        # Not all devices have a bundle on its first day: some are opened rarely.
        self._alike = Counter((row["version_name"], number % _SLOWEST) for number, row in enumerate(active))

    def ran(self, back: int) -> Counter[str]:
        """How many devices ran each bundle so many days ago."""
        counts: Counter[str] = Counter()
        before = [postgres(self._calendar.midnight - timedelta(days=back - 1 + late)) for late in range(_SLOWEST)]
        for (version, late), count in self._alike.items():
            counts[version if self._was_out(version, before[late]) else self._served(before[late])] += count
        return counts

    def _was_out(self, version: str, moment: str) -> bool:
        return version == "builtin" or self._out[version] < moment

    def _served(self, moment: str) -> str:
        return next((name for name in self._stable if self._out[name] < moment), self._stable[-1])
