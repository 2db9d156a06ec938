"""What is safe is safe whichever Capgo answers."""

import pytest

from capgo_mcp.api.behaviour import Behaviour
from tests.support.safety import UPSTREAM


@pytest.fixture(autouse=True, params=Behaviour, ids=lambda behaviour: behaviour.value)
def behaviour(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Behaviour:
    """Each test of this folder runs on a sandbox as Capgo was in July, and on one as it is since."""
    chosen: Behaviour = request.param
    monkeypatch.setattr(UPSTREAM, "behaviour", chosen)
    return chosen
