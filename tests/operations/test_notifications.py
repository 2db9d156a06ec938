"""Pushes reach whom the user named and nobody else, and no setting is reset by the way."""

from typing import Any, Final

import pytest

from capgo_mcp.sandbox.seed.people import DEMO_APP, NOTES_APP
from tests.support.safety import desk, unlimited

APP: Final = {"app_id": DEMO_APP}


@pytest.mark.parametrize("tool", ["capgo_send_notification", "capgo_trigger_update_check"])
@pytest.mark.parametrize(
    "target", [None, "", "everybody", "tag:", {}, {"broadcast": False}, {"externalId": "a", "broadcast": True}]
)
async def test_a_push_without_one_clear_target_is_not_sent(tool: str, target: Any) -> None:
    """Left out, Capgo would wake every device; of several, it would take one: neither leaves this server."""
    async with desk() as here:
        assert (await here.error(tool, **APP, target=target, confirm=True)).startswith("[invalid_arguments]")
        assert here.wire.seen == []


@pytest.mark.parametrize(
    ("target", "sent"),
    [
        ("broadcast", {"broadcast": True}),
        ({"broadcast": True}, {"broadcast": True}),
        ("external_id:user-9", {"externalId": "user-9"}),
        ({"externalId": "user-9"}, {"externalId": "user-9"}),
        ("recipient_key:rcp_user-9", {"recipientKey": "rcp_user-9"}),
        ("device_key:dev_1", {"deviceKey": "dev_1"}),
        ("tag:beta-tester", {"tag": "beta-tester"}),
    ],
)
async def test_a_target_is_sent_as_capgo_spells_it(target: Any, sent: dict[str, Any]) -> None:
    """A word and an id here, an object with one name there, which is understood as well."""
    async with desk() as here:
        answer = await here.facts("capgo_send_notification", **APP, target=target, confirm=True)
        campaign = here.state.campaigns[answer["result"]["campaign_id"]]
    assert campaign["audience"] == sent
    assert answer["result"].get("targeted") != 0
    assert answer["result"]["queued"] > 0


@pytest.mark.parametrize("tool", ["capgo_send_notification", "capgo_trigger_update_check"])
async def test_nothing_is_sent_before_the_number_of_devices_was_seen(tool: str) -> None:
    """The preview says how many devices there are, and that nothing calls a push back."""
    async with desk() as here:
        preview = await here.facts(tool, **APP, target="broadcast")
        assert preview["preview"]["facts"]["devices"] == 260
        assert "nothing calls it back" in preview["ask"]
        assert len(here.state.campaigns) == 3
        assert (await here.follow(preview["after_consent"]))["done"] is True
        assert len(here.state.campaigns) == 4


async def test_a_tag_is_said_to_be_uncounted() -> None:
    """Nobody is told a number that Capgo does not tell."""
    async with desk() as here:
        preview = await here.facts("capgo_send_notification", **APP, target="tag:beta-tester")
    assert preview["preview"]["unknown"] == ["devices: Capgo does not tell how many have a tag"]


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ({"push_update_enabled": False}, {"pushUpdateEnabled": False}),
        ({"push_update_install_mode": "set"}, {"pushUpdateInstallMode": "set"}),
        ({"push_update_channel": "beta"}, {"pushUpdateChannel": "beta"}),
        ({"push_update_channel": ""}, {"pushUpdateChannel": None}),
    ],
)
async def test_a_setting_that_is_not_named_stays(given: dict[str, Any], stored: dict[str, Any]) -> None:
    """Capgo resets what is left out, so all settings are sent as they are."""
    async with desk() as here:
        before = dict(here.state.notification_settings[DEMO_APP])
        await here.facts("capgo_update_notification_settings", **APP, **given, confirm=True)
        assert here.state.notification_settings[DEMO_APP] == {**before, **stored}


async def test_settings_that_cannot_be_read_are_not_replaced() -> None:
    """Rather than reset what nobody could see, nothing is sent."""
    state = unlimited()
    state.notification_settings[DEMO_APP]["pushUpdateInstallMode"] = "later"
    async with desk(state=state) as here:
        said = await here.error("capgo_update_notification_settings", **APP, push_update_channel="beta", confirm=True)
        assert "resets those that are left out; nothing was sent" in said
        assert here.wire.writes == []


async def test_providers_are_told_without_configuration_and_secrets() -> None:
    """What is set up is told, and neither how nor where the secret lies."""
    async with desk() as here:
        result = await here.facts("capgo_list_notification_providers", **APP)
    assert [(row["provider"], row["status"]) for row in result["items"]] == [
        ("fcm", "configured"),
        ("apns", "configured"),
    ]
    assert "secret" not in str(result)
    assert "projectId" not in str(result)


async def test_an_app_that_sends_no_pushes_says_so() -> None:
    """The error says what is missing, and whether it can be switched on here."""
    async with desk() as here:
        disabled = await here.error("capgo_trigger_update_check", app_id=NOTES_APP, target="broadcast", confirm=True)
        unprovided = await here.error("capgo_send_notification", app_id=NOTES_APP, target="broadcast", confirm=True)
    assert disabled.startswith("[push_update_disabled]")
    assert "capgo_update_notification_settings" in disabled
    assert unprovided.startswith("[missing_notification_provider]")
