"""The plan of a release: whether to, why, with which calls, and back again; whichever Capgo answers."""

import json
import re
from collections.abc import AsyncIterator
from itertools import product
from typing import Any, Final

import pytest

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.api.channel_edit import WHOLE, ChannelRow, served
from capgo_mcp.insights.proposal import STOP_RULE
from capgo_mcp.operations.channels import GetChannel
from capgo_mcp.sandbox.seed.people import DEMO_APP, HARBOR, LIGHTHOUSE
from scripts.docs import ROOT
from tests.support.safety import UPSTREAM, Desk, desk, picture

TOKENS: Final = 700
CHARACTERS: Final = 2.9
"""Characters of an answer that make a token of o200k, counted once."""

STATES: Final = ("production", "staging", "canary", "nightly", "partners")
"""Channels without a rollout, and with one that runs, is paused, is at 0 % and is off."""


@pytest.fixture(params=Behaviour, ids=lambda behaviour: behaviour.value)
async def here(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    """Tools over a sandbox as Capgo was in July, and over one as it is since."""
    monkeypatch.setattr(UPSTREAM, "behaviour", request.param)
    async with desk() as made:
        yield made


async def plan(here: Desk, version: str, **arguments: Any) -> dict[str, Any]:
    """The plan for a bundle of the demo app."""
    return await here.facts("capgo_plan_release", app_id=DEMO_APP, version=version, **arguments)


async def stored(here: Desk, channel: str) -> ChannelRow:
    """A channel as it is stored now."""
    return (await here.capgo.send(GetChannel(app_id=DEMO_APP, channel=channel))).stored()


def change(here: Desk, channel: str, **columns: Any) -> None:
    """Alter a channel of the demo app behind everybody's back."""
    (here.state.channel_named(DEMO_APP, channel) or {}).update(columns)


def change_bundle(here: Desk, version: str, **columns: Any) -> None:
    """Alter a bundle of the demo app."""
    (here.state.bundle_named(DEMO_APP, version) or {}).update(columns)


def healthy(here: Desk) -> None:
    """Let production serve the bundle before the one that does well, and no device be kept from it."""
    bundle = here.state.bundle_named(DEMO_APP, "2.2.7") or {}
    change(here, "production", version=bundle["id"], allow_dev=True, allow_emulator=True)
    here.state.overrides.clear()


def said(answer: dict[str, Any], verdict: str) -> str:
    """All reasons for a verdict, as one text."""
    return "\n".join(reason["what"] for reason in answer["reasons"] if reason["says"] == verdict)


@pytest.mark.parametrize("percentage", [None, 10])
@pytest.mark.parametrize("version", ["2.3.0", "2.2.8", "2.2.7"])
@pytest.mark.parametrize("channel", STATES)
async def test_calls_lead_where_the_plan_says_and_back(
    here: Desk, channel: str, version: str, percentage: int | None
) -> None:
    """After the calls the bundle has the share that was asked for; the way back restores all but what it names."""
    before = await stored(here, channel)
    asked = {"channel": channel} | ({} if percentage is None else {"percentage": percentage})
    answer = await plan(here, version, **asked)
    for call in answer.get("calls", []):
        assert (await here.follow(call))["done"]
    after = await stored(here, channel)
    if before.version == version and percentage:
        assert "nothing to do" in said(answer, "no")
        assert after == before
    elif percentage:
        assert (after.rollout_version, served(after)[version]) == (version, percentage * 100)
    else:
        assert served(after) == {version: WHOLE}
    for call in answer.get("back", []):
        await here.follow(call)
    row = await stored(here, channel)
    assert served(row) == served(before)
    different = [name for name in ChannelRow.model_fields if getattr(row, name) != getattr(before, name)]
    assert len(different) == len(answer.get("not_brought_back", []))


async def test_rollout_starts_with_a_stop_rule(here: Desk) -> None:
    """A share is given by one call, which also says when the rollout pauses by itself."""
    (call,) = (await plan(here, "2.3.0", percentage=10))["calls"]
    where = {"app_id": DEMO_APP, "channel": "production", "expected_version": "2.2.8"}
    assert call["tool"] == "capgo_set_rollout"
    assert call["arguments"] == {**where, "action": "start", "version": "2.3.0", "percentage": 10, **STOP_RULE}


async def test_guide_shows_the_calls_of_the_plan(here: Desk) -> None:
    """The guide to a rollout plans and starts it by the very calls that the plan names."""
    page = (ROOT / "docs" / "staged-rollout.md").read_text(encoding="utf-8")
    asked, started = (
        json.loads(*re.findall(f"{tool} '({{.*?}})'", page, re.DOTALL))
        for tool in ("capgo_plan_release", "capgo_set_rollout")
    )
    answer = await here.facts("capgo_plan_release", **asked)
    assert answer["verdict"] == "no"
    assert [started] == [call["arguments"] for call in answer["calls"]]


async def test_own_stop_rule_of_a_channel_stays(here: Desk) -> None:
    """Where somebody has set when to pause, that is not set anew."""
    (call,) = (await plan(here, "2.3.0", channel="staging", percentage=50))["calls"]
    assert not any(name.startswith("auto_pause") for name in call["arguments"])
    assert call["arguments"]["action"] == "widen"


async def test_everyone_gets_it_by_one_call(here: Desk) -> None:
    """Without a percentage the bundle goes to all; its own rollout is promoted instead."""
    (call,) = (await plan(here, "2.3.0"))["calls"]
    assert call == {
        "tool": "capgo_set_channel",
        "arguments": {
            "app_id": DEMO_APP,
            "channel": "production",
            "version": "2.3.0",
            "expected_version": "2.2.8",
        },
    }
    (call,) = (await plan(here, "2.3.0", channel="staging"))["calls"]
    assert call["arguments"]["action"] == "promote"


@pytest.mark.parametrize("share", [{}, {"percentage": 10}])
@pytest.mark.parametrize("channel", STATES)
async def test_calls_are_refused_once_the_channel_has_moved(here: Desk, channel: str, share: dict[str, int]) -> None:
    """What was planned on one bundle is not done on another that somebody put there meanwhile."""
    answer = await plan(here, "2.3.0-beta.6", channel=channel, **share)
    change(here, channel, version=(here.state.bundle_named(DEMO_APP, "2.2.5") or {})["id"])
    before = picture(here.state)
    for call in answer["calls"]:
        assert '"2.2.5"' in await here.error(call["tool"], **call["arguments"])
    assert picture(here.state) == before


async def test_good_release_is_a_go(here: Desk) -> None:
    """A newer bundle that does well, with the same native packages and nobody in its way."""
    healthy(here)
    answer = await plan(here, "2.2.8")
    assert answer["verdict"] == "go"
    assert "It does well where it is out: 1 of " in said(answer, "go")
    assert 'the same native packages as "2.2.7"' in said(answer, "go")


async def test_failing_bundle_is_a_no(here: Desk) -> None:
    """What fails elsewhere is not released, with the figures, though the calls are told to a user who insists."""
    answer = await plan(here, "2.3.0")
    assert answer["verdict"] == "no"
    assert "It is failing where it is out: " in said(answer, "no")
    assert answer["calls"]


async def test_failures_that_nobody_counted_are_not_known(here: Desk) -> None:
    """Too few devices, or a Capgo that counts none, are no sign of health."""
    answer = await plan(here, "2.3.0-beta.6", channel="qa")
    assert any(one.startswith("failures elsewhere are not known: ") for one in answer["unknown"])
    assert "does well" not in said(answer, "go")


async def test_missing_bundle_is_a_no_that_names_others(here: Desk) -> None:
    """A bundle that does not exist is not released; the newest ones are named."""
    answer = await plan(here, "9.9.9")
    assert answer["verdict"] == "no"
    assert 'no bundle called "9.9.9"' in said(answer, "no")
    assert '"2.3.0"' in said(answer, "no")
    assert "calls" not in answer


@pytest.mark.parametrize(
    ("version", "channel"), [("2.2.7", "production"), ("2.3.0-beta.6", "internal")], ids=["by number", "by upload"]
)
async def test_older_bundle_waits_for_a_word(here: Desk, version: str, channel: str) -> None:
    """Going back may be meant, so it is said and not forbidden; a pre-release is older than its release."""
    answer = await plan(here, version, channel=channel)
    assert answer["verdict"] == "wait"
    assert "this goes back" in said(answer, "wait")


async def test_no_default_channel(here: Desk) -> None:
    """Without a default channel somebody has to name one."""
    change(here, "production", public=False)
    answer = await plan(here, "2.3.0")
    assert answer["verdict"] == "no"
    assert "no default channel: name the one" in said(answer, "no")


async def test_several_default_channels(here: Desk) -> None:
    """With one default for each platform, each is planned by name."""
    change(here, "beta", public=True)
    answer = await plan(here, "2.3.0")
    assert answer["verdict"] == "wait"
    assert '"production", "beta"' in said(answer, "wait")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Prodution", 'did you mean "production"?'),
        ("PRODUCTION", 'did you mean "production"?'),
        ("zzz", "capgo_set_channel creates one"),
    ],
)
async def test_unknown_channel(here: Desk, name: str, hint: str) -> None:
    """A channel that does not exist is named with the one that may be meant, and nothing is proposed."""
    answer = await plan(here, "2.3.0", channel=name)
    assert hint in said(answer, "no")
    assert "calls" not in answer


