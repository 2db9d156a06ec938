"""Devices, and the few of them that are pinned to a channel."""

from uuid import UUID, uuid5

from capgo_mcp.sandbox.rows import new_device
from capgo_mcp.sandbox.seed.calendar import Calendar
from capgo_mcp.sandbox.seed.people import DEMO_APP, NOTES_APP, RIDER_APP
from capgo_mcp.sandbox.state import State

STRAGGLER = "1.4.2"

# Devices people ask for by id: one that is pinned, and two that somebody forgot in a drawer.
PINNED_DEVICE = "d0d0cafe-0000-4000-8000-000000000001"
STRAGGLERS = {57: "d0d0cafe-0000-4000-8000-000000000057", 207: "d0d0cafe-0000-4000-8000-000000000207"}

_NAMESPACE = UUID("d0d0cafe-0000-4000-8000-000000000000")
# Taken seven apart, which has no divisor in common with twenty: all come equally often, and well mixed.
_TWENTIETHS = ["2.2.8"] * 11 + ["2.2.7"] * 3 + ["2.2.5", "2.1.11", "2.0.13", "2.3.0-beta.6", "2.3.0", "builtin"]
_PLUGINS = ("7.9.3", "7.9.3", "7.8.0", "7.4.2", "6.14.10")
_SYSTEMS = {
    "ios": ("26.1", "18.6", "18.5", "17.7"),
    "android": ("16", "15", "14", "13", "12"),
    "electron": ("macOS 15.6", "Windows 11", "Linux 6.8"),
}
_SHELLS = ("2.2.0", "2.2.0", "2.1.0", "2.0.0")
_COUNTRIES = ("DE", "SE", "US", "IN", "NG", "BR", "JP")
_TESTERS = (
    "mira-iphone", "jonas-iphone", "priya-ipad", "tove-iphone", "qa-bench-1", "qa-bench-2", "kiosk-lobby",
    "emeka-ipad", "robin-iphone",
)  # fmt: skip
_FLEET = 260


def plant(state: State, calendar: Calendar) -> None:
    """Fill in the fleet."""
    for number in range(1, _FLEET + 1):
        _add_device(state, calendar, DEMO_APP, number, _version(number))
    for app_id, count in ((NOTES_APP, 12), (RIDER_APP, 30)):
        served = state.apps[app_id]["last_version"]
        for number in range(1, count + 1):
            _add_device(state, calendar, app_id, number, served)
    _pin_devices(state, calendar)


def device_id(app_id: str, number: int) -> str:
    """Give the id of a seeded device; a few of the demo app have one that is easy to read out."""
    readable = {1: PINNED_DEVICE, **STRAGGLERS} if app_id == DEMO_APP else {}
    return readable.get(number) or str(uuid5(_NAMESPACE, f"{app_id}/{number}"))


def _version(number: int) -> str:
    return STRAGGLER if number in STRAGGLERS else _TWENTIETHS[number * 7 % len(_TWENTIETHS)]


def _platform(number: int) -> str:
    return "electron" if number % 40 == 0 else "android" if number % 5 in {0, 2, 3} else "ios"


def _add_device(state: State, calendar: Calendar, app_id: str, number: int, version: str) -> None:
    platform = _platform(number)
    systems = _SYSTEMS[platform]
    old = version == STRAGGLER
    tester = number % 30 == 1 and app_id == DEMO_APP
    values = {
        "platform": platform,
        "plugin_version": "5.6.0" if old else _PLUGINS[number % len(_PLUGINS)],
        "os_version": systems[-1] if old else systems[number % len(systems)],
        "version_build": "1.4.0" if old else _SHELLS[number % len(_SHELLS)],
        "is_prod": number % 13 != 0,
        "is_emulator": number % 29 == 0,
        "custom_id": _TESTERS[number // 30 % len(_TESTERS)] if tester else f"user-{number}" if number % 9 == 0 else "",
        "country_code": _COUNTRIES[number % len(_COUNTRIES)],
    }
    age = 96.5 if old else number * 0.061
    row = new_device(app_id, device_id(app_id, number), version, calendar.ago(age), **values)
    state.devices[app_id, row["device_id"]] = row


def _pin_devices(state: State, calendar: Calendar) -> None:
    pins = {1: "beta", 31: "beta", 61: "beta", 91: "internal", 121: "qa", 151: "qa", 181: "pr-553", 211: "staging"}
    for number, name in pins.items():
        channel = state.channel_named(DEMO_APP, name) or {}
        pinned = device_id(DEMO_APP, number)
        state.overrides[DEMO_APP, pinned] = {
            "app_id": DEMO_APP,
            "device_id": pinned,
            "channel_id": channel["id"],
            # Pinned after the device last reported, so it has not moved to that channel's bundle yet.
            "updated_at": calendar.ago(number / 3000),
        }
