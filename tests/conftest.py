"""What every test may use."""

import gc
import os
from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest
from hypothesis import HealthCheck, settings
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from capgo_mcp.client.capgo import Capgo
from capgo_mcp.sandbox import ADMIN_KEY, State, create_app, seeded
from tests.support.faulty import VirtualClock
from tests.support.tracing import exporter

settings.register_profile("busy", deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")  # a busy machine is no fault


def pytest_xdist_auto_num_workers() -> int:
    """Run three tests at once on two processors: for a third of their time, tests wait for the programs they start."""
    return -(-3 * (os.cpu_count() or 1) // 2)


def pytest_collection_finish() -> None:
    """Keep the thousands of collected tests, which live to the end, out of every later collection of garbage."""
    gc.freeze()


def pytest_runtest_teardown() -> None:
    """Collect garbage again after a test of the command line, which does without while it starts."""
    gc.enable()


@pytest.fixture(autouse=True, scope="session")
def no_saved_key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test finds a key that the user of this machine has saved or set."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        for name in ("XDG_CONFIG_HOME", "CAPGO_API_KEY", "CAPGO_API_KEY_FILE", "CAPGO_API_URL", "CAPGO_TOKEN"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture
def anyio_backend() -> str:
    """Async tests run on asyncio, as the server does."""
    return "asyncio"


@pytest.fixture
def clock() -> VirtualClock:
    """A clock on which nobody waits."""
    return VirtualClock()


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """The spans that end during a test."""
    exporter().clear()
    yield exporter()
    exporter().clear()


@pytest.fixture
def state() -> State:
    """A freshly seeded sandbox, to look into and to alter."""
    return seeded()


@pytest.fixture
async def capgo(state: State) -> AsyncIterator[Capgo]:
    """A client of the sandbox with the administrator's key."""
    transport = httpx2.ASGITransport(app=create_app(state))
    async with Capgo(ADMIN_KEY, url="http://sandbox.invalid", transport=transport, rate=10_000) as client:
        yield client
