"""Completions: what fits what was typed, asked for at most twice a minute, and never a failure."""

from dataclasses import dataclass, field
from typing import Any, Final

import anyio
import anyio.lowlevel
import mcp_types as t
import pytest

from capgo_mcp.api.errors import RateLimited
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.operations.channels import Channel
from capgo_mcp.sandbox import State
from capgo_mcp.sandbox.seed.fleet import PINNED_DEVICE
from capgo_mcp.sandbox.seed.people import DEMO_APP, HARBOR, LIGHTHOUSE, NOTES_APP
from capgo_mcp.server.completions import FRESH, Completions
from tests.support.connected import Mode, connected, each_mode
from tests.support.faulty import VirtualClock
from tests.support.samples import toolbox

TEMPLATE: Final = t.ResourceTemplateReference(uri="capgo://apps/{app_id}/channels/{channel}")
PROMPT: Final = t.PromptReference(name="promote_bundle")


@dataclass
class Counting:
    """Lists channels with any names, and counts how often it is asked."""

    names: list[str] = field(default_factory=lambda: ["beta", "production"])
    asked: int = 0
    fails: bool = False

    async def send(self, operation: Any) -> Any:
        """The channels, or a refusal."""
        self.asked += 1
        await anyio.lowlevel.checkpoint()
        if self.fails:
            raise RateLimited("too_many_requests", "Too many calls.", "Wait.")
        return operation.spec.answer(items=[Channel(name=name) for name in self.names])


async def values(completions: Completions, typed: str = "", app_id: str = DEMO_APP) -> list[str]:
    """The channels that fit."""
    return (await completions.complete("channel", typed, {"app_id": app_id})).values


@each_mode
@pytest.mark.parametrize("reference", [TEMPLATE, PROMPT], ids=["address", "prompt"])
@pytest.mark.parametrize(
    ("name", "typed", "first"),
    [
        ("app_id", "COM.demo", DEMO_APP),
        ("channel", "prod", "production"),
        ("version", "2.2.7", "2.2.7"),
        ("device_id", PINNED_DEVICE[:12], PINNED_DEVICE),
        ("device_id", "mira-iph", PINNED_DEVICE),
    ],
)
async def test_completes_in_addresses_and_prompts(
    reference: t.ResourceTemplateReference | t.PromptReference,
    name: str,
    typed: str,
    first: str,
    capgo: Capgo,
    mode: Mode,
) -> None:
    """App ids, channels, versions and devices are completed, devices by their custom id as well."""
    async with connected(capgo, mode) as client:
        given = None if name == "app_id" else {"app_id": DEMO_APP}
        result = await client.complete(reference, {"name": name, "value": typed}, context_arguments=given)
    assert result.completion.values[0] == first


@each_mode
@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("channel", {}),
        ("channel", {"app_id": "com.nobody.app"}),
        ("version", {"app_id": "not an app"}),
        ("symptom", {"app_id": DEMO_APP}),
    ],
)
async def test_nothing_to_offer_is_no_error(name: str, given: dict[str, str], capgo: Capgo, mode: Mode) -> None:
    """Without a readable app, and for free text, there are no completions."""
    async with connected(capgo, mode) as client:
        result = await client.complete(PROMPT, {"name": name, "value": ""}, context_arguments=given)
    assert result.completion.values == []


async def test_asks_capgo_once_for_a_word_that_is_typed(clock: VirtualClock) -> None:
    """Key after key, also at the same time, is answered from one request, for half a minute."""
    capgo = Counting()
    completions = Completions(capgo, clock)
    async with anyio.create_task_group() as tasks:
        for typed in ("", "p", "pr", "pro"):
            tasks.start_soon(values, completions, typed)
    assert capgo.asked == 1
    clock.advance(FRESH - 1)
    assert await values(completions, "pro") == ["production"]
    assert capgo.asked == 1
    clock.advance(1)
    await values(completions)
    assert capgo.asked == 2


async def test_refusal_is_remembered_too(clock: VirtualClock) -> None:
    """While Capgo refuses, typing on does not make it worse."""
    capgo = Counting(fails=True)
    completions = Completions(capgo, clock)
    assert [await values(completions, typed) for typed in ("", "p")] == [[], []]
    assert capgo.asked == 1


async def test_remembers_a_bounded_number_of_lists(clock: VirtualClock) -> None:
    """However many apps are asked about, only the last few are kept."""
    capgo = Counting()
    completions = Completions(capgo, clock)
    for number in range(100):
        await values(completions, app_id=f"com.app.n{number}")
    await values(completions, app_id="com.app.n99")
    assert capgo.asked == 100
    await values(completions, app_id="com.app.n0")
    assert capgo.asked == 101


async def test_what_begins_so_comes_first(clock: VirtualClock) -> None:
    """Names that begin with what was typed stand before those that only contain it."""
    completions = Completions(Counting(names=["my-beta", "beta", "Beta-2", "gamma"]), clock)
    assert await values(completions, "beta") == ["beta", "Beta-2", "my-beta"]


async def test_answers_at_most_a_hundred(clock: VirtualClock) -> None:
    """The protocol allows a hundred values; how many there are is told."""
    completions = Completions(Counting(names=[f"channel-{number}" for number in range(150)]), clock)
    completion = await completions.complete("channel", "", {"app_id": DEMO_APP})
    assert (len(completion.values), completion.total, completion.has_more) == (100, 150, True)


async def test_names_with_hidden_characters_are_not_offered(clock: VirtualClock) -> None:
    """A name that would not look like what it is cannot be picked unseen."""
    completions = Completions(Counting(names=["pro\u202eduction", "beta\n", "fine"]), clock)
    assert await values(completions) == ["fine"]


async def test_locks_hold(capgo: Capgo, state: State) -> None:
    """With --app or --org nothing outside is offered, whatever the client says is filled in."""
    locked = toolbox(capgo, app=DEMO_APP).completions
    assert (await locked.complete("app_id", "", {})).values == [DEMO_APP]
    assert "qa" in (await locked.complete("channel", "qa", {"app_id": NOTES_APP})).values
    harbor = toolbox(capgo, org=HARBOR).completions
    owned = [app_id for app_id, app in state.apps.items() if app["owner_org"] == HARBOR]
    assert (await harbor.complete("app_id", "", {})).values == owned
    assert (await harbor.complete("channel", "", {"app_id": DEMO_APP})).values == []
    assert (await toolbox(capgo, org=LIGHTHOUSE).completions.complete("channel", "qa", {"app_id": DEMO_APP})).values


async def test_each_caller_has_its_own(capgo: Capgo) -> None:
    """What one caller was offered is not kept where another one could be offered it."""
    assert toolbox(capgo).completions is not toolbox(capgo).completions
