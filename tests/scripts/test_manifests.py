"""What others read about the server: the registry's file, the bundle's manifest, the generated documentation."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest
from jsonschema import Draft7Validator  # type: ignore[import-untyped]  # it has no types

from capgo_mcp import __version__
from capgo_mcp.catalog import every_tool
from capgo_mcp.config.options import HTTP_OPTIONS, HTTP_VARIABLES, OPTIONS, VARIABLES
from capgo_mcp.config.settings import Settings
from capgo_mcp.install.source import Provenance
from scripts import docs
from scripts import manifests as registry
from tests.support.data import DATA

SCHEMAS: Final = DATA / "schemas"
ROOT: Final = docs.ROOT
RELEASED: Final = registry.server(Provenance(released=True))


def written(name: str) -> Any:
    """A JSON file of the project."""
    return json.loads((ROOT / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "schema"), [("server.json", "server.schema.json"), ("manifest.json", "mcpb-manifest.schema.json")]
)
def test_files_are_valid(name: str, schema: str) -> None:
    """The registry and Claude Desktop take the files as they stand here."""
    validator = Draft7Validator(json.loads((SCHEMAS / schema).read_text(encoding="utf-8")))
    assert [error.message for error in validator.iter_errors(written(name))] == []


def test_registry_takes_the_release() -> None:
    """What the registry gets when the package is published is valid as well; before, no package is named."""
    validator = Draft7Validator(json.loads((SCHEMAS / "server.schema.json").read_text(encoding="utf-8")))
    assert [error.message for error in validator.iter_errors(RELEASED)] == []
    assert "packages" not in registry.server(Provenance(git="https://git.example.com/x"))


@pytest.mark.parametrize("source", [Provenance(), Provenance(released=True)])
def test_no_address_is_named_where_nothing_of_ours_answers(source: Provenance) -> None:
    """We host no server, so the registry is told of no remote one, and the bundle starts its own."""
    assert "remotes" not in registry.server(source)
    assert written("manifest.json")["server"]["type"] == "uv"


def test_generated_files_are_up_to_date() -> None:
    """Nobody forgot `make docs`."""
    assert docs.main(["--check"]) == 0


def test_check_tells_what_is_out_of_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A page that differs fails the check, and writing mends it."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "pyproject.toml").write_text('[project]\nrequires-python = ">=3.11"\n', encoding="utf-8")
    (tmp_path / "README.md").write_text("Hi.\n<!-- tools -->\nold\n<!-- /tools -->\nBye.\n", encoding="utf-8")
    monkeypatch.setattr(docs, "ROOT", tmp_path)
    assert docs.main(["--check"]) == 1
    assert "README.md is out of date" in capsys.readouterr().err
    assert docs.main([]) == 0
    assert docs.main(["--check"]) == 0
    readme = (tmp_path / "README.md").read_text(encoding="utf-8")
    assert readme.startswith("Hi.\n<!-- tools -->\n| toolset |")
    assert readme.endswith("|\n\n<!-- /tools -->\nBye.\n")


def test_readme_proves_who_owns_the_package() -> None:
    """The marker stands in the README in the form the registry looks for: one space, and an end it recognizes."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert registry.MARKER in readme
    assert re.search(rf"mcp-name: {re.escape(written('server.json')['name'])}(?![A-Za-z0-9._/-])", readme)


def test_names_and_versions_agree() -> None:
    """One name and one version, wherever they stand."""
    server, manifest = written("server.json"), written("manifest.json")
    (package,) = RELEASED["packages"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {server["version"], package["version"], manifest["version"]} == {__version__}
    assert package["identifier"] == manifest["name"] == project["name"]
    assert list(project["scripts"]) == [project["name"]]
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_registry_address_is_not_written() -> None:
    """Which registry serves the package is known from its type."""
    assert "registryBaseUrl" not in json.dumps(RELEASED)


def test_only_the_key_is_secret() -> None:
    """Clients hide what is secret and show the rest."""
    variables = RELEASED["packages"][0]["environmentVariables"]
    assert [variable["name"] for variable in variables if variable.get("isSecret")] == ["CAPGO_API_KEY"]
    settings = written("manifest.json")["user_config"]
    assert [name for name, setting in settings.items() if setting.get("sensitive")] == ["api_key"]


def test_what_is_offered_exists() -> None:
    """Every argument and variable that the files offer is one the server reads."""
    package = RELEASED["packages"][0]
    flags = {option.flag for option in OPTIONS}
    known = {option.variable for option in OPTIONS} | VARIABLES.keys()
    assert {argument["name"] for argument in package["packageArguments"]} <= flags
    assert {variable["name"] for variable in package["environmentVariables"]} <= known
    assert written("manifest.json")["server"]["mcp_config"]["env"].keys() <= known


@pytest.mark.parametrize(("switch", "on"), [("true", True), ("false", False)])
def test_bundle_settings_are_understood(switch: str, on: bool) -> None:
    """The server reads what Claude Desktop puts into the environment, and passes over what the user left empty."""
    environment = dict(written("manifest.json")["server"]["mcp_config"]["env"])
    for name in ("CAPGO_MCP_SANDBOX", "CAPGO_MCP_READ_ONLY"):
        environment[name] = switch
    settings = Settings.read({}, environment)
    assert (settings.sandbox, settings.read_only, settings.app) == (on, on, None)


def test_every_tool_and_option_is_documented() -> None:
    """Nothing the server knows is missing in the pages."""
    assert all(f"`{tool.spec.name}`" in docs.tools() for tool in every_tool())
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    for option in (*OPTIONS, *HTTP_OPTIONS):
        assert option.variable in page
    assert all(name in page for name in (*VARIABLES, *HTTP_VARIABLES))


def test_tables_are_tables() -> None:
    """Every row of a generated table has as many cells as its head."""
    tables = [text for section in docs.SECTIONS.values() if (text := section()).startswith("|")]
    assert tables
    for table in tables:
        assert len({line.count("|") for line in table.splitlines()}) == 1


@pytest.mark.parametrize(
    ("source", "command"),
    [
        (Provenance(), "uv tool install . "),
        (Provenance(git="https://git.example.com/x"), "uv tool install 'capgo-mcp @ git+https://git.example.com/x' "),
        (Provenance(released=True), "uv tool install capgo-mcp "),
    ],
)
def test_pages_follow_the_release(source: Provenance, command: str) -> None:
    """The page says how to install it from where it is ours, and warns of the name while it is not."""
    told = docs.get(source)
    assert command in told
    assert ("somebody else's" in told) != source.released
