"""The seeded world is as rich as promised, and always the same."""

import re
from collections import Counter
from typing import Any

import httpx2
import pytest

from capgo_mcp.sandbox import (
    ADMIN_KEY,
    DEVELOPER_KEY,
    EXPIRED_KEY,
    READER_KEY,
    UPLOADER_KEY,
    State,
    create_app,
    seeded,
)
from capgo_mcp.sandbox.routes.bundles import SEMVER
from capgo_mcp.sandbox.times import parsed
from tests.support.caller import APP, Caller, code
from tests.support.recorded_world import Clock


@pytest.fixture
def state(clock: Clock) -> State:
    """A seeded state."""
    return seeded(clock)


def test_same_clock_gives_the_same_state(clock: Clock) -> None:
    """Two states seeded by the same clock are equal to the last byte."""
    assert repr(seeded(clock)) == repr(seeded(clock))


def test_no_state_sees_what_another_was_given(clock: Clock) -> None:
    """A state that is altered in every table, down to its rows, leaves the next one as it would have been."""
    before = repr(seeded(clock))
    altered = seeded(clock)
    for channel in altered.channels.values():
        channel.clear()
    altered.keys[1]["bindings"].clear()
    altered.events.clear()
    altered.unpaid.add("another")
    altered.serial("channels")
    assert repr(seeded(clock)) == before


def test_demo_app_has_many_bundles(state: State) -> None:
    """More than 120 bundles with semantic versions run from 1.0.0 to 2.3.0, some of them pre-releases."""
    bundles = [b for b in state.bundles.values() if b["app_id"] == APP]
    names = [b["name"] for b in bundles if not b["deleted"]]
    assert len(names) > 120
    assert all(SEMVER.fullmatch(name) for name in names)
    assert {"1.0.0", "2.3.0"} <= set(names)
    assert sum("-" in name for name in names) > 10
    assert all(re.fullmatch(r"[0-9a-f]{64}", b["checksum"]) for b in bundles)
    assert any(b["comment"] for b in bundles)
    assert any(b["link"] for b in bundles)


def test_demo_app_has_many_channels(state: State) -> None:
    """More than 50 channels exist; one is public and most are previews."""
    channels = [c for c in state.channels.values() if c["app_id"] == APP]
    assert len(channels) > 50
    assert [c["name"] for c in channels if c["public"]] == ["production"]
    assert {"production", "beta", "staging", "dev", "internal", "qa"} < {c["name"] for c in channels}
    served = {c["name"]: state.bundles[c["version"]]["name"] for c in channels if c["version"]}
    assert served["production"].startswith("2.2.")
    assert served["beta"].startswith("2.3.0-beta.")


def test_demo_app_has_a_rollout_in_every_state(state: State) -> None:
    """One channel each rolls 2.3.0 out: to a share, paused with a reason, to nobody yet, and switched off."""
    rows = {c["name"]: c for c in state.channels.values() if c["app_id"] == APP and c["rollout_version"]}
    assert {state.bundles[row["rollout_version"]]["name"] for row in rows.values()} == {"2.3.0"}
    assert {name: _rollout_state(row) for name, row in rows.items()} == {
        "staging": "running at 2500",
        "canary": "paused at 1000",
        "nightly": "running at 0",
        "partners": "off at 5000",
    }
    assert rows["canary"]["rollout_pause_reason"]


def _rollout_state(channel: dict[str, Any]) -> str:
    running = "paused" if channel["rollout_paused_at"] else "running"
    return f"{running if channel['rollout_enabled'] else 'off'} at {channel['rollout_percentage_bps']}"


def test_bundles_say_which_native_packages_they_need(state: State) -> None:
    """2.3.0 needs one package more than what production serves, and another one newer; older lines need older ones."""
    needs = {
        bundle["name"]: {package["name"]: package["version"] for package in bundle["native_packages"]}
        for bundle in state.bundles.values()
        if bundle["app_id"] == APP
    }
    served, candidate = needs["2.2.8"], needs["2.3.0"]
    assert candidate.keys() - served.keys() == {"@capacitor/filesystem"}
    assert {name for name in served if candidate[name] != served[name]} == {"@capacitor/camera"}
    assert needs["2.0.0-alpha.1"] == served != needs["1.5.9"] == needs["1.4.0"]


def test_demo_app_has_many_devices(state: State) -> None:
    """More than 240 devices differ in everything a fleet differs in, and a few are pinned."""
    devices = [d for d in state.devices.values() if d["app_id"] == APP]
    assert len(devices) > 240
    platforms = Counter(d["platform"] for d in devices)
    assert platforms["ios"] > 50 < platforms["android"]
    assert 0 < platforms["electron"] < 20
    for column in ("version_name", "plugin_version", "os_version", "is_prod", "is_emulator", "custom_id"):
        assert len({d[column] for d in devices}) > 1, column
    assert "1.4.2" in {d["version_name"] for d in devices}
    assert len(state.overrides) == 8


