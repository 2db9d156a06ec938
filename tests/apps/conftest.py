"""What the tests of the pages share: a Chromium with a chat made of the official bridge, and answers to show in it."""

import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import anyio
import httpx2
import mcp_types as t
import pytest
from playwright.sync_api import Frame, Page
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from capgo_mcp.api.operation import Effect
from capgo_mcp.catalog import TOOLSETS, every_tool
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.client.key import StaticKey
from capgo_mcp.commands.apps import Example, examples
from capgo_mcp.config.settings import Settings
from capgo_mcp.sandbox import ADMIN_KEY, create_app, seeded
from capgo_mcp.server.apps import html
from capgo_mcp.server.tools import Toolbox
from scripts import npm
from tests.support import browser, samples
from tests.support.faulty import EPOCH, VirtualClock
from tests.support.serving import served

PACKAGES: Final = (
    "@modelcontextprotocol/client",
    "@modelcontextprotocol/ext-apps",
    "esbuild",
    "axe-core",
    "pixelmatch",
)
BUNDLE: Final = npm.FOLDER / "apps"
_HOST: Final = Path(__file__).with_name("host.mjs")
_INDEX: Final = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Chat</title><link rel="icon" href="data:,">'
)

Result = dict[str, Any]


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """Where the chat is served, once what it is made of is there."""
    if not npm.available():
        pytest.skip("npm is not here")
    for package in PACKAGES:
        npm.install(package)
    source = npm.FOLDER / _HOST.name  # imports are looked for from where a script stands
    shutil.copyfile(_HOST, source)
    esbuild = npm.FOLDER / "node_modules" / ".bin" / "esbuild"
    words = (source, "--bundle", "--format=esm", f"--outfile={BUNDLE / 'host.js'}", "--log-level=error")
    subprocess.run([esbuild, *words], check=True)

    def index(_: object) -> HTMLResponse:
        return HTMLResponse(f'{_INDEX}<body><script type="module" src="/host/host.js"></script>')

    with served(Starlette(routes=[Route("/", index), Mount("/host", StaticFiles(directory=BUNDLE))])) as url:
        yield url


class Chat:
    """The chat in its browser, and the page it shows.

    Attributes:
        page: The browser's page.
        answers: The result of each example.
        requested: Every address that was asked for.
        errors: What went wrong in scripts.
    """

    def __init__(self, page: Page, answers: dict[str, tuple[Example, Result]]) -> None:
        self.page = page
        self.answers = answers
        self.requested: list[str] = []
        self.errors: list[str] = []
        page.on("request", lambda request: self.requested.append(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def show(self, name: str, result: Result | None = None, **how: Any) -> float:
        """Show an example, with its own answer or another one; the milliseconds until it was drawn."""
        example, own = self.answers[name]
        script = "([html, result, how, given]) => host.show(html, result, how, given)"
        given = [html(example.page), own if result is None else result, how, example.arguments]
        milliseconds: float = self.page.evaluate(script, given)
        self.frame.locator("main[aria-busy=false]").wait_for()
        return milliseconds

    @property
    def frame(self) -> Frame:
        """The page that is shown."""
        return self.page.frames[-1]

    def told(self, what: str) -> Any:
        """What the chat has kept."""
        return self.page.evaluate(f"host.{what}")

    def picture(self) -> bytes:
        """The page as a PNG."""
        return self.page.locator("iframe").screenshot(animations="disabled", caret="hide")


@asynccontextmanager
async def _sandbox() -> AsyncIterator[Toolbox]:
    """The tools of a fresh sandbox, at the same moment always."""
    transport = httpx2.ASGITransport(app=create_app(seeded(clock=EPOCH.timestamp)))
    settings = Settings(key=StaticKey(ADMIN_KEY), toolsets=TOOLSETS)
    url = "http://sandbox.invalid"
    async with Capgo(ADMIN_KEY, url=url, transport=transport, rate=10_000, clock=VirtualClock()) as capgo:
        yield Toolbox(capgo, settings)


def _dumped(result: t.CallToolResult) -> Result:
    return result.model_dump(mode="json", by_alias=True, exclude_none=True)


async def _answered() -> dict[str, tuple[Example, Result]]:
    found = {}
    async with _sandbox() as toolbox:
        for example in examples(toolbox.clock.moment().date()):
            result = await toolbox.call(example.tool, example.arguments)
            assert not result.is_error, result
            found[example.name] = (example, _dumped(result))
    return found


async def _consented() -> dict[str, list[Result]]:
    found = {}
    for kind in every_tool():
        name = kind.spec.name
        if kind.spec.effect is not Effect.DELETE:
            continue
        async with _sandbox() as toolbox:
            preview = _dumped(await toolbox.call(name, samples.required(kind)))
            told = preview["structuredContent"]
            found[name] = [preview, _dumped(await toolbox.call(name, told["after_consent"]["arguments"]))]
    return found


@pytest.fixture(scope="session")
def answers() -> dict[str, tuple[Example, Result]]:
    """The answers to every example."""
    return anyio.run(_answered)


@pytest.fixture(scope="session")
def consented() -> dict[str, list[Result]]:
    """What each tool that deletes says before consent, and after."""
    return anyio.run(_consented)


@pytest.fixture(scope="session")
def chat(
    address: str, answers: dict[str, tuple[Example, Result]], consented: dict[str, list[Result]]
) -> Iterator[Chat]:
    """A chat in a browser, opened after the answers are there: the browser leaves no room for another event loop."""
    assert consented
    with browser.page(viewport={"width": 760, "height": 2400}, locale="en-US", timezone_id="UTC") as page:
        chat = Chat(page, answers)
        page.goto(address)
        page.wait_for_function("window.host !== undefined")
        yield chat
