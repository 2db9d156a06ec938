"""FastMCP's Python client over HTTP, each request to another replica."""

import json
import subprocess
from pathlib import Path
from typing import Final

from scripts import fastmcp
from tests.http_clients.conftest import Team
from tests.support.limits import GENEROUS

SESSION: Final = Path(__file__).parents[1] / "clients" / "fastmcp_session.py"


def test_session(team: Team) -> None:
    """It connects, lists and calls; a deletion shows what would go, an error has its hint."""
    command: list[str | Path] = [fastmcp.python(), SESSION, team.url, team.key]
    done = subprocess.run(command, capture_output=True, text=True, timeout=GENEROUS, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert "capgo_set_channel" in seen["tools"]
    assert "com.demo.app" in seen["apps"]
    assert seen["deleted"] is False
    assert "Hint:" in seen["wrong"]
    team.took_turns()
