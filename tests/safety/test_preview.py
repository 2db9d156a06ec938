"""A call that can destroy sends nothing that writes until it is confirmed, and says what would go."""

from collections.abc import Callable
from typing import Any, Final

import httpx2
import pytest

from capgo_mcp.sandbox import READER_KEY, State, create_app
from capgo_mcp.sandbox.seed.fleet import PINNED_DEVICE
from capgo_mcp.sandbox.seed.people import DEMO_APP, LIGHTHOUSE, NOTES_APP
from tests.support import samples
from tests.support.safety import (
    DANGEROUS,
    DESTROYERS,
    Facts,
    answering,
    desk,
    failing_reads,
    name_of,
    picture,
    text,
    unlimited,
)
from tests.support.samples import AnyOperation

AGAINST: Final = "an agent that destroys before anybody has seen what goes"
HOLDS: Final = ("Consent", "Nothing is deleted without consent")
ATTACKER: Final = "the agent"
ASSET: Final = "the account"

each = pytest.mark.parametrize("operation", DESTROYERS, ids=name_of)

_ALSO: Final[dict[str, Facts]] = {
    "capgo_set_channel": {"public": True, "disable_auto_update": "minor", "allow_dev": False},
    "capgo_update_app": {"name": "Other"},
}


def arguments(operation: AnyOperation) -> Facts:
    """Arguments with which the call needs consent."""
    return samples.required(operation) | DANGEROUS.get(operation.spec.name, {})


@each
async def test_without_confirm_only_reads_leave(operation: AnyOperation) -> None:
    """The answer is a preview, and nothing but GET requests were sent."""
    async with desk() as here:
        before = picture(here.state)
        outcome = await here.facts(operation.spec.name, **arguments(operation))
        assert outcome["done"] is False
        assert set(outcome) == {"done", "preview", "ask", "after_consent"}
        assert here.wire.writes == []
        assert picture(here.state) == before


@each
async def test_the_preview_repeats_what_was_asked_for(operation: AnyOperation) -> None:
    """Every argument stands in the preview as it was given: what is there now does not hide what would be set."""
    given = arguments(operation) | _ALSO.get(operation.spec.name, {})
    async with desk() as here:
        outcome = await here.facts(operation.spec.name, **given)
    assert outcome["preview"]["would"] == operation.spec.title
    assert {name: outcome["preview"]["facts"].get(name) for name in given} == given


@each
async def test_the_answer_tells_what_to_do_next(operation: AnyOperation) -> None:
    """The agent is told to show the preview to the user and to go on only after they agree."""
    async with desk() as here:
        ask = (await here.facts(operation.spec.name, **arguments(operation)))["ask"]
    assert "Show the preview to the user" in ask
    assert "only after they agree" in ask


@each
async def test_after_consent_is_the_call_that_then_works(operation: AnyOperation) -> None:
    """The proposed call is the same one with consent, and it does what was asked for."""
    given = arguments(operation) | _ALSO.get(operation.spec.name, {})
    async with desk() as here:
        call = (await here.facts(operation.spec.name, **given))["after_consent"]
        ours = ("confirm", "confirm_name", "seen")
        consent = {name: call["arguments"].pop(name) for name in ours if name in call["arguments"]}
        assert (call["tool"], call["arguments"]) == (operation.spec.name, given)
        assert consent.keys() == {"confirm", "seen"} | ({"confirm_name"} if operation.spec.by_name else set())
        assert (await here.facts(call["tool"], **call["arguments"], **consent))["done"] is True
        assert len(here.wire.writes) == 1


