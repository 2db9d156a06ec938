"""The official TypeScript SDK, on which most clients are built, in both of its generations."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from scripts import npm
from tests.support.limits import GENEROUS

NPM: Final = ("@modelcontextprotocol/sdk", "@modelcontextprotocol/client")


@pytest.mark.parametrize(
    ("package", "mode", "revision"),
    [(NPM[0], "legacy", None), (NPM[1], "legacy", "2025-11-25"), (NPM[1], "auto", "2026-07-28")],
)
def test_session(package: str, mode: str, revision: str | None, server: list[str], home: Path) -> None:
    """It connects, lists, calls, and validates every answer against the tool's schema."""
    script = npm.FOLDER / "session.mjs"  # imports are looked for from where a script stands
    shutil.copyfile(Path(__file__).with_name("session.mjs"), script)
    command: list[str | Path] = ["node", script, package, mode, *server]
    done = subprocess.run(command, capture_output=True, text=True, timeout=GENEROUS, check=False)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert "capgo_set_channel" in seen["tools"]
    assert "com.demo.app" in seen["apps"]
    assert seen["same"] is True
    assert seen["deleted"] is False
    assert "Hint:" in seen["wrong"]
    assert seen["unknown"] == -32602
    assert seen["server"] == "capgo"
    assert seen["revision"] == revision
    assert home.exists()
