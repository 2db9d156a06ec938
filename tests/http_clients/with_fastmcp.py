"""FastMCP's Python client over HTTP, each request to another replica."""

from scripts import fastmcp
from tests.http_clients.conftest import Team
from tests.support.sessions import FASTMCP, seen_by


def test_session(team: Team) -> None:
    """It connects, lists and calls; a deletion shows what would go, an error has its hint."""
    seen_by([fastmcp.python(), FASTMCP, team.url, team.key])
    team.took_turns()
