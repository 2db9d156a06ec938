"""A change that devices feel tells what was before and after, and the calls it names take it back."""

from typing import Any, Final, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.api.text import clean
from capgo_mcp.sandbox import State
from capgo_mcp.sandbox.seed.people import DEMO_APP, LIGHTHOUSE, NOTES_APP
from tests.support import samples
from tests.support.safety import Facts, desk, differences, lost, picture, unlimited

AGAINST: Final = "a mistake, the agent's or the user's"
HOLDS: Final = ("Every change tells what was before, what is now, and the exact call that undoes it",)
ATTACKER: Final = "a mishap"
ASSET: Final = "the devices"
LEAVES: Final = ("Capgo's own rules apply",)

Step = tuple[str, Facts]


def channel(name: str, **arguments: Any) -> Step:
    """A change of a channel of the demo app."""
    return "capgo_set_channel", {"app_id": DEMO_APP, "channel": name, **arguments}


def rollout(name: str, action: str, **arguments: Any) -> Step:
    """A change of a rollout in the demo app."""
    return "capgo_set_rollout", {"app_id": DEMO_APP, "channel": name, "action": action, **arguments}


def bundle(state: State, name: str, app_id: str = DEMO_APP) -> int:
    """The id of a seeded bundle."""
    row = state.bundle_named(app_id, name)
    assert row is not None
    return int(row["id"])


class Case(NamedTuple):
    """A change: what is set up before it, and what its note has to name."""

    change: Step
    before: tuple[Step, ...] = ()
    names: tuple[str, ...] = ()


_SEEDED: Final = unlimited()
_NOTES_BETA: Final = next(c["id"] for c in _SEEDED.channels.values() if c["app_id"] == NOTES_APP and not c["version"])
_IDS: Final = {"app_id": DEMO_APP, "version_id": bundle(_SEEDED, "2.2.7"), "channel_id": 1}
_FIRST_BY_IDS: Final = {
    "app_id": NOTES_APP,
    "version_id": bundle(_SEEDED, "1.0.0", NOTES_APP),
    "channel_id": _NOTES_BETA,
}
_PIN: Final = {"app_id": DEMO_APP, "device_id": samples.DEVICE}
_FLAGS: Final = {
    "allow_device_self_set": True,
    "allow_emulator": True,
    "allow_device": False,
    "allow_dev": True,
    "allow_prod": False,
    "disable_auto_update": "patch",
    "disable_auto_update_under_native": False,
}
_AUTO_PAUSE: Final = {
    "auto_pause_enabled": False,
    "auto_pause_action": "rollback",
    "auto_pause_failure_rate_bps": 900,
    "auto_pause_window_minutes": 15,
    "auto_pause_cooldown_minutes": 5,
    "auto_pause_confidence": 0.8,
    "auto_pause_min_attempts": 10,
}
_WEBHOOK: Final = {"org_id": LIGHTHOUSE, "webhook_id": samples.BY_NAME["webhook_id"]}
_PUSHES: Final = {"app_id": DEMO_APP, "confirm": True}

