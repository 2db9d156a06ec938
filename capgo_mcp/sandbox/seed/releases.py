"""Apps, their bundles and the channels that serve them."""

from collections.abc import Iterator
from hashlib import sha256

from capgo_mcp.sandbox.answers import Row
from capgo_mcp.sandbox.rows import new_app, new_bundle, new_channel
from capgo_mcp.sandbox.seed.calendar import Calendar
from capgo_mcp.sandbox.seed.people import DEMO_APP, HARBOR, LIGHTHOUSE, MIRA, NOTES_APP, RIDER_APP
from capgo_mcp.sandbox.state import State

# Each release line: its pre-releases, then how many stable releases it saw.
_LINES: dict[str, tuple[tuple[str, ...], int]] = {
    "1.0": ((), 11),
    "1.1": ((), 9),
    "1.2": ((), 13),
    "1.3": ((), 10),
    "1.4": (("beta.1", "beta.2"), 12),
    "1.5": (("beta.1", "beta.2"), 10),
    "2.0": (("alpha.1", "alpha.2", "beta.1", "beta.2", "beta.3", "beta.4", "rc.1", "rc.2"), 14),
    "2.1": (("beta.1", "beta.2", "rc.1"), 12),
    "2.2": (("beta.1", "beta.2", "rc.1"), 9),
    "2.3": (("beta.1", "beta.2", "beta.3", "beta.4", "beta.5", "beta.6"), 1),
}
_COMMENTS = {
    "1.0.0": "First release",
    "1.4.2": "Last release before the new sign-in",
    "1.5.0": "Dark mode",
    "2.0.0": "New navigation, needs native shell 2.0",
    "2.0.6": "Fixes the blank screen after resume",
    "2.1.0": "Offline drafts",
    "2.1.5": "Withdrawn: broke photo upload on Android 12",
    "2.1.6": "Photo upload works again on Android 12",
    "2.2.0": "Faster cold start",
    "2.2.7": "Translations for Danish and Czech",
    "2.2.8": "Fixes the crash when a draft holds emoji",
    "2.3.0-beta.6": "Release candidate in all but name",
    "2.3.0": "Shared folders",
}
_LINKED = ("2.0.0", "2.1.0", "2.2.0", "2.2.8", "2.3.0")
_WITHDRAWN = "2.1.5"
_DAYS_BETWEEN = 4

PRODUCTION, BETA, STAGING, DEV, INTERNAL, QA = "production", "beta", "staging", "dev", "internal", "qa"
_SERVES = {
    PRODUCTION: "2.2.8",
    BETA: "2.3.0-beta.6",
    STAGING: "2.2.8",
    DEV: "2.3.0",
    INTERNAL: "2.3.0",
    QA: "2.3.0-beta.5",
}
_SETTINGS: dict[str, Row] = {
    PRODUCTION: {"public": True, "allow_dev": False, "allow_emulator": False},
    BETA: {"allow_device_self_set": True},
    STAGING: {
        "rollout_enabled": True,
        "rollout_percentage_bps": 2500,
        "auto_pause_enabled": True,
        "auto_pause_failure_rate_bps": 500,
        "auto_pause_min_attempts": 50,
    },
    DEV: {"allow_device_self_set": True, "allow_prod": False, "disable_auto_update_under_native": False},
    INTERNAL: {"disable_auto_update": "none"},
    QA: {"allow_prod": False, "disable_auto_update": "minor"},
}
# A rollout of 2.3.0 in every state but running, which is the one of staging: name, stable bundle and the rest.
_ROLLOUTS: tuple[tuple[str, str, Row], ...] = (
    (
        "canary",
        "2.2.8",
        {
            "rollout_enabled": True,
            "rollout_percentage_bps": 1000,
            "rollout_pause_reason": "crashes when a shared folder is opened offline",
        },
    ),
    ("nightly", "2.2.8", {"rollout_enabled": True}),
    ("partners", "2.2.8", {"rollout_percentage_bps": 5000}),
)
_CANDIDATE = "2.3.0"

# The native packages that each release line needs of the shell; a line that names none needs what the one before did.
_NATIVE: dict[str, dict[str, str]] = {
    "1.0": {"@capacitor/core": "5.7.8", "@capgo/capacitor-updater": "5.6.0"},
    "1.4": {"@capacitor/core": "5.7.8", "@capacitor/camera": "5.0.10", "@capgo/capacitor-updater": "5.6.0"},
    "2.0": {"@capacitor/core": "7.4.2", "@capacitor/camera": "7.0.1", "@capgo/capacitor-updater": "7.4.2"},
    "2.3": {
        "@capacitor/core": "7.4.2",
        "@capacitor/camera": "7.0.2",
        "@capacitor/filesystem": "7.1.4",
        "@capgo/capacitor-updater": "7.4.2",
    },
}
_PREVIEWS = range(412, 412 + 48 * 3, 3)


