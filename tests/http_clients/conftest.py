"""What the tests with real clients over HTTP share: two replicas in turns, which know nothing of each other."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from capgo_mcp.http.serve import PATH
from capgo_mcp.sandbox import ADMIN_KEY, State, create_app, seeded
from tests.support.alternating import alternating
from tests.support.serving import Running, running, served, wait_until
from tests.support.sessions import fetched as fetched  # noqa: PLC0414 - a fixture is found by its name


@dataclass
class Team:
    """Two replicas before one Capgo, behind one address.

    Attributes:
        url: That address.
        key: A key that Capgo knows.
        state: What Capgo holds.
        replicas: The servers.
    """

    url: str
    key: str
    state: State
    replicas: list[Running]

    def took_turns(self) -> None:
        """Fail unless both of them answered calls."""
        wait_until(lambda: all(" capgo_" in replica.log for replica in self.replicas))


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    """A team's server, which asks people before it deletes."""
    state = seeded()
    with ExitStack() as stack:
        capgo = stack.enter_context(served(create_app(state)))
        variables = {"CAPGO_API_URL": capgo, "CAPGO_MCP_ASK": "1", "CAPGO_MCP_STATE_KEYS": "s" * 32}
        replicas = [stack.enter_context(running(tmp_path, **variables)) for _ in range(2)]
        front = stack.enter_context(served(alternating([replica.url for replica in replicas])))
        yield Team(f"{front}{PATH}", ADMIN_KEY, state, replicas)