CASES: Final = {
    "default moved": Case(channel("beta", public=True)),
    "default of two platforms moved": Case(
        channel("beta", public=True),
        before=(channel("production", ios=False), channel("staging", android=False, electron=False, public=True)),
    ),
    "default taken away": Case(channel("production", public=False)),
    "bundle by name": Case(channel("production", version="2.2.7")),
    "bundle by ids": Case(("capgo_set_bundle_channel", dict(_IDS))),
    "bundle by ids where a rollout runs": Case(("capgo_set_bundle_channel", {**_IDS, "channel_id": 3})),
    "bundle by ids where a rollout is paused": Case(
        ("capgo_set_bundle_channel", {**_IDS, "channel_id": 3}),
        (rollout("staging", "pause", pause_reason="crashes"),),
    ),
    "bundle by name where a rollout is paused": Case(
        channel("staging", version="2.2.7"), (rollout("staging", "pause", pause_reason="crashes"),)
    ),
    "first bundle by name": Case(
        ("capgo_set_channel", {"app_id": NOTES_APP, "channel": "beta", "version": "1.0.0"}),
    ),
    "first bundle by ids": Case(("capgo_set_bundle_channel", _FIRST_BY_IDS)),
    "channel created": Case(channel("fresh")),
    "channel created with a bundle": Case(channel("fresh", version="2.2.7")),
    "default channel created": Case(channel("fresh", version="2.2.7", public=True)),
    "bundle detached": Case(channel("production", detach_bundle=True, confirm=True)),
    "rollout started": Case(rollout("production", "start", version="2.3.0", percentage=12.5)),
    "rollout target changed": Case(rollout("staging", "start", version="2.2.7", percentage=5)),
    "rollout target changed while paused": Case(
        rollout("staging", "start", version="2.2.7", percentage=5),
        (rollout("staging", "pause", pause_reason="crashes"),),
    ),
    "rollout widened": Case(rollout("staging", "widen", percentage=60)),
    "rollout widened by a basis point": Case(rollout("staging", "widen", percentage=25.01)),
    "rollout off": Case(rollout("staging", "off")),
    "rollout paused": Case(rollout("staging", "pause")),
    "rollout paused at a time": Case(rollout("staging", "pause", paused_at="2026-11-01T10:20:00Z")),
    "rollout resumed": Case(rollout("staging", "resume"), (rollout("staging", "pause"),)),
    "rollout resumed that had a reason": Case(
        rollout("staging", "resume"), (rollout("staging", "pause", pause_reason="crashes"),)
    ),
    "rollout dropped": Case(rollout("staging", "drop")),
    "rollout dropped while paused": Case(rollout("staging", "drop"), (rollout("staging", "pause"),)),
    "promoted": Case(rollout("staging", "promote")),
    "promoted while paused": Case(
        rollout("staging", "promote"), (rollout("staging", "pause", pause_reason="crashes"),)
    ),
    "pause reason": Case(
        rollout("staging", "pause", pause_reason="other"), (rollout("staging", "pause", pause_reason="crashes"),)
    ),
    "first pause reason": Case(
        rollout("staging", "pause", pause_reason="other"), (rollout("staging", "pause"),), names=("pause_reason",)
    ),
    "draw kept": Case(rollout("staging", "auto_pause", cache_ttl_seconds=600)),
    "auto-pause": Case(rollout("staging", "auto_pause", **_AUTO_PAUSE)),
    "auto-pause that had no thresholds": Case(
        rollout("production", "auto_pause", **_AUTO_PAUSE),
        names=("auto_pause_failure_rate_bps", "auto_pause_min_attempts"),
    ),
    "flags": Case(channel("production", **_FLAGS)),
    "iOS off": Case(channel("production", ios=False)),
    "all platforms off": Case(channel("beta", ios=False, android=False, electron=False), names=("electron",)),
    "default for one platform": Case(channel("beta", public=True, ios=True), names=("electron",)),
    "kind of download": Case(channel("beta", update_package="zip")),
    "retention": Case(("capgo_update_app", {"app_id": DEMO_APP, "retention": 86_400, "confirm": True})),
    "retention of seconds": Case(("capgo_update_app", {"app_id": DEMO_APP, "retention": 30, "confirm": True})),
    "retention from seconds": Case(
        ("capgo_update_app", {"app_id": DEMO_APP, "retention": 86_400}),
        (("capgo_update_app", {"app_id": DEMO_APP, "retention": 30, "confirm": True}),),
    ),
    "app name": Case(("capgo_update_app", {"app_id": DEMO_APP, "name": "Other"})),
    "app and icon": Case(
        ("capgo_update_app", {"app_id": DEMO_APP, "icon": f"org/{LIGHTHOUSE}/{DEMO_APP}/icon", "name": "Other"}),
        names=("icon",),
    ),
    "store page": Case(
        ("capgo_set_app_settings", {"app_id": DEMO_APP, "ios_store_url": "https://apps.apple.com/app/id1"})
    ),
    "custom ids": Case(("capgo_set_app_settings", {"app_id": DEMO_APP, "allow_device_custom_id": False})),
    "cloud addresses": Case(("capgo_update_app", {"app_id": DEMO_APP, "block_provider_infra_requests": False})),
    "device pinned": Case(("capgo_set_device_channel", {**_PIN, "channel": "beta"})),
    "device pinned again": Case(
        ("capgo_set_device_channel", {**_PIN, "channel": "beta"}),
        (("capgo_set_device_channel", {**_PIN, "channel": "staging"}),),
    ),
    "device pinned to the same": Case(
        ("capgo_set_device_channel", {**_PIN, "channel": "beta"}),
        (("capgo_set_device_channel", {**_PIN, "channel": "beta"}),),
    ),
    "webhook": Case(
        (
            "capgo_update_webhook",
            {
                **_WEBHOOK,
                "name": "Other",
                "url": "https://other.example.com/",
                "events": ["orgs"],
                "enabled": False,
                "delivery_version": "standard",
                "confirm": True,
            },
        )
    ),
    "webhook switched on": Case(
        ("capgo_update_webhook", {**_WEBHOOK, "enabled": True, "confirm": True}),
        (("capgo_update_webhook", {**_WEBHOOK, "enabled": False}),),
    ),
    "push settings": Case(("capgo_update_notification_settings", {**_PUSHES, "push_update_install_mode": "set"})),
    "push settings without a channel": Case(
        ("capgo_update_notification_settings", {**_PUSHES, "push_update_channel": "beta"}),
        (("capgo_update_notification_settings", {**_PUSHES, "push_update_channel": ""}),),
    ),
    "organization": Case(
        ("capgo_update_organization", {"org_id": LIGHTHOUSE, "name": "Other", "website": "https://other.example.com"})
    ),
    "logo": Case(("capgo_update_organization", {"org_id": LIGHTHOUSE, "logo": "other.png"}), names=("logo",)),
    "organization's e-mail": Case(
        ("capgo_update_organization", {"org_id": LIGHTHOUSE, "management_email": "jonas@example.com"})
    ),
}
_COLUMNS: Final = {
    "icon": "icon_url",
    "the rollout's bundle": "rollout_version",
    "whether the rollout is on": "rollout_enabled",
    "percentage": "rollout_percentage_bps",
    "paused_at": "rollout_paused_at",
    "pause_reason": "rollout_pause_reason",
    "cache_ttl_seconds": "rollout_cache_ttl_seconds",
}
"""Arguments that are stored under another name."""


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_undo_restores_what_was_there(case: Case, behaviour: Behaviour) -> None:
    """The calls in `undo` set every row back, but for what `note` names; an older Capgo shows less to set back."""
    async with desk() as here:
        for tool, arguments in case.before:
            await here.facts(tool, **arguments)
        before = picture(here.state)
        outcome = await here.facts(case.change[0], **case.change[1])
        assert outcome["done"] is True
        unrestored = lost(outcome.get("note"))
        assert unrestored == set(case.names) or (behaviour is Behaviour.JULY and unrestored > set(case.names))
        for call in outcome["undo"]:
            assert (await here.follow(call))["done"] is True
        left = {column for _, _, column in differences(before, picture(here.state))}
        assert left <= {_COLUMNS.get(name, name) for name in unrestored}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
