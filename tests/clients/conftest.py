"""What the tests with real client programs share: `make clients` runs them, since they fetch those programs first."""

import sys
from pathlib import Path
from typing import Final

import pytest

from scripts import npm

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


@pytest.fixture(autouse=True)
def fetched(request: pytest.FixtureRequest) -> None:
    """The packages that a file names in NPM, if there is npm to fetch them."""
    packages: tuple[str, ...] = getattr(request.module, "NPM", ())
    if packages and not npm.available():
        pytest.skip("npm is not here")
    for package in packages:
        npm.install(package)
