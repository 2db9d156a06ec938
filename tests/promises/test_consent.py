"""Nothing is destroyed without `confirm: true`, and no other word or value counts as that."""

from typing import Final

import pytest

from tests.support import samples
from tests.support.safety import DESTROYERS, Facts, desk, name_of

AGAINST: Final = "an agent that acts unasked, or because a text told it to"
HOLDS: Final = ("Consent", "Nothing is deleted without consent")
ATTACKER: Final = "the agent"
ASSET: Final = "the account"
LEAVES: Final = ("The flag is a seat belt, not a lock",)

WORDS: Final = ("Confirm", "CONFIRM", "confirm ", "confirmed", "isConfirm", "confirm_", "ConfirmName")
VALUES: Final = ("true", "True", 1, 1.0, "yes", [True], {"confirm": True}, "1")


@pytest.mark.parametrize("operation", DESTROYERS, ids=name_of)
async def test_no_other_word_or_value_is_consent(operation: samples.AnyOperation) -> None:
    """Whatever looks like it is refused, by a sentence that names the argument, and nothing is sent."""
    given = samples.required(operation)
    wrong: list[Facts] = [*({word: True} for word in WORDS), *({"confirm": value} for value in VALUES)]
    async with desk() as here:
        for consent in wrong:
            assert "confirm" in await here.error(operation.spec.name, **given, **consent)
        assert here.wire.seen == []


@pytest.mark.parametrize("operation", [one for one in DESTROYERS if one.spec.by_name], ids=name_of)
@pytest.mark.parametrize("word", ["confirmName", "Confirm_name", "CONFIRM_NAME"])
async def test_the_name_to_confirm_by_has_one_name(operation: samples.AnyOperation, word: str) -> None:
    """The same for the argument that takes the target's name."""
    given = samples.required(operation)
    async with desk() as here:
        assert "confirm_name" in await here.error(operation.spec.name, **given, **{"confirm": True, word: "Demo app"})
        assert here.wire.seen == []
