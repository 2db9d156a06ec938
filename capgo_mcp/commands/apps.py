"""`capgo-mcp apps`: the pages that a chat shows, in a browser, for people whose client shows none."""

import sys
import threading
import webbrowser
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from capgo_mcp.commands.callback import HOST, has_browser
from capgo_mcp.config.listener import address_of, listening
from capgo_mcp.config.machine import Machine
from capgo_mcp.config.settings import Settings
from capgo_mcp.server import apps
from capgo_mcp.server.tools import Toolbox

APP: Final = "com.demo.app"

_FOLDER: Final = Path(__file__).parent / "gallery"
_DAYS: Final = 30


@dataclass(frozen=True)
class Example:
    """A call whose answer a page shows; none of them changes anything."""

    name: str
    title: str
    tool: str
    arguments: dict[str, Any]

    @property
    def page(self) -> apps.AppPage:
        """The page that shows it."""
        return apps.OF_TOOLS[self.tool]


def examples(today: date) -> tuple[Example, ...]:
    """Calls that show every page in each of its forms, on the sandbox."""
    days = {"from_date": str(today - timedelta(days=_DAYS)), "to_date": str(today)}
    by = ["version", "platform", "version_build"]
    made: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
        ("fleet", "Devices", "capgo_summarize_devices", {"group_by": by}),
        ("cross", "Devices, crossed", "capgo_summarize_devices", {"group_by": by[:2], "crossed": True}),
        ("adoption", "Adoption over time", "capgo_get_bundle_usage", days),
        ("release", "Release", "capgo_get_release_status", {}),
        ("rollout", "Release in a rollout", "capgo_get_release_status", {"version": "2.3.0"}),
        ("health", "Update health", "capgo_get_update_health", {"version": "2.3.0"}),
        ("plan", "Plan of a release", "capgo_plan_release", {"version": "2.3.0", "percentage": 10}),
        ("channel", "Deletion of a channel", "capgo_delete_channel", {"channel": "beta"}),
        ("bundles", "Clean-up of bundles", "capgo_clean_up_bundles", {"keep": 2}),
        ("app", "Deletion of an app", "capgo_delete_app", {}),
    )
    return tuple(Example(name, title, tool, {"app_id": APP, **given}) for name, title, tool, given in made)


class Gallery:
    """Serves a page that stands in for a chat, the pages it shows, and the answers they show.

    Args:
        settings: Those of a sandbox.
    """

    def __init__(self, settings: Settings) -> None:
        self._capgo = settings.connect()
        self._toolbox = Toolbox(self._capgo, settings)
        self._examples = {one.name: one for one in examples(self._toolbox.clock.moment().date())}

    def application(self) -> Starlette:
        """The ASGI application."""
        return Starlette(
            routes=[
                Route("/", self._file),
                Route("/answers", self._list),
                Route("/answers/{name}", self._answer),
                Route("/pages/{name}", self._page),
                Route("/{name}", self._file),
            ],
            lifespan=self._open,
        )

    @asynccontextmanager
    async def _open(self, _: Starlette) -> AsyncIterator[None]:
        async with self._capgo:
            yield

    async def _file(self, request: Request) -> Response:
        path = _FOLDER / request.path_params.get("name", "index.html")
        if path not in _FOLDER.iterdir():
            raise HTTPException(404)
        return FileResponse(path, headers={"content-security-policy": "default-src 'self'; img-src data:"})

    async def _list(self, _: Request) -> Response:
        return JSONResponse([{"name": one.name, "title": one.title} for one in self._examples.values()])

    async def _answer(self, request: Request) -> Response:
        example = self._examples.get(request.path_params["name"])
        if example is None:
            raise HTTPException(404)
        result = await self._toolbox.call(example.tool, example.arguments)
        return JSONResponse(
            {
                "tool": example.tool,
                "arguments": example.arguments,
                "page": example.page.name,
                "result": result.model_dump(mode="json", by_alias=True, exclude_none=True),
            }
        )

    async def _page(self, request: Request) -> Response:
        page = next((page for page in apps.PAGES if page.name == request.path_params["name"]), None)
        if page is None:
            raise HTTPException(404)
        return HTMLResponse(apps.html(page))


def show(settings: Settings, machine: Machine, port: int) -> None:
    """Serve the gallery on loopback until told to stop, and open it where there is a browser.

    Raises:
        SettingsError: Another program listens on that port.
    """
    config = uvicorn.Config(Gallery(settings).application(), log_level="warning", lifespan="on", ws="none")
    with listening(HOST, port) as listener:
        address = f"{address_of(listener)}/"
        print(f"The pages of this server, on sample data: {address}", file=sys.stderr)
        if has_browser(machine):
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run([listener])
