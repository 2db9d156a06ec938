"""What the tests of the sandbox share."""

import pytest

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.sandbox import seeded
from tests.support.caller import Caller
from tests.support.recorded_world import Clock


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run async tests on asyncio; the replay shares one run, hence the scope."""
    return "asyncio"


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still until a test moves it."""
    return Clock()


@pytest.fixture
def sandbox(clock: Clock) -> Caller:
    """A caller of a freshly seeded sandbox, as the backend was when its quirks were recorded."""
    return Caller(seeded(clock, Behaviour.JULY))
