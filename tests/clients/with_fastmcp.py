"""FastMCP's Python client, in an environment of its own, since it brings a server framework of its own."""

from pathlib import Path

from scripts import fastmcp
from tests.support.sessions import FASTMCP, seen_by


def test_session(server: list[str], home: Path) -> None:
    """It connects, lists and calls; a deletion asks first, an error has its hint."""
    seen_by([fastmcp.python(), FASTMCP, *server])
    assert home.exists()
