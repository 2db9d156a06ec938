"""FastMCP's Python client, in an environment of its own, since it brings a server framework of its own."""

import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import Final

import pytest

from tests.support.limits import GENEROUS

FOLDER: Final = Path(__file__).parents[2] / "build" / "fastmcp"
VERSION: Final = "4.1.0"


@pytest.fixture(scope="module")
def python() -> Path:
    """The interpreter that has FastMCP; made once."""
    interpreter = FOLDER / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    stamp = FOLDER / f"has-{VERSION}"
    if not stamp.exists():
        venv.create(FOLDER, clear=True, with_pip=True)
        subprocess.run([interpreter, "-m", "pip", "install", "--quiet", f"fastmcp=={VERSION}"], check=True)
        stamp.touch()
    return interpreter


def test_session(python: Path, server: list[str], home: Path) -> None:
    """It connects, lists and calls; a deletion asks first, an error has its hint."""
    command: list[str | Path] = [python, Path(__file__).with_name("fastmcp_session.py"), *server]
    done = subprocess.run(command, capture_output=True, text=True, timeout=GENEROUS, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert "capgo_set_channel" in seen["tools"]
    assert "com.demo.app" in seen["apps"]
    assert seen["deleted"] is False
    assert "Hint:" in seen["wrong"]
    assert home.exists()