async def test_before_and_after_tell_only_what_changed(case: Case) -> None:
    """`before` and `after` hold the facts that differ, and one that is told in both differs."""
    async with desk() as here:
        for tool, arguments in case.before:
            await here.facts(tool, **arguments)
        outcome = await here.facts(case.change[0], **case.change[1])
        before, after = outcome["before"], outcome["after"]
        assert not [name for name in before.keys() & after.keys() if before[name] == after[name]]
        assert before or after or not outcome["undo"]


async def test_before_and_after_of_a_moved_default_name_the_channels() -> None:
    """Moving the default says which channel lost it."""
    async with desk() as here:
        outcome = await here.facts("capgo_set_channel", app_id=DEMO_APP, channel="beta", public=True)
    assert outcome["before"] == {"default_channels": ["production"], "public": False}
    assert outcome["after"] == {"default_channels": ["beta"], "public": True}


async def test_before_and_after_of_a_bundle_name_it() -> None:
    """A channel moved to another bundle tells both by version name."""
    async with desk() as here:
        outcome = await here.facts("capgo_set_channel", app_id=DEMO_APP, channel="production", version="2.2.7")
    assert (outcome["before"]["version"]["name"], outcome["after"]["version"]["name"]) == ("2.2.8", "2.2.7")


async def test_a_failed_change_names_no_undo() -> None:
    """A change that Capgo refuses is an error, and nothing was changed."""
    async with desk() as here:
        before = picture(here.state)
        await here.error("capgo_set_device_channel", **_PIN, channel="no such channel")
        assert not differences(before, picture(here.state))