DEMO: Final = {"app_id": DEMO_APP}
TOLD: Final[list[tuple[str, Facts, Facts]]] = [
    ("capgo_delete_app", DEMO, {"name": "Demo app", "channels": 57, "bundles": 124, "devices": 260}),
    (
        "capgo_delete_channel",
        {**DEMO, "channel": "production"},
        {"public": True, "version": {"id": 118, "name": "2.2.8"}},
    ),
    ("capgo_delete_channel", {**DEMO, "channel": "staging"}, {"public": False, "rollout_percentage_bps": 2500}),
    (
        "capgo_delete_bundle",
        {**DEMO, "version": "2.3.0-beta.6"},
        {"served_by": ["beta", "pr-547"], "capgo_will_refuse": True},
    ),
    ("capgo_delete_bundle", {**DEMO, "version": "1.4.2"}, {"served_by": [], "capgo_will_refuse": False}),
    ("capgo_delete_all_bundles", DEMO, {"name": "Demo app", "bundles_to_delete": 100, "bundles_to_keep": 24}),
    (
        "capgo_unset_device_channel",
        {**DEMO, "device_id": PINNED_DEVICE},
        {"custom_id": "mira-iphone", "channel": "beta", "platform": "ios"},
    ),
    (
        "capgo_delete_organization",
        {"org_id": LIGHTHOUSE},
        {"name": "Lighthouse Labs", "apps": 2, "app_ids": [DEMO_APP, NOTES_APP], "members": 5},
    ),
    ("capgo_remove_member", {"org_id": LIGHTHOUSE, "email": "jonas@example.com"}, {"role": "org_admin"}),
    ("capgo_delete_api_key", {"api_key_id": 3}, {"name": "CI uploads"}),
    (
        "capgo_delete_webhook",
        {"org_id": LIGHTHOUSE, "webhook_id": samples.BY_NAME["webhook_id"]},
        {"name": "Release bell", "url": "https://hooks.example.com/release-bell"},
    ),
    (
        "capgo_create_webhook",
        {"org_id": LIGHTHOUSE, "name": "Bell", "url": "https://hooks.example.com/2", "events": ["apps"]},
        {"organization": {"name": "Lighthouse Labs"}, "webhooks": 2, "url": "https://hooks.example.com/2"},
    ),
    (
        "capgo_update_webhook",
        {"org_id": LIGHTHOUSE, "webhook_id": samples.BY_NAME["webhook_id"], "events": ["orgs"]},
        {
            "events": ["orgs"],
            "now": {
                "name": "Release bell",
                "url": "https://hooks.example.com/release-bell",
                "enabled": True,
                "events": ["app_versions", "channels"],
            },
        },
    ),
    (
        "capgo_update_notification_settings",
        {**DEMO, "push_update_enabled": False},
        {
            "push_update_enabled": False,
            "push_update_install_mode": "next",
            "push_update_channel": "production",
            "now": {
                "push_update_enabled": True,
                "push_update_install_mode": "next",
                "push_update_channel": "production",
            },
        },
    ),
    ("capgo_trigger_update_check", {**DEMO, "target": "broadcast"}, {"devices": 260}),
    ("capgo_send_notification", {**DEMO, "target": "external_id:user-9"}, {"devices": 1}),
    ("capgo_send_notification", {**DEMO, "target": "external_id:nobody"}, {"devices": 0}),
    ("capgo_send_notification", {**DEMO, "target": "device_key:dev_1"}, {"devices": 1}),
    ("capgo_update_app", {**DEMO, "retention": 0}, {"retention_now": 2_592_000, "bundles_no_channel_serves": 100}),
]


@pytest.mark.parametrize(("tool", "given", "told"), TOLD, ids=lambda value: value if isinstance(value, str) else "")
async def test_the_preview_tells_what_would_go(tool: str, given: Facts, told: Facts) -> None:
    """Names, counts, and what stands in the way, as the sandbox holds them."""
    async with desk() as here:
        facts = (await here.facts(tool, **given))["preview"]["facts"]
    assert told == {name: facts.get(name) for name in told}


async def test_the_preview_of_all_bundles_matches_what_then_goes() -> None:
    """The counts of what goes and stays are those that are gone and left after the deletion."""

    def left(state: State) -> int:
        return sum(b["app_id"] == DEMO_APP and not b["deleted"] for b in state.bundles.values())

    async with desk() as here:
        outcome = await here.facts("capgo_delete_all_bundles", app_id=DEMO_APP)
        facts, before = outcome["preview"]["facts"], left(here.state)
        await here.follow(outcome["after_consent"])
        assert (facts["bundles_to_delete"], facts["bundles_to_keep"]) == (before - left(here.state), left(here.state))


async def test_the_preview_says_when_capgo_will_refuse() -> None:
    """A bundle that a channel rolls out is served too, and Capgo then refuses as foretold."""
    async with desk() as here:
        outcome = await here.facts("capgo_delete_bundle", app_id=DEMO_APP, version="2.3.0")
        assert "staging" in outcome["preview"]["facts"]["served_by"]
        call = outcome["after_consent"]
        assert "[cannot_delete_linked_version]" in await here.error(call["tool"], **call["arguments"])


async def test_platforms_of_a_channel_are_said_to_be_unknown() -> None:
    """Capgo does not tell for which platforms a channel is the default, and the preview says so."""
    async with desk() as here:
        outcome = await here.facts("capgo_delete_channel", app_id=DEMO_APP, channel="production")
    assert any("platforms" in unknown for unknown in outcome["preview"]["unknown"])


async def test_a_device_without_override_is_said_to_have_none() -> None:
    """Unpinning a device that is not pinned is foretold to do nothing."""
    free = next(d for app, d in unlimited().devices if app == NOTES_APP)
    async with desk() as here:
        outcome = await here.facts("capgo_unset_device_channel", app_id=NOTES_APP, device_id=free)
    assert outcome["preview"]["facts"]["pinned"] is False


