"""No answer fills the agent's context: results, previews and errors have a bound, and what was done is told."""

from typing import Any, Final

import pytest

from capgo_mcp.agent.render import LARGEST
from capgo_mcp.catalog import every_tool
from capgo_mcp.sandbox import State
from capgo_mcp.sandbox.seed.people import DEMO_APP
from tests.support import samples
from tests.support.safety import Facts, desk, text, unlimited

AGAINST: Final = "a host or an account with more than a reader can hold"
ATTACKER: Final = "a host in Capgo's place"
ASSET: Final = "what is decided"

MANY: Final = 900
ERRORS: Final = 4000


def crowded() -> State:
    """A sandbox with many channels of long names, all of them a default, that serve one bundle."""
    state = unlimited()
    first = next(iter(state.channels.values()))
    for number in range(MANY):
        row = {**first, "id": 10_000 + number, "name": f"{number:04}{'n' * 490}", "public": True}
        state.channels[row["id"]] = row
    return state


CALLS: Final[list[tuple[str, Facts]]] = [
    ("capgo_set_channel", {"channel": "production", "public": True}),
    ("capgo_set_channel", {"channel": "staging", "public": False}),
    ("capgo_set_channel", {"channel": "production", "detach_bundle": True}),
    ("capgo_delete_all_bundles", {}),
    ("capgo_delete_bundle", {"version": "2.2.8"}),
    ("capgo_delete_app", {}),
    ("capgo_list_channels", {"limit": 1000}),
    ("capgo_list_channels", {"limit": 997}),
]


@pytest.mark.parametrize(("tool", "given"), CALLS, ids=[f"{name} {given}" for name, given in CALLS])
async def test_answers_have_a_bound(tool: str, given: Facts) -> None:
    """Writes and previews as well as lists."""
    async with desk(state=crowded()) as here:
        result = await here.call(tool, {"app_id": DEMO_APP, **given})
    assert len(text(result)) <= LARGEST
    assert not result.is_error, text(result)[:300]


@pytest.mark.parametrize("tool", every_tool(), ids=lambda tool: tool.spec.name)
async def test_errors_have_a_bound(tool: samples.AnyTool) -> None:
    """However much is wrong with the arguments."""
    wrong: list[dict[str, Any]] = [
        dict.fromkeys(tool.model_fields, [{"role_name": ""}] * 500),
        dict.fromkeys(tool.model_fields, "x" * 100_000),
        {f"k{number}": 1 for number in range(10_000)},
        {"k" * 100_000: 1},
        {"fields": ["zz" * 50] * 10_000},
    ]
    async with desk() as here:
        for given in wrong:
            assert len(text(await here.call(tool.spec.name, given))) <= ERRORS