def plant(state: State, calendar: Calendar) -> None:
    """Fill in three apps."""
    _demo_app(state, calendar)
    _small_app(state, calendar, NOTES_APP, "Lighthouse Notes", LIGHTHOUSE, releases=9)
    _small_app(state, calendar, RIDER_APP, "Harbor Bikes Rider", HARBOR, releases=14)


def _demo_app(state: State, calendar: Calendar) -> None:
    app = _add_app(state, calendar, DEMO_APP, "Demo app", LIGHTHOUSE, age=520)
    names = list(_names())
    for index, name in enumerate(names):
        # At different hours, as people release.
        _add_bundle(state, calendar, app, name, age=(len(names) - index) * _DAYS_BETWEEN - 3.4 + index % 5 / 12)
    app["last_version"] = names[-1]
    withdrawn = state.bundle_named(DEMO_APP, _WITHDRAWN) or {}
    withdrawn.update(deleted=True, deleted_at=calendar.ago(70.2))
    for index, (name, version) in enumerate(_SERVES.items()):
        _add_channel(state, calendar, app, name, version, 500 - index * 20, **_SETTINGS[name])
    staging = state.channel_named(DEMO_APP, STAGING) or {}
    staging["rollout_version"] = _bundle_id(state, DEMO_APP, _CANDIDATE)
    for index, pull_request in enumerate(_PREVIEWS):
        served = names[(index - len(_PREVIEWS)) // 2] if index % 4 else None
        _add_channel(state, calendar, app, f"pr-{pull_request}", served, (len(_PREVIEWS) - index) * 1.5 + 1)
    _add_rollouts(state, calendar, app)


def _add_rollouts(state: State, calendar: Calendar, app: Row) -> None:
    target = _bundle_id(state, DEMO_APP, _CANDIDATE)
    for index, (name, stable, settings) in enumerate(_ROLLOUTS):
        age = 0.9 - index / 10
        paused = {"rollout_paused_at": calendar.ago(age / 2)} if "rollout_pause_reason" in settings else {}
        _add_channel(state, calendar, app, name, stable, age, rollout_version=target, **settings, **paused)


def _native_packages(name: str) -> list[Row]:
    """What a bundle of the demo app needs of the native shell."""
    lines = [line for line in _NATIVE if line <= name[:3]]
    return [{"name": package, "version": version} for package, version in _NATIVE[lines[-1]].items()]


def _names() -> Iterator[str]:
    for line, (previews, count) in _LINES.items():
        yield from (f"{line}.0-{preview}" for preview in previews)
        yield from (f"{line}.{patch}" for patch in range(count))


def _small_app(state: State, calendar: Calendar, app_id: str, name: str, org_id: str, releases: int) -> None:
    app = _add_app(state, calendar, app_id, name, org_id, age=releases * 12.0)
    for patch in range(releases):
        _add_bundle(state, calendar, app, f"1.{patch // 4}.{patch % 4}", age=(releases - patch) * 11)
    app["last_version"] = f"1.{(releases - 1) // 4}.{(releases - 1) % 4}"
    _add_channel(state, calendar, app, PRODUCTION, app["last_version"], releases * 11.0, public=True)
    _add_channel(state, calendar, app, BETA, None, releases * 10.0)


def _add_app(state: State, calendar: Calendar, app_id: str, name: str, org_id: str, age: float) -> Row:
    values = {"default_upload_channel": PRODUCTION, "build_timeout_updated_at": calendar.ago(age)}
    row = new_app(state, app_id, name, org_id, MIRA, **values, **calendar.made(age, 1))
    state.apps[app_id] = row
    return row


def _add_bundle(state: State, calendar: Calendar, app: Row, name: str, age: float) -> None:
    app_id = app["app_id"]
    values = {
        "external_url": f"https://bundles.example.com/{app_id}/{name}.zip",
        "checksum": sha256(f"{app_id}@{name}".encode()).hexdigest(),
        "comment": _COMMENTS.get(name) if app_id == DEMO_APP else None,
        "link": f"https://example.com/changelog/{name}" if app_id == DEMO_APP and name in _LINKED else None,
        "cli_version": "7.40.1",
        "native_packages": _native_packages(name) if app_id == DEMO_APP else None,
    }
    row = new_bundle(state, app, name, MIRA, **values, **calendar.made(age))
    state.bundles[row["id"]] = row


def _add_channel(
    state: State, calendar: Calendar, app: Row, name: str, version: str | None, age: float, **settings: object
) -> None:
    served = version and _bundle_id(state, app["app_id"], version)
    row = new_channel(state, app, name, MIRA, version=served, **settings, **calendar.made(age, min(age, 1)))
    state.channels[row["id"]] = row


def _bundle_id(state: State, app_id: str, name: str) -> int:
    bundle = state.bundle_named(app_id, name)
    if bundle is None:
        raise LookupError(f"the seed names a bundle it does not make: {app_id} {name}")
    return int(bundle["id"])
