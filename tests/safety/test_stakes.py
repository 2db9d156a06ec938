"""What is there decides how much a call may do: the last super admin, a shorter retention, an admin's invitation."""

import pytest

from capgo_mcp.sandbox.seed.people import DEMO_APP, LIGHTHOUSE
from tests.support.safety import Desk, Facts, desk

DAY = 86_400
MIRA: Facts = {"org_id": LIGHTHOUSE, "email": "mira@example.com"}


async def only_super_admin(here: Desk) -> None:
    """Leave one super admin in the organization."""
    supers = [row for row in here.state.members.values() if row["rbac_role_name"] == "org_super_admin"]
    mine = [row for row in supers if row["org_id"] == LIGHTHOUSE and not row["is_invite"]]
    assert [here.state.users[row["user_id"]]["email"] for row in mine] == ["mira@example.com"]


async def test_the_last_super_admin_is_removed_only_by_the_organizations_name() -> None:
    """Capgo deletes the organization with them: the preview says so, and `confirm` alone is not enough."""
    async with desk() as here:
        await only_super_admin(here)
        shown = await here.facts("capgo_remove_member", **MIRA)
        assert (shown["preview"]["facts"]["name"], shown["preview"]["facts"]["apps"]) == ("Lighthouse Labs", 2)
        assert "deletes the whole organization with all its apps" in shown["ask"]
        again = await here.facts("capgo_remove_member", **MIRA, confirm=True)
        assert again["done"] is False
        assert "confirm_name is not the name" in await here.error(
            "capgo_remove_member", **MIRA, confirm=True, confirm_name="Other"
        )
        assert here.wire.writes == []
        assert (await here.follow(shown["after_consent"]))["done"] is True
        assert LIGHTHOUSE not in here.state.orgs
        assert not [row for row in here.state.apps.values() if row["owner_org"] == LIGHTHOUSE]


async def test_any_other_member_goes_alone() -> None:
    """Somebody who is not the last super admin is removed with `confirm`, and the organization stays."""
    async with desk() as here:
        call = {"org_id": LIGHTHOUSE, "email": "jonas@example.com"}
        shown = await here.facts("capgo_remove_member", **call)
        assert "confirm_name" not in shown["after_consent"]["arguments"]
        assert (await here.facts("capgo_remove_member", **call, confirm=True))["done"] is True
        assert LIGHTHOUSE in here.state.orgs


@pytest.mark.parametrize(("days", "reached"), [(29, None), (1, None), (0, 100)])
async def test_any_shorter_retention_needs_consent(days: int, reached: int | None) -> None:
    """A retention below the present one is shown with the bundles it reaches, and sent only with consent."""
    async with desk() as here:
        shown = await here.facts("capgo_update_app", app_id=DEMO_APP, retention=days * DAY)
        facts = shown["preview"]["facts"]
        assert facts["retention_now"] == 30 * DAY
        assert 0 < facts["bundles_reached"] <= facts["bundles_no_channel_serves"] == 100
        assert reached in (None, facts["bundles_reached"])
        assert f"{facts['bundles_reached']} bundles that no channel serves" in shown["ask"]
        assert here.wire.writes == []
        done = await here.follow(shown["after_consent"])
        assert done["done"] is True
        assert "does not come back" in done["note"]


@pytest.mark.parametrize("seconds", [30 * DAY, 31 * DAY])
async def test_a_retention_that_is_no_shorter_needs_none(seconds: int) -> None:
    """As long as it keeps at least what is kept now, nothing is at stake."""
    async with desk() as here:
        assert "preview" not in await here.facts("capgo_update_app", app_id=DEMO_APP, retention=seconds)


@pytest.mark.parametrize("role", ["org_admin", "org_super_admin"])
async def test_inviting_an_admin_needs_consent(role: str) -> None:
    """A role that can change everything is given only after the user agreed; the way back is told."""
    async with desk() as here:
        here.state.users["robin"] = {**next(iter(here.state.users.values())), "id": "robin", "email": "r@example.com"}
        call = {"org_id": LIGHTHOUSE, "email": "r@example.com", "invite_type": role}
        shown = await here.facts("capgo_invite_member", **call)
        assert (shown["done"], here.wire.writes) == (False, [])
        done = await here.follow(shown["after_consent"])
        assert done["done"] is True
        assert [step["tool"] for step in done["undo"]] == ["capgo_remove_member"]


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("capgo_delete_app", {"app_id": "com.not.there"}),
        ("capgo_delete_all_bundles", {"app_id": "com.not.there"}),
        ("capgo_delete_organization", {"org_id": "11111111-0000-4000-8000-00000000dead"}),
    ],
)
async def test_consent_is_not_offered_for_what_is_not_there(tool: str, arguments: Facts) -> None:
    """An app or organization that is absent or unreadable gets the refusal, and no call to agree to."""
    async with desk() as here:
        error = await here.error(tool, **arguments)
        assert "after_consent" not in error
        assert here.wire.writes == []


async def test_a_deletion_tells_what_went_and_that_it_is_final() -> None:
    """The answer holds what the preview would have shown, and says that no call brings it back."""
    async with desk() as here:
        outcome = await here.facts("capgo_delete_channel", app_id=DEMO_APP, channel="qa", confirm=True)
    assert outcome["before"]["version"]["name"] == "2.3.0-beta.5"
    assert outcome["note"] == "This is final: no call brings it back."


async def test_a_pin_that_was_taken_off_can_be_set_again() -> None:
    """Unlike a deletion, taking an override off has a way back."""
    async with desk() as here:
        (app_id, device), _ = next(iter(here.state.overrides.items()))
        outcome = await here.facts("capgo_unset_device_channel", app_id=app_id, device_id=device, confirm=True)
        before = len(here.state.overrides)
        await here.follow(outcome["undo"][0])
        assert len(here.state.overrides) == before + 1


async def test_metadata_of_a_bundle_is_told_and_taken_back() -> None:
    """Comment and link before and after, and the call that sets the former ones."""
    async with desk() as here:
        bundle = here.state.bundle_named(DEMO_APP, "2.2.8") or {}
        call = {"app_id": DEMO_APP, "version_id": bundle["id"], "comment": "Other"}
        outcome = await here.facts("capgo_set_bundle_metadata", **call)
        assert outcome["before"]["comment"] == "Fixes the crash when a draft holds emoji"
        assert outcome["after"]["comment"] == "Other"
        await here.follow(outcome["undo"][0])
        assert bundle["comment"] == "Fixes the crash when a draft holds emoji"
