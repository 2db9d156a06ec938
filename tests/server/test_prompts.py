"""Prompts: recipes that name real tools, stop before they change anything, and take what is filled in as data."""

import json
import re
from typing import Final

import mcp_types as t
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp import MCPError

from capgo_mcp.api.operation import Effect
from capgo_mcp.catalog import every_tool
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.sandbox.seed.people import DEMO_APP
from capgo_mcp.server.completions import SOURCES
from capgo_mcp.server.prompts import listed, written
from capgo_mcp.server.recipes import RECIPES, Recipe
from tests.support.connected import Mode, connected, each_mode

TOOLS: Final = {kind.spec.name: kind for kind in every_tool()}
each = pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)


def filled(recipe: Recipe) -> dict[str, str]:
    """A value for every argument that must be given."""
    return {"app_id": DEMO_APP, **{argument.name: "2.3.0" for argument in recipe.arguments if argument.required}}


def text(result: t.GetPromptResult) -> str:
    """The text of a prompt, which is one message of the user."""
    (message,) = result.messages
    assert message.role == "user"
    assert isinstance(message.content, t.TextContent)
    return message.content.text


@each_mode
async def test_every_prompt_can_be_listed_and_read(capgo: Capgo, mode: Mode) -> None:
    """What is listed can be had with the arguments that it asks for."""
    async with connected(capgo, mode) as client:
        prompts = (await client.list_prompts()).prompts
        for prompt, recipe in zip(prompts, RECIPES, strict=True):
            assert prompt.name == recipe.name
            assert prompt.description
            assert all(argument.description for argument in prompt.arguments or ())
            assert DEMO_APP in text(await client.get_prompt(prompt.name, filled(recipe)))


@each
def test_recipes_name_tools_that_exist(recipe: Recipe) -> None:
    """Every tool a recipe names is a tool, and its steps are numbered."""
    assert recipe.tools
    assert recipe.tools <= set(TOOLS)
    steps = [int(number) for number in re.findall(r"^(\d+)\. ", recipe.steps, re.MULTILINE)]
    assert steps == list(range(1, len(steps) + 1))


@each
def test_recipes_stop_before_they_change_anything(recipe: Recipe) -> None:
    """Each says where to stop, and no step before that begins with a tool that writes."""
    before, stop, _ = recipe.steps.partition("STOP")
    assert stop
    first = re.findall(r"^\d+\. (capgo_\w+)", before, re.MULTILINE)
    assert all(TOOLS[name].spec.effect is Effect.READ for name in first)


@pytest.mark.parametrize("name", ["promote_bundle", "start_rollout", "roll_back"])
def test_what_reaches_devices_is_planned_first(name: str) -> None:
    """Recipes that release look at the plan before they stop and ask, and then make its calls."""
    (recipe,) = [recipe for recipe in RECIPES if recipe.name == name]
    before, _, after = recipe.steps.partition("STOP")
    assert "capgo_plan_release" in before
    assert "of the plan" in after
    assert recipe.tools & {"capgo_set_channel", "capgo_set_rollout"}


@each
def test_arguments_that_mean_something_to_capgo_can_be_completed(recipe: Recipe) -> None:
    """Arguments are called as in tools and addresses, so that completions know them."""
    names = {argument.name for argument in recipe.arguments}
    assert not names & {"app", "device", "bundle", "channel_name", "bundle_version"}
    assert names & set(SOURCES) or recipe.name == "clean_up_bundles"


@given(st.text())
def test_what_is_filled_in_adds_no_line(value: str) -> None:
    """Whatever a person fills in stays inside one line of JSON after the steps, and reads back."""
    if not value.strip():
        return
    prompt = text(written("release_report", {"app_id": DEMO_APP, "version": value}, TOOLS, None))
    lines = prompt.splitlines()
    assert len(lines) == len(RECIPES[-1].steps.splitlines()) + 3
    assert set(json.loads(lines[-1])) <= {"app_id", "version"}


@each_mode
@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("no_such_prompt", {}, "There is no prompt"),
        ("promote_bundle", {"app_id": DEMO_APP}, "needs version"),
        ("promote_bundle", {"app_id": DEMO_APP, "version": " "}, "needs version"),
        ("promote_bundle", {"app_id": DEMO_APP, "version": "1", "chanel": "x"}, '"chanel" is not an argument'),
    ],
)
async def test_wrong_calls_are_wrong_parameters(
    name: str, given: dict[str, str], told: str, capgo: Capgo, mode: Mode
) -> None:
    """An unknown prompt, a missing argument and an unknown one are -32602 with a sentence."""
    async with connected(capgo, mode) as client:
        with pytest.raises(MCPError) as caught:
            await client.get_prompt(name, given)
    assert caught.value.code == t.INVALID_PARAMS
    assert told in caught.value.message


async def test_read_only_leaves_recipes_that_only_read(capgo: Capgo) -> None:
    """A recipe is offered only where every tool it names is."""
    async with connected(capgo, read_only=True) as client:
        names = [prompt.name for prompt in (await client.list_prompts()).prompts]
        assert names == ["investigate_device", "release_report"]
        with pytest.raises(MCPError):
            await client.get_prompt("roll_back", {"app_id": DEMO_APP})


async def test_fixed_app_is_not_asked_for(capgo: Capgo) -> None:
    """With --app the app is filled in and cannot be given."""
    async with connected(capgo, app=DEMO_APP) as client:
        for prompt in (await client.list_prompts()).prompts:
            assert "app_id" not in {argument.name for argument in prompt.arguments or ()}
        assert DEMO_APP in text(await client.get_prompt("release_report"))
        with pytest.raises(MCPError):
            await client.get_prompt("release_report", {"app_id": "com.other.app"})


def test_names_are_unique() -> None:
    """No two recipes share a name."""
    assert len({prompt.name for prompt in listed(TOOLS, None)}) == len(RECIPES)
