"""What the tests of the command line share."""

import sys
from pathlib import Path

import pytest

from capgo_mcp.config.machine import Machine


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """An account of its own, without the package keyring and without a key."""
    for name in ("XDG_CONFIG_HOME", "CAPGO_API_KEY", "CAPGO_API_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("capgo_mcp.config.keystore.find_spec", sys.modules.get)
    monkeypatch.delitem(sys.modules, "keyring", raising=False)
    return Machine.here()
