"""A page in the chat runs and fetches nothing but itself, calls no tool, and costs nothing where none is shown."""

import re
from typing import Any, Final

import mcp_types as t
import pytest
from mcp import MCPError
from mcp.client.extension import advertise

from capgo_mcp.api.operation import Effect
from capgo_mcp.catalog import every_tool
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.server.apps import EXTENSION, MIME_TYPE, PAGES, SOURCE, AppPage, html
from tests.support.connected import Mode, connected, each_mode

AGAINST: Final = "whoever names a device, a bundle or a channel, and hopes that a page takes the name for markup"
HOLDS: Final = ("Pages in the chat write nothing",)
ATTACKER: Final = "who writes texts"
ASSET: Final = "the account"

LARGEST: Final = 40_000
SHOWS: Final = advertise(EXTENSION, {"mimeTypes": [MIME_TYPE]})
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
each_source = pytest.mark.parametrize("name", sorted(path.name for path in SOURCE.iterdir()))


def dumped(result: t.ListToolsResult | t.ListResourcesResult) -> str:
    """A result, to the last byte."""
    return result.model_dump_json(by_alias=True, exclude_none=True)


@each_mode
async def test_a_client_that_shows_pages_learns_them(capgo: Capgo, mode: Mode) -> None:
    """It finds the address of a page on each tool that has one, and the page at that address."""
    async with connected(capgo, mode, extensions=[SHOWS]) as client:
        tools = {tool.name: tool.meta for tool in (await client.list_tools()).tools}
        listed = {str(one.uri): one for one in (await client.list_resources()).resources}
        for page in PAGES:
            assert page.tools
            told = {"resourceUri": page.uri, "visibility": ["model"]}  # no page may call the tool
            assert all(tools[name] == {"ui": told} for name in page.tools)
            assert listed[page.uri].mime_type == MIME_TYPE
            (read,) = (await client.read_resource(page.uri)).contents
            assert isinstance(read, t.TextResourceContents)
            assert (read.mime_type, read.text) == (MIME_TYPE, html(page))
            assert read.meta is not None
            assert not any(read.meta["ui"]["csp"].values())
    assert {name for name, meta in tools.items() if meta} == set().union(*(page.tools for page in PAGES))


@each_mode
@pytest.mark.parametrize("declared", [None, {}, {"mimeTypes": ["text/html"]}])
async def test_no_other_client_pays_for_them(capgo: Capgo, mode: Mode, declared: dict[str, Any] | None) -> None:
    """Without the extension, the lists are to the last byte those of a server that has no pages."""
    extensions = [] if declared is None else [advertise(EXTENSION, declared)]
    async with connected(capgo, mode, extensions=extensions) as client:
        tools, resources = await client.list_tools(), await client.list_resources()
    bare = tools.model_copy(update={"tools": [one.model_copy(update={"meta": None}) for one in tools.tools]})
    assert dumped(tools) == dumped(bare)
    assert "ui://" not in dumped(tools) + dumped(resources)
    async with connected(capgo, mode, extensions=[SHOWS]) as client:
        shown = await client.list_tools()
    same = [one.model_copy(update={"meta": None}) for one in shown.tools]
    assert dumped(tools) == dumped(tools.model_copy(update={"tools": same}))


@each_mode
async def test_lists_for_one_client_are_not_given_to_others(capgo: Capgo, mode: Mode) -> None:
    """What a client learns because of what it can show is not to be kept for others."""
    async with connected(capgo, mode, extensions=[SHOWS]) as client:
        scopes = {(await client.list_tools()).cache_scope, (await client.list_resources()).cache_scope}
    assert scopes <= {"private", None}


@each_page
def test_each_tool_of_a_page_exists(page: AppPage) -> None:
    """A page belongs to tools that there are."""
    assert page.tools <= {kind.spec.name for kind in every_tool()}


def test_everything_that_deletes_has_the_page_for_consent() -> None:
    """What is asked before something goes can be answered in the page, whatever it is."""
    (consent,) = [page for page in PAGES if page.name == "consent"]
    assert consent.tools == {kind.spec.name for kind in every_tool() if kind.spec.effect is Effect.DELETE}


async def test_a_page_without_its_tools_is_not_there(capgo: Capgo) -> None:
    """In read-only mode nothing asks for consent: that page is neither listed nor read."""
    async with connected(capgo, extensions=[SHOWS], read_only=True) as client:
        uris = [str(one.uri) for one in (await client.list_resources()).resources]
        assert "ui://capgo/fleet" in uris
        assert "ui://capgo/consent" not in uris
        with pytest.raises(MCPError, match="no resource"):
            await client.read_resource("ui://capgo/consent")


@each_page
def test_a_page_is_small(page: AppPage) -> None:
    """A page has at most 40 kB."""
    assert len(html(page).encode()) <= LARGEST


@each_page
def test_a_page_allows_itself_and_nothing_else(page: AppPage) -> None:
    """Its policy names its one script and its one style by their hashes; nothing can be fetched, framed or sent."""
    text = html(page)
    policy = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert len(policy) == 1
    rules = dict(rule.split(maxsplit=1) for rule in policy[0].split("; "))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == rules["trusted-types"] == "'none'"
    assert re.fullmatch(r"'sha256-[\w+/]{43}='", rules["script-src"])
    assert re.fullmatch(r"'sha256-[\w+/]{43}='", rules["style-src"])
    assert text.count("<script") == text.count("<style") == text.count("</script") == text.count("</style") == 1
    assert "{{" not in text


@each_source
def test_the_source_makes_no_markup_out_of_texts(name: str) -> None:
    """Texts become text nodes: there is no call that parses markup or code, and none that reaches a network."""
    source = (SOURCE / name).read_text(encoding="utf-8")
    calls = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|srcdoc|\beval\b|"
    )
    reaches = r"new Function|import\(|fetch\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon|https?://(?!www\.w3\.org/2000/svg)"
    assert re.findall(f"{calls}{reaches}", source) == []
    assert re.findall(r"""setAttribute\(["']on|<[^>]+\son\w+=|url\(|@import""", source) == []


@each_page
def test_no_page_calls_a_tool(page: AppPage) -> None:
    """A page says something in the chat or nothing: no request of its own reaches the server."""
    assert set(re.findall(r'request\("([^"]+)"', html(page))) == {"ui/initialize", "ui/message"}


async def test_the_server_says_that_it_has_pages(capgo: Capgo) -> None:
    """A client that looks for the extension finds it declared."""
    async with connected(capgo) as client:
        assert client.server_capabilities is not None
        assert EXTENSION in (client.server_capabilities.extensions or {})