async def test_nothing_to_do(here: Desk) -> None:
    """A bundle that all devices get already needs no call, and neither does a share that it has."""
    assert "its stable bundle already" in said(await plan(here, "2.2.8"), "no")
    answer = await plan(here, "2.3.0", channel="staging", percentage=25)
    assert "that share already" in said(answer, "no")
    assert "calls" not in answer


async def test_going_back_to_the_stable_bundle_drops_the_rollout(here: Desk) -> None:
    """Where the stable bundle shall be all that is served, the rollout goes, paused or not."""
    for channel in ("staging", "canary"):
        answer = await plan(here, "2.2.8", channel=channel)
        assert [call["arguments"]["action"] for call in answer["calls"]] == ["drop"]
        assert 'It ends the rollout of "2.3.0"' in said(answer, "wait")


async def test_rollout_needs_a_stable_bundle(here: Desk) -> None:
    """On a channel without a bundle a rollout would be refused, which is told before it is tried."""
    answer = await plan(here, "2.3.0", channel="pr-412", percentage=5)
    assert "Cannot set a rollout version without a stable version. Leave percentage out" in said(answer, "no")
    assert "calls" not in answer


@pytest.mark.parametrize(
    ("channel", "verdict", "state"),
    [
        ("staging", "wait", "at 25 %"),
        ("canary", "wait", 'paused since .*("crashes when a shared folder is opened offline")'),
        ("nightly", "go", "at 0 %"),
        ("partners", "go", "off"),
    ],
)
@pytest.mark.parametrize("percentage", [None, 10])
async def test_rollout_that_it_would_end_is_told(
    here: Desk, channel: str, verdict: str, state: str, percentage: int | None
) -> None:
    """Another bundle's rollout is named with its state; one that reaches nobody is no reason to wait."""
    answer = await plan(here, "2.2.7", channel=channel, **({"percentage": percentage} if percentage else {}))
    (told,) = [reason for reason in answer["reasons"] if reason["what"].startswith('It ends the rollout of "2.3.0"')]
    assert told["says"] == verdict
    before, _, after = state.partition(".*")
    assert f"which is {before}" in told["what"]
    assert after in told["what"]
    actions = [call["arguments"].get("action") for call in answer["calls"]]
    assert actions == ["drop", "start" if percentage else None]


