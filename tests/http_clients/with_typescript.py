"""The official TypeScript SDK over HTTP, in both of its generations and both eras, each request to another replica."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from scripts import npm
from tests.http_clients.conftest import Team
from tests.support.limits import GENEROUS

NPM: Final = ("@modelcontextprotocol/sdk", "@modelcontextprotocol/client")
SESSION: Final = Path(__file__).parents[1] / "clients" / "session.mjs"


@pytest.mark.parametrize(
    ("package", "mode", "revision"),
    [(NPM[0], "legacy", None), (NPM[1], "legacy", "2025-11-25"), (NPM[1], "auto", "2026-07-28")],
)
def test_session(package: str, mode: str, revision: str | None, team: Team) -> None:
    """It connects, lists and calls; who can be asked deletes what they agree to, others read why not."""
    script = npm.FOLDER / f"http-{SESSION.name}"  # imports are looked for from where a script stands
    shutil.copyfile(SESSION, script)
    command: list[str | Path] = ["node", script, package, mode, team.url, team.key]
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
    modern = revision == "2026-07-28"
    assert seen["asked"] == (1 if modern else 0)
    assert seen["consented"] is modern
    assert (team.state.channel_named("com.demo.app", "qa") is None) is modern
    team.took_turns()
