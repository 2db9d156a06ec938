"""What directories of servers ask for, as far as it can be tested; docs/directories.md lists all of it."""

import json
import re
import struct
import tomllib
from pathlib import Path
from typing import Any, Final

import mcp_types as t
import pytest

from capgo_mcp.agent.definitions import stored
from capgo_mcp.api.operation import Effect
from capgo_mcp.catalog import every_tool
from scripts import bundle

ROOT: Final = Path(__file__).parents[2]
KINDS: Final = every_tool()
MANIFEST: Final = json.loads((ROOT / "manifest.json").read_text(encoding="utf-8"))
README: Final = (ROOT / "README.md").read_text(encoding="utf-8")
TO_THE_MODEL: Final = re.compile(
    r"\b((always|never) (call|use|prefer)|ignore|must call|important|system prompt|other (tools|servers))\b",
    re.IGNORECASE,
)

each_tool = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.spec.name)


@each_tool
def test_a_tool_says_what_it_is(kind: Any) -> None:
    """Title and hints are there, and are true: what only reads says so, and nothing else does."""
    tool = stored(kind.spec.name)
    hints = tool.annotations or t.ToolAnnotations()
    assert tool.title == hints.title
    assert tool.title
    assert hints.read_only_hint is (kind.spec.effect is Effect.READ)
    assert hints.destructive_hint is (kind.spec.effect in (Effect.CHANGE, Effect.DELETE))
    assert hints.open_world_hint is True


@each_tool
def test_a_name_is_short_and_plain(kind: Any) -> None:
    """Every client can show it and every model can spell it."""
    assert re.fullmatch(r"[a-z][a-z0-9_]{0,63}", kind.spec.name)


@each_tool
def test_a_description_speaks_of_its_tool_only(kind: Any) -> None:
    """It says what the tool does, gives the model no orders, and names tools of this server only."""
    description = stored(kind.spec.name).description or ""
    assert not TO_THE_MODEL.search(description)
    assert {*re.findall(r"\bcapgo_\w+", description)} <= {other.spec.name for other in KINDS}


def test_the_privacy_policy_is_where_it_is_looked_for(tmp_path: Path) -> None:
    """Manifest and README lead to the same page, which is in the repository and in the bundle."""
    assert [url.rpartition("/")[2] for url in MANIFEST["privacy_policies"]] == ["PRIVACY.md"]
    assert "(PRIVACY.md)" in README
    bundle.stage(tmp_path)
    assert (tmp_path / "PRIVACY.md").read_bytes() == (ROOT / "PRIVACY.md").read_bytes()


def test_the_icon_is_a_square_picture(tmp_path: Path) -> None:
    """It is a PNG of 512 by 512 pixels, and lies in the bundle under the name that the manifest gives."""
    head = (ROOT / MANIFEST["icon"]).read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", head[16:24]) == (512, 512)
    bundle.stage(tmp_path)
    assert (tmp_path / MANIFEST["icon"]).exists()


def test_the_bundle_installs_what_was_tested(tmp_path: Path) -> None:
    """Every package that an installation needs is pinned to the version in constraints.txt, and nothing is built."""
    bundle.stage(tmp_path)
    told = tomllib.loads((tmp_path / "pyproject.toml").read_text(encoding="utf-8"))
    pinned = dict(line.split("==") for line in told["tool"]["uv"]["constraint-dependencies"])
    assert {"mcp", "httpx2", "pydantic", "anyio", "starlette", "uvicorn"} <= pinned.keys()
    assert told["tool"]["uv"]["package"] is False


def test_somebody_can_be_reached() -> None:
    """The manifest says where to ask, SECURITY.md where to report in private."""
    assert MANIFEST["support"].endswith("/issues")
    assert "security advisories" in (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_the_readme_shows_what_to_ask() -> None:
    """There are three sentences or more that a person can say to an agent."""
    assert len(re.findall(r"^You +\S", README, re.MULTILINE)) >= 3