HIDDEN: Final = {"zero-width": "pro\u200bduction", "a tab": "pr-\t412", "a line break": "pr-\n412", "long": "x" * 600}


@pytest.mark.parametrize("name", HIDDEN.values(), ids=HIDDEN.keys())
async def test_undo_never_reaches_another_channel(name: str) -> None:
    """A channel whose name cannot be shown as it is gets no undo that hits the one whose name looks the same."""
    async with desk() as here:
        await here.call("capgo_set_channel", {"app_id": DEMO_APP, "channel": clean(name)})
        before = picture(here.state)
        result = await here.call("capgo_set_channel", {"app_id": DEMO_APP, "channel": name})
        for call in (result.structured_content or {}).get("undo") or []:
            await here.call(call["tool"], call["arguments"])
        assert not [key for key in before["channels"] if key not in here.state.channels]


VERSIONS: Final = st.sampled_from(["2.2.7", "2.2.8", "2.3.0", "1.0.0"])
BASIS_POINTS: Final = st.integers(0, 10_000)
FLAG: Final = st.booleans()
PERCENT: Final = BASIS_POINTS.map(lambda points: points / 100)
VALUES: Final[dict[str, st.SearchStrategy[Any]]] = {
    **dict.fromkeys(_FLAGS.keys() - {"disable_auto_update"}, FLAG),
    **dict.fromkeys(("public", "ios", "android", "electron", "detach_bundle"), FLAG),
    "version": VERSIONS,
    "disable_auto_update": st.sampled_from(["major", "minor", "patch", "metadata", "none"]),
}
AUTO_PAUSE: Final[dict[str, st.SearchStrategy[Any]]] = {
    "auto_pause_enabled": FLAG,
    "auto_pause_failure_rate_bps": BASIS_POINTS,
    **dict.fromkeys(("auto_pause_min_attempts", "auto_pause_cooldown_minutes"), st.integers(0, 10_080)),
    "auto_pause_action": st.sampled_from(["pause", "rollback", "notify"]),
    "auto_pause_confidence": st.floats(0.01, 0.99),
    "auto_pause_window_minutes": st.integers(1, 10_080),
    "cache_ttl_seconds": st.integers(60, 31_536_000),
}
ACTIONS: Final[dict[str, dict[str, st.SearchStrategy[Any]]]] = {
    "start": {"version": VERSIONS, "percentage": PERCENT},
    "widen": {"percentage": PERCENT},
    "pause": {
        "paused_at": st.sampled_from(["2026-01-02T03:04:00Z", "2025-12-31T23:59:00+00:00"]),
        "pause_reason": st.sampled_from(["crashes", "holiday"]),
    },
    "resume": {},
    "promote": {},
    "drop": {},
    "off": {},
}
CHANNELS: Final = st.sampled_from(["production", "staging", "beta", "pr-412", "fresh"])
OFTEN: Final = ["public", "ios", "android", "version"] * 3
SETTINGS: Final = st.lists(
    st.one_of(*(st.tuples(st.just(name), VALUES[name]) for name in [*sorted(VALUES), *OFTEN])), max_size=7
).map(lambda pairs: ("capgo_set_channel", {"app_id": DEMO_APP, "confirm": True, **dict(pairs)}))
ROLLOUTS: Final = st.sampled_from(sorted(ACTIONS)).flatmap(
    lambda action: st.fixed_dictionaries(
        {"app_id": st.just(DEMO_APP), "action": st.just(action), **ACTIONS[action]}, optional=AUTO_PAUSE
    ).map(lambda arguments: ("capgo_set_rollout", arguments))
)
CHANGES: Final = SETTINGS | ROLLOUTS


