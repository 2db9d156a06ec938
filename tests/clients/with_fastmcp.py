"""FastMCP's Python client, in an environment of its own, since it brings a server framework of its own."""

import json
import subprocess
from pathlib import Path
from typing import Final

from scripts import fastmcp
from tests.support.limits import GENEROUS

SESSION: Final = Path(__file__).with_name("fastmcp_session.py")


def test_session(server: list[str], home: Path) -> None:
    """It connects, lists and calls; a deletion asks first, an error has its hint."""
    command: list[str | Path] = [fastmcp.python(), SESSION, *server]
    done = subprocess.run(command, capture_output=True, text=True, timeout=GENEROUS, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert "capgo_set_channel" in seen["tools"]
    assert "com.demo.app" in seen["apps"]
    assert seen["deleted"] is False
    assert "Hint:" in seen["wrong"]
    assert home.exists()