async def test_own_rollout_that_is_paused_waits(here: Desk) -> None:
    """Somebody stopped this very bundle: the reason is told before it goes on."""
    answer = await plan(here, "2.3.0", channel="canary", percentage=50)
    assert 'Its rollout on "canary" is paused since ' in said(answer, "wait")
    assert "crashes when a shared folder is opened offline" in said(answer, "wait")
    assert [call["arguments"]["action"] for call in answer["calls"]] == ["resume"]


async def test_native_packages_wait_for_the_stores(here: Desk) -> None:
    """What a bundle needs beyond the one served is told, with the share of devices whose native build is older."""
    told = said(await plan(here, "2.3.0"), "wait")
    assert "adds @capacitor/filesystem 7.1.4; changes @capacitor/camera 7.0.1 to 7.0.2" in told
    assert '260 of 260 devices seen last have a native build older than "2.3.0-beta.1"' in told


async def test_native_packages_that_all_devices_have(here: Desk) -> None:
    """Once every device has a native build with them, new packages are no reason to wait."""
    for row in here.state.devices.values():
        row["version_build"] = "2.3.0"
    assert "Natively it adds" in said(await plan(here, "2.3.0"), "go")


async def test_native_packages_that_are_not_told(here: Desk) -> None:
    """A bundle uploaded without its native packages is not called the same."""
    change_bundle(here, "2.3.0", native_packages=None)
    assert "native packages: not told for both bundles" in (await plan(here, "2.3.0"))["unknown"]


