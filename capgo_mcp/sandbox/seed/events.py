"""What devices reported: a bundle that fails, one that does well, and others that too few devices have."""

from collections.abc import Iterator

from capgo_mcp.sandbox.answers import Row
from capgo_mcp.sandbox.rows import new_event
from capgo_mcp.sandbox.seed.calendar import Calendar
from capgo_mcp.sandbox.seed.fleet import device_id
from capgo_mcp.sandbox.seed.people import DEMO_APP, RIDER_APP
from capgo_mcp.sandbox.state import State

FAILING, BEFORE, TRIED = "2.3.0", "2.2.8", "2.3.0-beta.6"

# Devices of the demo app that took the failing bundle and fell back to the one before; the first of them is asked for.
FALLEN = (3, 6, 9, 12, 15, 18, 23, 26, 29)
FALLEN_DEVICE = device_id(DEMO_APP, FALLEN[0])
_CHECKSUM, _NO_NETWORK, _CRASHED = 62, 40, 11

_SECOND = 1 / 86_400
_DOWNLOAD = ("get", "download_0", "download_30", "download_60", "download_90", "download_complete", "set")
_FALL = ("update_fail", "reset")

# Every so many devices report how long a start took; the slow ones are those of an old system.
_TIMED_EVERY, _SLOW_EVERY, _PAGES = 4, 20, ("/drafts", "/folders", "/settings")


def plant(state: State, calendar: Calendar) -> None:
    """Fill in the log; the notes app reports nothing."""
    rows = [
        *_installs(state, calendar),
        *_failures(calendar),
        *_days_of_one_device(calendar),
        *_starts(state, calendar),
    ]
    state.events.extend(sorted(rows, key=lambda row: (row["created_at"], row["device_id"])))


def _installs(state: State, calendar: Calendar) -> Iterator[Row]:
    """Each device has reported once that it switched to what it runs, the latest bundle within the last half day."""
    for index, ((app_id, device), row) in enumerate(state.devices.items()):
        version = row["version_name"]
        if app_id in {DEMO_APP, RIDER_APP} and version != "builtin":
            age = {FAILING: 0.1 + index % 10 / 25, TRIED: 2 + index % 10 / 4}.get(version, 0.2 + index % 24)
            yield new_event(app_id, device, "set", version, calendar.ago(age))


def _failures(calendar: Calendar) -> Iterator[Row]:
    for place, number in enumerate(FALLEN):
        age = 0.4 - place / 40
        yield from _reported(calendar, number, FAILING, _DOWNLOAD, age)
        yield from _reported(calendar, number, FAILING, _FALL, age - 30 * _SECOND)
    yield from _reported(calendar, _CHECKSUM, BEFORE, ("get", "download_0", "checksum_fail"), 3.2)
    yield from _reported(calendar, _NO_NETWORK, FAILING, ("get", "download_0", "download_fail"), 0.3)
    crash = {"message": "undefined is not an object (evaluating 'draft.title')", "source": "main.js"}
    yield new_event(DEMO_APP, device_id(DEMO_APP, _CRASHED), "app_crash", TRIED, calendar.ago(1.4), crash)


def _days_of_one_device(calendar: Calendar) -> Iterator[Row]:
    """The device that is asked for is opened every morning, and mostly told that there is nothing new."""
    opened = ("app_moved_to_foreground", "noNew", "app_moved_to_background")
    for day in range(1, 12):
        yield from _reported(calendar, FALLEN[0], BEFORE, opened, day + 0.6)


def _starts(state: State, calendar: Calendar) -> Iterator[Row]:
    """Starts of the app, how long they took, and where people went then."""
    devices = [row for (app_id, _), row in state.devices.items() if app_id == DEMO_APP]
    for number in range(_TIMED_EVERY, len(devices), _TIMED_EVERY):
        device, version = devices[number]["device_id"], devices[number]["version_name"]
        slow = number % _SLOW_EVERY == 0
        reports: list[tuple[str, Row]] = [("app_launch_ready", {"duration_ms": 900 + number * 3 + 2400 * slow})]
        reports += [("app_launch_timeout", {"duration_ms": 10_000})] if number % (_SLOW_EVERY * 4) == 0 else []
        reports.append(("webview_page_loaded", {"duration_ms": 400 + number * 2}))
        reports.append(("app_nav", {"route": _PAGES[number % len(_PAGES)], "duration_ms": 60 + number}))
        for place, (action, about) in enumerate(reports):
            moment = calendar.ago(0.3 + number / 80 - place * 4 * _SECOND)
            yield new_event(DEMO_APP, device, action, version, moment, about)


def _reported(calendar: Calendar, number: int, version: str, actions: tuple[str, ...], age: float) -> Iterator[Row]:
    for place, action in enumerate(actions):
        moment = calendar.ago(age - place * 4 * _SECOND)
        yield new_event(DEMO_APP, device_id(DEMO_APP, number), action, version, moment)
