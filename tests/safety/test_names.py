"""What takes a whole app, all its bundles or an organization with it also needs the name of it."""

from typing import Any, Final

import pytest

from capgo_mcp.operations import every
from capgo_mcp.sandbox import READER_KEY
from capgo_mcp.sandbox.seed.people import DEMO_APP, LIGHTHOUSE
from tests.support.safety import Facts, desk, text

AGAINST: Final = "an agent that takes one consent for another"
HOLDS: Final = ("Consent", "Nothing is deleted without consent")
ATTACKER: Final = "the agent"
ASSET: Final = "the account"

TARGETS: Final[dict[str, tuple[Facts, str, str]]] = {
    "capgo_delete_app": ({"app_id": DEMO_APP}, "Demo app", f"DELETE /app/{DEMO_APP}"),
    "capgo_delete_all_bundles": ({"app_id": DEMO_APP}, "Demo app", "DELETE /bundle"),
    "capgo_delete_organization": ({"org_id": LIGHTHOUSE}, "Lighthouse Labs", "DELETE /organization"),
}
each = pytest.mark.parametrize("tool", TARGETS)
WRONG: Final = (
    "", "no", "true", DEMO_APP, LIGHTHOUSE, "Harbor Bikes", "demo app", "DEMO APP", "lighthouse labs", "Demo  app",
    "Demo app.", "Demo\u200b app", "*", "Demo app; Lighthouse Labs", "x" * 5000,
)  # fmt: skip
NO_TEXT: Final[tuple[Any, ...]] = (True, 1, ["Demo app"], {"name": "Demo app"})


def test_these_are_the_tools_that_need_a_name() -> None:
    """Nobody forgets to ask for the name, and nobody asks where it is not promised."""
    assert {operation.spec.name for operation in every() if operation.spec.by_name} == TARGETS.keys()


@each
async def test_the_right_name_deletes(tool: str) -> None:
    """With `confirm: true` and the name that the preview shows, it happens."""
    target, name, request = TARGETS[tool]
    async with desk() as here:
        preview = (await here.facts(tool, **target))["preview"]
        assert preview["facts"]["name"] == name
        assert (await here.facts(tool, **target, confirm=True, confirm_name=name))["done"] is True
        assert here.wire.writes == [request]


@each
@pytest.mark.parametrize("name", WRONG, ids=lambda name: ascii(name[:20]))
async def test_a_wrong_name_is_refused(tool: str, name: str) -> None:
    """Another name, another case or stray characters inside: refused, without a write, and the name is not told."""
    target, right, _ = TARGETS[tool]
    async with desk() as here:
        said = await here.error(tool, **target, confirm=True, confirm_name=name)
        assert said.startswith("[invalid_arguments]")
        assert "nothing was deleted" in said
        assert right not in said
        assert here.wire.writes == []


@each
@pytest.mark.parametrize("name", NO_TEXT, ids=str)
async def test_a_name_that_is_no_text_is_refused(tool: str, name: Any) -> None:
    """The name is text; nothing is sent for anything else."""
    async with desk() as here:
        said = await here.error(tool, **TARGETS[tool][0], confirm=True, confirm_name=name)
        assert "confirm_name must be text" in said
        assert here.wire.seen == []


@each
@pytest.mark.parametrize("given", [{"confirm": True}, {"confirm": True, "confirm_name": None}], ids=str)
async def test_without_a_name_it_is_previewed_again(tool: str, given: Facts) -> None:
    """`confirm` alone is not enough: the answer is the preview, which shows the name."""
    async with desk() as here:
        outcome = await here.facts(tool, **TARGETS[tool][0], **given)
        assert outcome["done"] is False
        assert outcome["after_consent"]["arguments"]["confirm_name"] == TARGETS[tool][1]
        assert here.wire.writes == []


@each
@pytest.mark.parametrize("confirm", [None, False])
async def test_the_name_alone_is_no_consent(tool: str, confirm: object) -> None:
    """The right name without `confirm: true` is answered with the preview."""
    target, name, _ = TARGETS[tool]
    async with desk() as here:
        assert (await here.facts(tool, **target, confirm=confirm, confirm_name=name))["done"] is False
        assert here.wire.writes == []


@each
async def test_a_name_that_cannot_be_read_refuses(tool: str) -> None:
    """A key that cannot read the target's name cannot confirm it, so nothing is sent."""
    target = {"org_id": LIGHTHOUSE} if "organization" in tool else {"app_id": "com.harborbikes.rider"}
    async with desk(key=READER_KEY) as here:
        await here.error(tool, **target, confirm=True, confirm_name="Harbor Bikes Rider")
        assert here.wire.writes == []


NAMES: Final = {
    "white space around": " Demo app ",
    "quotes": 'The "best" app',
    "a line break": "Demo\napp",
    "hidden characters": "De\u200bmo\u202e app",
    "very long": "Demo " * 400,
    "none": "",
}


@each
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
async def test_any_name_can_be_confirmed_as_the_preview_shows_it(tool: str, name: str) -> None:
    """However odd a name is: what the preview proposes is accepted, or an error says that there is no name."""
    async with desk() as here:
        here.state.apps[DEMO_APP]["name"] = name
        here.state.orgs[LIGHTHOUSE]["name"] = name
        result = await here.call(tool, TARGETS[tool][0])
        if result.is_error:
            assert "[no_name]" in text(result)
            assert here.wire.writes == []
            return
        assert result.structured_content is not None
        assert (await here.follow(result.structured_content["after_consent"]))["done"] is True