MISSING: Final[list[tuple[str, Facts]]] = [
    ("capgo_delete_channel", {**DEMO, "channel": "none"}),
    ("capgo_delete_bundle", {**DEMO, "version": "0.0.0"}),
    ("capgo_remove_member", {"org_id": LIGHTHOUSE, "email": "nobody@example.com"}),
    ("capgo_delete_api_key", {"api_key_id": 999}),
    ("capgo_set_channel", {**DEMO, "channel": "none", "detach_bundle": True}),
]


@pytest.mark.parametrize(("tool", "given"), MISSING, ids=[tool for tool, _ in MISSING])
async def test_nobody_is_asked_about_what_does_not_exist(tool: str, given: Facts) -> None:
    """Destroying something that Capgo does not know is an error, not a question."""
    async with desk() as here:
        assert "There is no such" in await here.error(tool, **given)
        assert here.wire.writes == []


async def test_a_device_that_is_not_known_may_still_be_pinned() -> None:
    """Capgo keeps the pin of a device it has never seen, so the preview says what it could not learn."""
    async with desk() as here:
        outcome = await here.facts("capgo_unset_device_channel", **DEMO, device_id="none")
    assert outcome["preview"]["unknown"]


def _broken_off() -> httpx2.Response:
    raise httpx2.ReadError("broken off")


BROKEN: Final[dict[str, Callable[[], httpx2.Response]]] = {
    "500": lambda: httpx2.Response(500, json={"error": "internal_error", "message": "Internal error"}),
    "429": lambda: httpx2.Response(429, json={"error": "too_many_requests", "message": "Too many requests"}),
    "403": lambda: httpx2.Response(403, json={"error": "no_rights", "message": "No rights"}),
    "HTML": lambda: httpx2.Response(200, text="<html>maintenance</html>"),
    "a text": lambda: httpx2.Response(200, json="ok"),
    "null": lambda: httpx2.Response(200, json=None),
    "bytes": lambda: httpx2.Response(502, content=b"\xff\xfe\x00"),
    "broken off": _broken_off,
}


@each
@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
async def test_a_failed_read_is_told_and_nothing_is_sent(
    operation: AnyOperation, broken: Callable[[], httpx2.Response]
) -> None:
    """Where Capgo cannot be read, the preview says what it could not learn; of what is named, there is none at all."""
    inner = failing_reads(httpx2.ASGITransport(app=create_app(unlimited())), broken)
    async with desk(inner=inner) as here:
        if operation.spec.by_name:
            assert await here.error(operation.spec.name, **arguments(operation))
        else:
            outcome = await here.facts(operation.spec.name, **arguments(operation))
            assert outcome["preview"]["unknown"]
        assert here.wire.writes == []


@each
@pytest.mark.parametrize("body", [{}, [], {"data": []}, [{}], {"data": [None]}, [[1]]], ids=str)
async def test_an_odd_answer_is_no_crash(operation: AnyOperation, body: Any) -> None:
    """Empty or misshapen answers to the reads make a preview that holds less or a refusal, no crash and no write."""
    async with desk(inner=answering(200, body)) as here:
        result = await here.call(operation.spec.name, arguments(operation))
        assert result.is_error or (result.structured_content or {})["done"] is False
        assert "internal_error" not in text(result)
        assert here.wire.writes == []


@each
async def test_a_reader_key_gets_a_preview(operation: AnyOperation) -> None:
    """A key that may not delete is shown what it can read, and sends nothing."""
    async with desk(key=READER_KEY) as here:
        assert (await here.facts(operation.spec.name, **arguments(operation)))["done"] is False
        assert here.wire.writes == []


async def test_more_than_can_be_counted_is_said_to_be_at_least_that() -> None:
    """Of more than a thousand devices the preview says "at least"."""
    async with desk() as here:
        device = here.state.devices[DEMO_APP, PINNED_DEVICE]
        for number in range(1000):
            here.state.devices[DEMO_APP, f"more-{number}"] = {**device, "device_id": f"more-{number}"}
        facts = (await here.facts("capgo_delete_app", app_id=DEMO_APP))["preview"]["facts"]
    assert facts["devices"] == "at least 1000"
    assert facts["bundles"] == 124


HIDDEN: Final = ("pro\u200bduction", "pr-\t412", "pr-\n412", "\u202eproduction")


@pytest.mark.parametrize("name", HIDDEN, ids=ascii)
async def test_consent_never_reaches_another_channel(name: str) -> None:
    """The proposed call names the channel that was asked about, not one whose name looks the same."""
    async with desk() as here:
        await here.call("capgo_set_channel", {"app_id": DEMO_APP, "channel": "pr- 412"})
        before = set(here.state.channels)
        result = await here.call("capgo_delete_channel", {"app_id": DEMO_APP, "channel": name})
        if call := (result.structured_content or {}).get("after_consent"):
            await here.call(call["tool"], call["arguments"])
        assert set(here.state.channels) == before
