"""Every write tells what was, what is, and the way back, or that there is none."""

from typing import Any, Final

import pytest

from capgo_mcp.api.answers import Ok
from capgo_mcp.api.operation import Effect
from capgo_mcp.operations import every
from capgo_mcp.operations.api_keys import CreateApiKey
from capgo_mcp.safety.areas import MEANINGS
from capgo_mcp.sandbox.seed.people import DEMO_APP, LIGHTHOUSE
from tests.support import samples
from tests.support.safety import CHANGING, Facts, desk, differences, name_of, picture

AGAINST: Final = "a mistake that nobody could take back for want of the way"
HOLDS: Final = ("Every write tells before, after and the way back",)
ATTACKER: Final = "a mishap"
ASSET: Final = "the account"
LEAVES: Final = ("Capgo's own rules apply",)

WRITES: Final = [one for one in every() if one.spec.effect is not Effect.READ and one is not CreateApiKey]
"""Every write but the one that Capgo refuses to all keys."""


def says_nothing(operation: samples.AnyOperation) -> bool:
    """Whether a write is told by Capgo's ok alone: nobody looks at what it changes, and the answer holds no more."""
    meaning = MEANINGS[operation]
    looked_at = meaning.snapshot or meaning.created or meaning.answered or operation.spec.effect is Effect.DELETE
    return not looked_at and issubclass(operation.spec.answer, Ok)


def test_only_what_nobody_can_look_at_says_nothing() -> None:
    """Sending a webhook's event once more changes nothing that Capgo shows."""
    assert [one.spec.name for one in WRITES if says_nothing(one)] == ["capgo_retry_webhook_delivery"]


@pytest.mark.parametrize("operation", WRITES, ids=name_of)
async def test_every_write_tells_before_after_and_the_way_back(operation: samples.AnyOperation) -> None:
    """Facts that changed, what was created or what is gone; and calls that take it back, or a sentence."""
    given = samples.required(operation) | CHANGING.get(operation.spec.name, {})
    async with desk() as here:
        outcome = await here.facts(operation.spec.name, **given)
        outcome = await here.follow(outcome["after_consent"]) if "after_consent" in outcome else outcome
    assert outcome["done"] is True
    assert outcome.keys() & {"before", "after", "result"} or says_nothing(operation)
    assert outcome.get("undo") or "No call takes this back" in outcome["note"] or "is final" in outcome["note"]


CREATIONS: Final[list[tuple[str, Facts, str]]] = [
    ("capgo_create_app", {"app_id": "com.sample.app", "name": "Sample", "owner_org": LIGHTHOUSE}, "apps"),
    ("capgo_create_organization", {"name": "Sample"}, "orgs"),
    ("capgo_set_channel", {"app_id": DEMO_APP, "channel": "sample", "version": "2.2.7"}, "channels"),
]


@pytest.mark.parametrize(("tool", "arguments", "table"), CREATIONS, ids=[tool for tool, _, _ in CREATIONS])
async def test_what_was_created_can_be_taken_away_again(tool: str, arguments: Facts, table: str) -> None:
    """The call in `undo` leaves everything as it was before."""
    async with desk() as here:
        before = picture(here.state)
        outcome = await here.facts(tool, **arguments)
        assert {where for where, _, _ in differences(before, picture(here.state))} >= {table}
        for call in outcome["undo"]:
            assert (await here.follow(call))["done"] is True
        assert not differences(before, picture(here.state))


async def test_a_bundle_that_was_registered_can_be_deleted_again() -> None:
    """And the answer says what stays of it."""
    bundle: Facts = samples.required(samples.endpoint("capgo_create_bundle"))
    async with desk() as here:
        outcome = await here.facts("capgo_create_bundle", **bundle)
        assert "stays taken for 90 days" in outcome["note"]
        await here.follow(outcome["undo"][0])
        (row,) = (row for row in here.state.bundles.values() if row["name"] == bundle["version"])
        assert row["deleted"] is True


async def test_a_member_who_was_removed_can_be_invited_again() -> None:
    """With the role they had; they are members again once they accept."""
    call = {"org_id": LIGHTHOUSE, "email": "jonas@example.com"}
    async with desk() as here:
        outcome = await here.facts("capgo_remove_member", **call, confirm=True)
        assert outcome["before"]["role"] == "org_admin"
        assert "have to accept" in outcome["note"]
        assert (await here.follow(outcome["undo"][0]))["done"] is True
        members: list[Any] = (await here.facts("capgo_list_members", org_id=LIGHTHOUSE))["items"]
    (jonas,) = (member for member in members if member["email"] == call["email"])
    assert (jonas["role"], jonas["is_tmp"]) == ("org_admin", True)
