"""The MCP Inspector's command line over HTTP, in both eras, each request to another replica."""

import json
import os
import subprocess
from pathlib import Path
from typing import Final

import pytest

from capgo_mcp.server.recipes import RECIPES
from scripts import npm
from tests.http_clients.conftest import Team
from tests.support.limits import GENEROUS

NPM: Final = ("@modelcontextprotocol/inspector",)

pytestmark = pytest.mark.parametrize("era", ["legacy", "modern"])


def inspect(team: Team, era: str, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the Inspector against the server, with a home of its own for what it writes."""
    program = npm.program(NPM[0], "mcp-inspector")
    address = ["--server-url", team.url, "--header", f"X-Capgo-Api-Key: {team.key}"]
    command: list[str | Path] = [
        *(program, "--cli", "-q", "--format", "json", "--protocol-era", era),
        *(*address, *words),
    ]
    environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
    return subprocess.run(command, capture_output=True, text=True, timeout=GENEROUS, check=False, env=environment)


def test_a_session_goes_over_both_replicas(team: Team, era: str, tmp_path: Path) -> None:
    """Schemas pass --strict, a read brings its facts, a deletion shows what would go, an error is the tool's."""
    listed = inspect(team, era, tmp_path, "--method", "tools/list", "--strict")
    assert listed.returncode == 0, listed.stderr
    assert len(json.loads(listed.stdout)["result"]["tools"]) > 30
    call = ("--method", "tools/call", "--tool-name")
    for _ in range(2):
        apps = inspect(team, era, tmp_path, *call, "capgo_list_apps")
        shown = json.loads(apps.stdout)["result"]["structuredContent"]["items"]
        assert "com.demo.app" in [app["app_id"] for app in shown]
    target = json.dumps({"app_id": "com.demo.app", "channel": "qa"})
    deletion = inspect(team, era, tmp_path, *call, "capgo_delete_channel", "--tool-args-json", target)
    assert json.loads(deletion.stdout)["result"]["structuredContent"]["done"] is False
    other = json.dumps({"app_id": "com.other.app"})
    wrong = inspect(team, era, tmp_path, *call, "capgo_get_app", "--tool-args-json", other)
    assert wrong.returncode == 5
    assert "Hint:" in wrong.stdout + wrong.stderr
    team.took_turns()


def test_skills_are_the_same_on_both_replicas(team: Team, era: str, tmp_path: Path) -> None:
    """Lists and files come from whichever replica, and every digest and size is right; the older era has no skills."""
    verified = inspect(team, era, tmp_path, "--method", "skills/list", "--verify", "--require-digests")
    if era == "legacy":
        assert "skills_unsupported" in verified.stdout + verified.stderr
        return
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert len(verified.stdout.splitlines()) == len(RECIPES)
