"""An account of its own for each test, and every client's configuration as its user wrote it."""

import shutil
from pathlib import Path

import pytest

from capgo_mcp.config.machine import Machine
from capgo_mcp.install.clients import CLIENTS, Client
from tests.support.data import DATA


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """An account of its own, in which nothing is installed and no key is saved."""
    for name in ("XDG_CONFIG_HOME", "CODEX_HOME", "CLAUDE_CONFIG_DIR", "COPILOT_HOME", "CAPGO_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    return Machine.here()


@pytest.fixture(params=CLIENTS, ids=lambda client: client.name)
def client(request: pytest.FixtureRequest) -> Client:
    """Each client in turn."""
    each: Client = request.param
    return each


@pytest.fixture
def sample(client: Client, machine: Machine) -> Path:
    """The client's configuration with a user's own content, in its place."""
    (source,) = (DATA / "clients").glob(f"{client.name}.*")
    place = client.places(machine)[0].with_suffix(source.suffix)
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, place)
    return place
