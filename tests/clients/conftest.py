"""What the tests with real client programs share: `make clients` runs them, since they fetch those programs first."""

import sys
from pathlib import Path
from typing import Final

import pytest

from tests.support.sessions import fetched as fetched  # noqa: PLC0414 - a fixture is found by its name

SERVER: Final = Path(sys.executable).with_name("capgo-mcp")


@pytest.fixture
def server() -> list[str]:
    """The words that start the server on its sandbox."""
    return [str(SERVER), "--sandbox"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own for a client, which keeps its files there and finds no account."""
    for name in ("XDG_CONFIG_HOME", "CODEX_HOME", "CLAUDE_CONFIG_DIR", "CAPGO_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path
