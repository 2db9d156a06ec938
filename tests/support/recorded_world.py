"""The world the recordings were made in, and what happened in it between them."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.sandbox.changes import SYSTEM, audit_entry
from capgo_mcp.sandbox.rights import binding
from capgo_mcp.sandbox.rows import (
    new_app,
    new_bundle,
    new_channel,
    new_device,
    new_key,
    new_member,
    new_org,
)
from capgo_mcp.sandbox.state import State
from capgo_mcp.sandbox.times import postgres

Row = dict[str, Any]

DEMO, PAGE = "com.demo.app", "com.page.app"
DEMO_ORG = "046a36ac-e03c-4590-9257-bd6c9dba9ee8"
TEST2_ORG = "34a8c55d-2d0f-4652-a43f-684c7a9403ac"
ADMIN_ORG = "22dbad8a-b885-4309-9b3b-a09f8460fb6d"
STATS_ORG = "b2c3d4e5-f6a7-4b8c-9d0e-1f2a3b4c5d6e"
NEW_ORG = "b28acec0-a5d8-47a5-b1ad-fe5aad1dd4be"
NEW_WEBHOOK = "05a5121f-1fb5-4ab3-bf64-da956de501cc"
_OTHER_ORGS = [f"0000000{n}-0000-4000-8000-00000000000{n}" for n in range(1, 7)]
_READABLE = [TEST2_ORG, *_OTHER_ORGS, DEMO_ORG]

TEST, TEST2 = "6aa76066-55ef-4238-ade6-0b32334a4097", "6f0d1a2e-59ed-4769-b9d7-4d9615b28fe5"
_ADMIN, _STATS = "c591b04e-cf29-4945-b9a0-776d0672061a", "7a1b2c3d-4e5f-4a6b-7c8d-9e0f1a2b3c4d"
_USERS = {
    TEST: "test@capgo.app",
    TEST2: "test2@capgo.app",
    _ADMIN: "admin@capgo.app",
    _STATS: "stats@capgo.app",
    "11111111-1111-4111-8111-111111111110": "nonmember@capgo.app",
}
_START = datetime(2026, 11, 21, 19, 24, 14, 691806, UTC)
_COUNT = 130
_URL = "https://example.com/b.zip"
_UPLOADED = {"checksum": "3885ee49", "r2_path": "orgs/demo.zip", "link": "https://capgo.app", "comment": "its a test"}


@dataclass
class Clock:
    """A clock that moves when told to."""

    time: float = _START.timestamp()

    def __call__(self) -> float:
        """Tell the time."""
        return self.time


def value_of(name: str) -> str:
    """Give the key material behind the name a recording uses for a key."""
    return name if name in {"notuuid", "hashed", "jwt"} else f"ca960000-0000-4000-8000-{name.encode().hex():0>12.12}"


def recorded_world(clock: Clock) -> State:
    """Build the world as it was before the first recording."""
    state = State(clock, Behaviour.JULY)
    state.users = {user_id: {"id": user_id, "email": email, "image_url": ""} for user_id, email in _USERS.items()}
    for org_id in (*_READABLE, ADMIN_ORG, STATS_ORG):
        name = "Demo org" if org_id == DEMO_ORG else f"Org {org_id[:4]}"
        state.orgs[org_id] = new_org(state, name, TEST, id=org_id, logo="", has_usage_credits=True)
    for user_id, role in ((_ADMIN, "org_admin"), (TEST, "org_super_admin"), (TEST2, "org_member")):
        member = new_member(state, DEMO_ORG, user_id, role)
        state.members[member["id"]] = member
    _add_keys(state)
    _add_apps(state)
    _add_demo_app(state)
    _add_page_app(state)
    return state


def _add_keys(state: State) -> None:
    everywhere = [binding("org_super_admin", org_id) for org_id in _READABLE]
    demo = binding("app_uploader", DEMO_ORG, DEMO)
    reads = [binding("apikey_org_reader", org_id) for org_id in _READABLE]
    apps = [binding("app_reader", DEMO_ORG, DEMO), binding("app_reader", TEST2_ORG, "com.test2.app")]
    developer = [binding("app_developer", DEMO_ORG, DEMO), binding("apikey_org_reader", TEST2_ORG)]
    rows: dict[int, tuple[str, str, list[Row]]] = {
        4: ("uploader", TEST, [demo, *reads]),
        5: ("reader", TEST, [*apps, *reads]),
        6: ("super", TEST, everywhere),
        7: ("spare 7", TEST, everywhere),
        8: ("spare 8", TEST, everywhere),
        9: ("test2", TEST2, [binding("org_admin", DEMO_ORG)]),
        10: ("spare 10", TEST, everywhere),
        11: ("spare 11", TEST, everywhere),
        12: ("expired", TEST, everywhere),
        13: ("developer", TEST, developer),
        14: ("stats", _STATS, [binding("org_super_admin", STATS_ORG)]),
        15: ("hashed", TEST, everywhere),
        16: ("spare 16", TEST, everywhere),
    }
    for key_id, (name, user_id, bindings) in rows.items():
        _add_key(state, name, bindings, id=key_id, user_id=user_id, is_hashed_key=name == "hashed")
    state.keys[12]["expires_at"] = postgres(_START - timedelta(days=1))


def _add_key(state: State, name: str, bindings: list[Row], user_id: str = TEST, **values: object) -> None:
    key = new_key(state, name, value_of(name), user_id, list(bindings), **values)
    state.keys[key["id"]] = key


def _add_apps(state: State) -> None:
    owners = {DEMO: DEMO_ORG, PAGE: DEMO_ORG, "com.test2.app": TEST2_ORG}
    owners |= {f"com.page.app{n:03}": DEMO_ORG for n in range(1, 61)}
    owners |= {"com.demoadmin.app": ADMIN_ORG, "com.stats.app": STATS_ORG}
    for app_id, org_id in owners.items():
        values = {"last_version": None if app_id.startswith(PAGE) else "1.0.0", "updated_at": state.now()}
        state.apps[app_id] = new_app(state, app_id, app_id, org_id, TEST, **values)


def _add_demo_app(state: State) -> None:
    app = state.apps[DEMO]
    for bundle_id, name in ((3, "1.0.0"), (4, "1.0.1"), (5, "1.361.0"), (6, "1.360.0"), (7, "1.359.0")):
        state.bundles[bundle_id] = new_bundle(state, app, name, TEST, id=bundle_id, **_UPLOADED)
    platforms: dict[str, Row] = {
        "production": {"public": True, "ios": False, "electron": False},
        "two_default": {"public": True, "android": False, "electron": False},
        "electron_only": {"ios": False, "android": False},
        "no_access": {},
    }
    for name, values in platforms.items():
        channel = new_channel(state, app, name, TEST, version=3, allow_device_self_set=True, **values)
        state.channels[channel["id"]] = channel
    for number, version in (("00", "1.0.0"), ("10", "1.0.0"), ("11", "1.0.1"), ("12", "1.0.0"), ("13", "1.0.0")):
        device = new_device(DEMO, f"00000000-0000-0000-0000-0000000000{number}", version, postgres(_START))
        state.devices[DEMO, device["device_id"]] = device | {"is_emulator": number == "00"}
    for version in ("1.0.0", "1.0.1"):
        state.bundle_days.setdefault((DEMO, "2026-11-02"), {})[version] = 0
    state.serials["channels"] += 1


def _add_page_app(state: State) -> None:
    app = state.apps[PAGE]
    state.serials["bundles"] = 16
    for number in range(1, _COUNT + 1):
        made = postgres(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number))
        times = {"created_at": made, "updated_at": made}
        bundle = new_bundle(state, app, f"1.0.{number}", TEST, external_url=_URL, checksum="b" * 32, **times)
        state.bundles[bundle["id"]] = bundle
        served = bundle["id"] if number % 3 == 0 else None
        channel = new_channel(state, app, f"chan-{number:03}", TEST, version=served, **times)
        state.channels[channel["id"]] = channel
        audit_entry(state, "channels", "INSERT", None, channel, SYSTEM)
        custom = {"custom_id": f"user-{number}"} if number % 10 == 0 else {}
        device = new_device(PAGE, f"00000000-0000-4000-8000-{number:012}", f"1.0.{number}", made, **custom)
        state.devices[PAGE, device["device_id"]] = device


_CHECKSUM = "a" * 64


def _bundle(version: str) -> Row:
    url = f"https://example.com/{version}.zip"
    return {"app_id": DEMO, "version": version, "external_url": url, "checksum": _CHECKSUM}


def _channel(name: str, **settings: object) -> Row:
    return {"app_id": DEMO, "channel": name, **settings}


_FLAGS = {
    "allow_device_self_set": True,
    "allow_emulator": False,
    "allow_dev": False,
    "disableAutoUpdateUnderNative": False,
    "disableAutoUpdate": "minor",
}
_NEW_APP = {"app_id": "com.new.app", "name": "New app", "owner_org": DEMO_ORG}
_NEW_SETTINGS = {
    "retention": 63113903,
    "block_provider_infra_requests": False,
    "allow_device_custom_id": False,
    "expose_metadata": True,
}
_BURST = f"/device?app_id={DEMO}&device_id=00000000-0000-0000-0000-000000000011"

# Calls of the super key that were made but not recorded, before the recording with that number.
SILENT: dict[int, list[tuple[str, str, Row | None]]] = {
    97: [("POST", "/app", _NEW_APP)],
    131: [("PUT", "/app/com.new.app", _NEW_SETTINGS)],
    149: [("POST", "/app", _NEW_APP)],
    159: [("POST", "/bundle", _bundle("9.0.1")), ("POST", "/bundle", _bundle("9.0.2-beta.1+build.5"))],
    193: [("DELETE", "/bundle", {"app_id": DEMO, "version": "9.0.0"})],
    223: [("POST", "/channel", _channel("staging"))],
    231: [("POST", "/channel", _channel("beta", **_FLAGS))],
    233: [("POST", "/channel", _channel("beta", public=True))],
    247: [("POST", "/channel", _channel("beta", rolloutVersion="9.2.1"))],
    284: [("POST", "/channel", _channel("vip"))],
    343: [("POST", "/channel", _channel("tmpov"))],
    358: [("GET", _BURST, None)],
}


def _made_by_a_person(state: State) -> None:
    state.serials["keys"] = 113
    _add_key(state, "plain", [binding("org_admin", DEMO_ORG)])


def _made_hashed(state: State) -> None:
    _add_key(state, "secret", [binding("org_super_admin", org_id) for org_id in _READABLE], is_hashed_key=True)


def _regenerated(state: State) -> None:
    state.keys[114]["key"] = value_of("fresh")


def _founded(state: State) -> None:
    founder = [binding("org_super_admin", NEW_ORG)]
    _add_key(state, "founder", founder, global_permissions=["org.create"])
    state.orgs[NEW_ORG] = new_org(state, "Brand New Org", TEST, id=NEW_ORG)


def _narrow_key(state: State) -> None:
    _add_key(state, "app reader", [binding("app_reader", DEMO_ORG, DEMO)], id=118)


def _same_webhook(state: State) -> None:
    webhook = state.webhooks.popitem()[1]
    webhook["id"] = NEW_WEBHOOK
    state.webhooks[NEW_WEBHOOK] = webhook


def _failed_unrecorded(state: State) -> None:
    state.meters.failed_login("127.0.0.1")


def _few_key_calls(state: State) -> None:
    state.limits.key_calls = 5
    state.meters.counters.clear()


def _few_logins(state: State) -> None:
    state.limits.key_calls, state.limits.failed_logins = 2000, 3
    state.meters.counters.clear()


def _calm(state: State) -> None:
    state.limits.failed_logins = 1000
    state.meters.counters.clear()


# What the recording's own set-up, or a signed-in person, did before the recording with that number.
HAPPENED: dict[int, Callable[[State], None]] = {
    0: _calm,
    445: _made_by_a_person,
    454: _made_hashed,
    457: _regenerated,
    461: _founded,
    471: _narrow_key,
    491: _same_webhook,
    506: _few_key_calls,
    514: _few_logins,
    516: _failed_unrecorded,
    520: _calm,
}

# The key behind the name "dynamic", from the recording with that number on.
DYNAMIC = {445: "plain", 454: "secret", 457: "plain", 458: "fresh", 461: "founder", 471: "app reader"}

SUBKEYS = {59: "no number", 60: "999999", 477: "118", 478: "118"}

# Recordings that were made at once; two seconds lie between all the others.
BURSTS = (range(321, 324), range(357, 362), range(507, 519))


def step_before(n: int) -> float:
    """Say how many seconds passed before a recording."""
    return 0 if any(n in burst for burst in BURSTS) else 2


def dynamic_key(n: int) -> str:
    """Name the key that "dynamic" meant at a recording."""
    return DYNAMIC[max(start for start in DYNAMIC if start <= n)]


def slug(what: str) -> str:
    """Shorten a description to a test id."""
    return re.sub(r"\W+", "-", what).strip("-")