@pytest.mark.parametrize("action", ["widen", "pause", "resume", "promote", "advance", "drop", "off"])
async def test_without_a_rollout_nothing_is_sent(action: str) -> None:
    """What needs a rollout changes nothing where there is none, and says so: a pause would stop the next one."""
    needs: dict[str, Facts] = {"widen": {"percentage": 5}, "advance": {"version": "2.3.0"}}
    async with desk() as here:
        outcome = await here.facts(
            "capgo_set_rollout", app_id=DEMO_APP, channel="production", action=action, **needs.get(action, {})
        )
        assert (outcome["done"], outcome["changed"], here.wire.writes) == (False, "nothing", [])
        assert 'serves "2.2.8" to all its devices' in outcome["note"]


@settings(max_examples=120, suppress_health_check=list(HealthCheck), derandomize=True)
@given(earlier=st.lists(CHANGES, max_size=3), last=CHANGES, name=CHANNELS)
async def test_undo_restores_the_row_after_any_change(earlier: list[Step], last: Step, name: str) -> None:
    """Whatever a channel was and whatever is set: the undo restores all but what the note names."""
    async with desk() as here:
        for tool, arguments in earlier:
            await here.call(tool, {**arguments, "channel": name})
        before = picture(here.state)
        result = await here.call(last[0], {**last[1], "channel": name})
        if result.is_error:
            assert not differences(before, picture(here.state))
            return
        outcome = result.structured_content or {}
        for call in outcome.get("undo", []):
            await here.follow(call)
        left = differences(before, picture(here.state))
        assert {column for _, _, column in left} <= {_COLUMNS.get(name, name) for name in lost(outcome.get("note"))}


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({"ios": False, "android": False}, {"public": True, "ios": True}),
        ({"public": True, "ios": False, "android": False, "electron": False}, {"public": True, "ios": True}),
        ({"public": True, "ios": False, "android": False, "electron": False}, {"public": False, "ios": True}),
        ({"public": True, "ios": False, "android": False, "electron": False}, {"public": False, "electron": True}),
    ],
    ids=["taken", "taken beside another one", "given up", "given up, with a platform that is never told"],
)
async def test_undo_gives_a_default_back_to_whom_it_was(first: Facts, then: Facts) -> None:
    """A channel that served no platform takes the default from no other one, nor keeps what it took, on the way."""
    async with desk() as here:
        await here.facts("capgo_set_channel", app_id=DEMO_APP, channel="staging", **first)
        before = picture(here.state)
        outcome = await here.facts("capgo_set_channel", app_id=DEMO_APP, channel="staging", **then)
        for call in outcome["undo"]:
            await here.follow(call)
        left = differences(before, picture(here.state))
        assert {column for _, _, column in left} <= lost(outcome.get("note"))


async def test_an_undo_that_cannot_be_built_leaves_the_change_done() -> None:
    """What was stored before may be nothing that a call may set: the change is done all the same, and says so."""
    async with desk() as here:
        here.state.apps[DEMO_APP]["retention"] = 10**12
        outcome = await here.facts("capgo_update_app", app_id=DEMO_APP, retention=2_592_000, confirm=True)
        assert (outcome["done"], outcome["undo"]) == (True, [])
        assert outcome["note"] == "There is no undo: what was stored before is nothing that a call may set."


@pytest.mark.parametrize("name", ["Demo  app", "Demo\u200b app"])
async def test_an_undo_brings_back_the_exact_name_or_is_not_offered(name: str) -> None:
    """The way back is made from what Capgo stores; a name that no answer shows as it is has none."""
    async with desk() as here:
        here.state.apps[DEMO_APP]["name"] = name
        outcome = await here.facts("capgo_update_app", app_id=DEMO_APP, name="Other")
        for call in outcome["undo"]:
            await here.follow(call)
        assert here.state.apps[DEMO_APP]["name"] == (name if outcome["undo"] else "Other")
        assert bool(outcome["undo"]) is name.isascii()