def test_the_rest_of_the_world_is_there(state: State) -> None:
    """Two organizations own three apps, and everything around them has rows."""
    assert (len(state.orgs), len(state.apps)) == (2, 3)
    assert {app["owner_org"] for app in state.apps.values()} == set(state.orgs)
    assert any(member["is_invite"] for member in state.members.values())
    assert {d["status"] for d in state.deliveries.values()} == {"success", "failed"}
    tables = (state.webhooks, state.audit, state.builds, state.notification_settings, state.campaigns)
    assert all(tables)
    assert len({day for app_id, day in state.usage if app_id == APP}) == 60


def test_nothing_lies_in_the_future(state: State, clock: Clock) -> None:
    """Every timestamp of the seed is past."""
    rows = [*state.bundles.values(), *state.channels.values(), *state.devices.values(), *state.audit.values()]
    assert all(parsed(row.get("updated_at") or row["created_at"]).timestamp() <= clock() for row in rows)


@pytest.mark.parametrize(
    ("key", "status", "channels", "settings"),
    [
        (ADMIN_KEY, 200, 200, 200),
        (DEVELOPER_KEY, 200, 200, 401),
        (UPLOADER_KEY, 200, 200, 401),
        (READER_KEY, 200, 200, 401),
        (EXPIRED_KEY, 401, 401, 401),
    ],
)
async def test_keys_open_what_their_roles_open(
    sandbox: Caller, key: str, status: int, channels: int, settings: int
) -> None:
    """Each seeded key reads and changes exactly what its role allows."""
    assert (await sandbox.ask(f"GET /app/{APP}", key=key)).status_code == status
    listing = await sandbox.ask("GET /channel", {"app_id": APP}, key=key)
    assert listing.status_code == channels
    assert (await sandbox.ask(f"PUT /app/{APP}", {"name": "Renamed"}, key=key)).status_code == settings


async def test_uploader_key_uploads_and_deploys(sandbox: Caller) -> None:
    """The uploader key registers a bundle and puts it on a channel, and creates no channel."""
    bundle = {"app_id": APP, "version": "2.3.1", "external_url": "https://example.com/2.3.1.zip", "checksum": "c" * 64}
    made = await sandbox.ask("POST /bundle", bundle, key=UPLOADER_KEY)
    link = {"app_id": APP, "version_id": made.json()["bundle"]["id"], "channel_id": 2}
    assert (await sandbox.ask("PUT /bundle", link, key=UPLOADER_KEY)).status_code == 200
    refused = await sandbox.ask("POST /channel", {"app_id": APP, "channel": "new"}, key=UPLOADER_KEY)
    assert code(refused) == (400, "cannot_access_app")


async def test_app_is_seeded_by_default() -> None:
    """An application made without a state serves the seeded world, one with an empty state knows no key."""
    for app, status in ((create_app(), 200), (create_app(State()), 401)):
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="https://sandbox.example.com") as client:
            assert (await client.get("/app", headers={"capgkey": ADMIN_KEY})).status_code == status


@pytest.mark.parametrize("app_id", [APP, "com.lighthouse.notes", "com.harborbikes.rider"])
def test_usage_agrees_with_the_devices(state: State, app_id: str) -> None:
    """What ran yesterday is what devices of the list run, and on no more of them than there are."""
    runs = Counter(row["version_name"] for row in state.devices.values() if row["app_id"] == app_id)
    days = sorted(day for app, day in state.bundle_days if app == app_id)
    ran = state.bundle_days[app_id, days[-1]]
    assert ran
    assert {name: (count, runs[name]) for name, count in ran.items() if count > runs[name]} == {}
    assert "2.2.6" not in ran


def test_a_bundle_reaches_the_devices_within_days(state: State) -> None:
    """The share of what production serves grows from the day it is out."""
    shares = [days.get("2.2.8", 0) for (app, _), days in state.bundle_days.items() if app == APP]
    assert shares[0] == 0
    assert 0 < next(count for count in shares if count) < shares[-1]


def test_the_log_tells_of_bundles_that_production_served(state: State) -> None:
    """Nothing says that production served a bundle that it did not."""
    served = state.channels[1]["version"]
    told = [row for row in state.audit.values() if row["table_name"] == "channels" and row["record_id"] == "1"]
    assert told
    assert told[-1]["new_record"]["version"] == served
    assert all("-" not in state.bundles[row["new_record"]["version"]]["name"] for row in told)
