"""The pages of the tools, the buttons, and the page of the package."""

import base64
import json
import re
import shlex
import tomllib
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree as ET

import pytest

from capgo_mcp import __version__
from capgo_mcp.api.operation import Declared, Effect
from capgo_mcp.catalog import every_tool
from capgo_mcp.install.clients import NAME, named
from capgo_mcp.install.launch import Launch
from capgo_mcp.install.source import Provenance
from scripts import badges, docs, links, tool_pages
from scripts.examples import Example, examples

REFUSED = {"capgo_create_api_key"}
"""Tools that Capgo refuses to every API key, which is what their page shows."""

RELEASED = Provenance(released=True)


@pytest.fixture(scope="module")
def shown() -> dict[str, Example]:
    """The examples of all tools."""
    return examples()


@pytest.mark.parametrize("tool", every_tool(), ids=lambda tool: tool.spec.name)
def test_example_works(tool: type[Declared[Any]], shown: dict[str, Example]) -> None:
    """What a page shows is an answer, not an error; a new argument gets its value in scripts/examples.py."""
    example = shown[tool.spec.name]
    assert ("error" in example.answer) is (tool.spec.name in REFUSED), example.answer
    if tool.spec.effect is Effect.DELETE and tool.spec.name not in REFUSED:
        assert example.done, "what deletes shows the preview and the deletion"
    if example.done:
        assert "error" not in example.done.answer, example.done.answer


def test_examples_are_the_same_every_time(shown: dict[str, Example]) -> None:
    """They hold no moment, no id and no order of their own day."""
    assert examples.__wrapped__() == shown


def test_every_tool_has_a_page_that_the_list_names() -> None:
    """Nobody has to know the address."""
    pages = tool_pages.pages()
    names = {tool.spec.name for tool in every_tool()}
    assert pages.keys() == {"index.md", *(f"{name}.md" for name in names)}
    assert set(re.findall(r"\]\((\w+)\.md\)", pages["index.md"])) == names
    page = pages["capgo_set_channel.md"]
    assert "`POST /channel`" in page
    assert "channel.update_settings" in page
    assert '"version": "2.3.0"' in page
    assert '- `capgo_set_channel` with `{"app_id": "com.demo.app", "channel": "staging", "version": "2.2.8"}`' in page


def test_page_of_a_tool_that_is_gone_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A page that nothing writes any more would mislead."""
    wanted = {path: text for path, text in docs.generated().items() if path.name != "capgo_get_app.md"}
    monkeypatch.setattr(docs, "generated", lambda: wanted)
    assert docs.main(["--check"]) == 1
    assert "docs/tools/capgo_get_app.md is out of date" in capsys.readouterr().err


@pytest.mark.parametrize("source", [Provenance(), RELEASED, Provenance(git="https://git.example.com/capgo-mcp")])
def test_buttons_hold_the_entry_of_their_client(source: Provenance) -> None:
    """What a button adds is what `install` would write, and starts what can be had."""
    start = links.launch(source)
    told = {title: dict(parse_qsl(urlsplit(address).query)) for title, address in links.buttons(source).items()}
    assert all(query["name"].lower() == NAME for query in told.values())
    assert json.loads(told["VS Code"]["config"]) == named("vscode").entry(start)
    assert json.loads(base64.b64decode(told["Cursor"]["config"])) == named("cursor").entry(start)
    plain = {"command": start.command, "args": list(start.arguments)}
    assert json.loads(base64.b64decode(told["LM Studio"]["config"])) == plain
    assert ("Goose" in told) is (start.command == "uvx")


def test_nothing_is_fetched_by_a_name_that_is_not_ours() -> None:
    """Before it is published, no button and no line runs whatever has the name in the index."""
    assert links.launch(Provenance()) == Launch("capgo-mcp")
    assert links.launch(RELEASED) == Launch("uvx", ("capgo-mcp",))
    assert not any("uvx" in line for line in links.lines(Provenance()).values())
    words = shlex.split(links.lines(RELEASED)["Claude Code"])
    assert words == ["claude", "mcp", "add", "--scope", "user", "capgo", "--", "uvx", "capgo-mcp"]


def test_page_of_the_package_has_absolute_links() -> None:
    """An index shows the README without the files that it links to."""
    project = tomllib.loads((docs.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    hook = project["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]
    page = (docs.ROOT / hook["fragments"][0]["path"]).read_text(encoding="utf-8")
    for rule in hook["substitutions"]:
        page = re.sub(rule["pattern"], rule["replacement"], page)
    targets = re.findall(r"\]\(([^)]+)\)", page)
    assert len(targets) > 80
    assert [target for target in targets if not target.startswith(("https://", "#"))] == []
    assert "https://raw.githubusercontent.com/capgo-mcp/capgo-mcp/main/docs/demo.svg" in targets
    assert "mcp-name: io.github.capgo-mcp/capgo-mcp" in page


def test_badges_say_what_is_so() -> None:
    """Each is a picture of our own that says in words what it shows, and none claims a release that was not made."""
    facts = badges.facts(Provenance())
    assert "not published" in facts["version"][1]
    assert badges.facts(RELEASED)["version"][1] == __version__
    pictures = dict(badges.files())
    assert len(pictures) == len(facts)
    for (word, so), (name, picture) in zip(facts.values(), pictures.items(), strict=True):
        assert f"![{word}: {so}]({name})" in badges.line()
        svg = ET.fromstring(picture)  # noqa: S314 - our own
        assert [text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")] == [word, so]
        assert "href" not in picture
    python = tomllib.loads((docs.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    assert facts["python"][1].split(", ")[0] == python.removeprefix(">=")