async def test_rules_that_reach_nobody_are_a_no(here: Desk) -> None:
    """Where the channel's rules keep the bundle from every device it is no release."""
    healthy(here)
    change(here, "production", disable_auto_update="version_number")
    answer = await plan(here, "2.2.8")
    assert "keep it from every device" in said(answer, "no")
    change(here, "production", disable_auto_update="patch")
    assert "keep it from every device" in said(await plan(here, "2.2.8"), "no")


async def test_pins_are_counted(here: Desk) -> None:
    """Devices pinned elsewhere do not get it; a channel that is no default reaches only those pinned to it."""
    assert "8 of 260 devices seen last are pinned to other channels" in said(await plan(here, "2.3.0"), "go")
    assert "those that join it themselves: 3 of 260" in said(await plan(here, "2.3.0", channel="beta"), "go")


async def test_every_plan_is_short(here: Desk) -> None:
    """Whatever is asked, an answer has at most 700 tokens."""
    for channel, version, share in product(STATES, ["2.3.0", "2.3.0-beta.6", "2.2.7"], [{}, {"percentage": 10}]):
        answer = await plan(here, version, channel=channel, **share)
        assert len(json.dumps(answer, separators=(",", ":"))) <= TOKENS * CHARACTERS


async def test_plan_is_short_where_everything_is_long(here: Desk) -> None:
    """A hundred new packages, a novel for a reason and every rule set: the gravest reasons are what remains."""
    change(here, "canary", public=True, allow_prod=False, allow_device=False, rollout_pause_reason="no " * 300)
    change(here, "production", public=False)
    news = [{"name": f"@capacitor-community/a-very-long-package-name-{n}", "version": "7.1.4"} for n in range(100)]
    change_bundle(here, "2.3.0", native_packages=news)
    answer = await plan(here, "2.3.0", channel="canary", percentage=12.5)
    assert len(json.dumps(answer, separators=(",", ":"), ensure_ascii=False)) <= TOKENS * CHARACTERS
    assert answer["reasons"][0]["says"] == "no"
    assert "and 97 more" in said(answer, "wait")


async def test_reason_with_hidden_characters_has_no_way_back(here: Desk) -> None:
    """A pause reason that cannot be shown as it is stored cannot be set again, and the plan says so."""
    change(here, "canary", rollout_pause_reason="wait\u200b")
    answer = await plan(here, "2.2.7", channel="canary")
    assert answer["back"] == []
    assert answer["not_brought_back"] == ["what is there now"]


async def test_what_cannot_be_read_is_told(here: Desk) -> None:
    """An unpaid plan hides the usage and nothing else."""
    here.state.unpaid |= {LIGHTHOUSE, HARBOR}
    answer = await plan(here, "2.3.0")
    assert any(one.startswith("usage: ") for one in answer["unknown"])
    assert answer["calls"]


async def test_plan_writes_nothing(here: Desk) -> None:
    """It only reads."""
    before = picture(here.state)
    await plan(here, "2.3.0", percentage=10)
    assert picture(here.state) == before
