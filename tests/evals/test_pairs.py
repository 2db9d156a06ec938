"""Over the air or by the store: no pair of bundles is judged wrong."""

from typing import Any

import pytest

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.sandbox import State
from capgo_mcp.sandbox.seed.people import DEMO_APP
from evals.jobs.pairs import PAIRS, UNKNOWN, Pair, bundle
from tests.support import samples

HAD, NEEDED = "2.2.8", "2.3.0"


async def asked(state: State, capgo: Capgo, pair: Pair) -> dict[str, Any]:
    """What the tool says of a pair."""
    for name, packages in ((HAD, pair.had), (NEEDED, pair.needed)):
        (state.bundle_named(DEMO_APP, name) or {}).update(bundle(name, packages))
    call = {"app_id": DEMO_APP, "version": NEEDED, "compare_with": HAD}
    delivery: dict[str, Any] = ((await samples.toolbox(capgo).call("capgo_get_bundle", call)).structured_content or {})[
        "delivery"
    ]
    return delivery


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.what)
@pytest.mark.parametrize("behaviour", Behaviour, ids=lambda behaviour: behaviour.value)
async def test_a_pair_is_judged_right(state: State, capgo: Capgo, pair: Pair, behaviour: Behaviour) -> None:
    """The verdict is what a person who knows the packages says, and its reason names both bundles."""
    state.behaviour = behaviour
    delivery = await asked(state, capgo, pair)
    assert delivery["by"] == pair.by
    assert HAD in delivery["reason"]
    assert NEEDED in delivery["reason"]


def test_pairs_are_many_and_of_all_kinds() -> None:
    """At least 30, of which a third each go over the air and need the store; some cannot be told."""
    verdicts = [pair.by for pair in PAIRS]
    assert len({pair.what for pair in PAIRS}) == len(PAIRS) >= 30
    assert all(verdicts.count(by) >= (3 if by == UNKNOWN else 10) for by in set(verdicts))
