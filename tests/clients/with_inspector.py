"""The MCP Inspector's command line, which judges the schemas, in both eras of the protocol."""

import json
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from capgo_mcp.server.recipes import RECIPES
from capgo_mcp.server.skills import files, name_of
from scripts import npm
from tests.support.limits import GENEROUS

NPM: Final = ("@modelcontextprotocol/inspector",)

pytestmark = pytest.mark.parametrize("era", ["legacy", "modern"])


def inspect(server: list[str], era: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the Inspector against the server."""
    program = npm.program(NPM[0], "mcp-inspector")
    command: list[str | Path] = [program, "--cli", "-q", "--format", "json", "--protocol-era", era, *server, *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=GENEROUS, check=False)


def call(server: list[str], era: str, tool: str, **arguments: Any) -> subprocess.CompletedProcess[str]:
    """Call a tool through the Inspector."""
    return inspect(
        server, era, "--method", "tools/call", "--tool-name", tool, "--tool-args-json", json.dumps(arguments)
    )


def test_schemas_are_portable(server: list[str], era: str, home: Path) -> None:
    """Under --strict no tool has a schema that some client would reject."""
    done = inspect(server, era, "--method", "tools/list", "--strict")
    assert done.returncode == 0, done.stderr
    assert "Error:" not in done.stderr
    assert len(json.loads(done.stdout)["result"]["tools"]) > 30
    assert home.exists()


def test_tools_answer(server: list[str], era: str, home: Path) -> None:
    """A read brings its facts, a deletion asks first."""
    apps = json.loads(call(server, era, "capgo_list_apps").stdout)["result"]["structuredContent"]
    assert "com.demo.app" in [app["app_id"] for app in apps["items"]]
    deletion = call(server, era, "capgo_delete_channel", app_id="com.demo.app", channel="qa")
    assert json.loads(deletion.stdout)["result"]["structuredContent"]["done"] is False
    assert home.exists()


def test_errors_are_told(server: list[str], era: str, home: Path) -> None:
    """An error of a tool is the tool's, with its hint; an unknown tool is the protocol's."""
    wrong = call(server, era, "capgo_get_app", app_id="com.other.app")
    assert wrong.returncode == 5
    assert "Hint:" in wrong.stdout + wrong.stderr
    assert call(server, era, "capgo_list_planets").returncode != 0
    assert home.exists()


@pytest.mark.parametrize("method", ["resources/list", "resources/templates/list", "prompts/list"])
def test_lists_are_answered(server: list[str], era: str, method: str, home: Path) -> None:
    """Clients that ask for every list get every list."""
    assert inspect(server, era, "--method", method).returncode == 0
    assert home.exists()


def test_skills_are_what_is_listed(server: list[str], era: str, home: Path) -> None:
    """Every skill's front matter, digests and sizes are right; sessions of the older kind are not told of skills."""
    verified = inspect(server, era, "--method", "skills/list", "--verify", "--require-digests")
    if era == "legacy":
        assert "skills_unsupported" in verified.stdout + verified.stderr
        return
    assert verified.returncode == 0, verified.stdout + verified.stderr
    told = [json.loads(line) for line in verified.stdout.splitlines()]
    assert [one["name"] for one in told] == [name_of(recipe) for recipe in RECIPES]
    assert {file["status"] for one in told for file in one["files"]} == {"verified"}
    assert sum(len(one["files"]) for one in told) == sum(len(files(recipe)) for recipe in RECIPES)
    one = inspect(server, era, "--method", "skills/get", "--uri", told[0]["uri"], "--verify", "--require-digests")
    assert one.returncode == 0, one.stdout + one.stderr
    assert home.exists()
