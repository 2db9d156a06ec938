"""Pages for the chat over HTTP, where a client of an older revision cannot say that it shows them."""

import httpx2
import pytest

from capgo_mcp.config.credentials import NoKey
from capgo_mcp.config.settings import Settings
from capgo_mcp.http.serve import application
from capgo_mcp.http.settings import HttpSettings
from capgo_mcp.server.apps import EXTENSION, MIME_TYPE
from tests.support.serving import LEGACY, MODERN, request, served


@pytest.mark.parametrize(
    ("era", "says_so", "offered", "told"),
    [
        (MODERN, True, False, True),
        (MODERN, True, True, True),
        (MODERN, False, False, False),
        (MODERN, False, True, False),
        (LEGACY, False, False, False),
        (LEGACY, False, True, True),
    ],
)
@pytest.mark.parametrize("method", ["tools/list", "resources/list"])
async def test_who_is_told_of_pages(method: str, era: str, says_so: bool, offered: bool, told: bool) -> None:
    """Whoever says that it shows them, and with --offer-pages whoever cannot say so; nobody else."""
    body, headers = request(method, era=era)
    if says_so:
        able = body["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"]
        able["extensions"] = {EXTENSION: {"mimeTypes": [MIME_TYPE]}}
    app = application(Settings(key=NoKey(), sandbox=True), HttpSettings(offers_pages=offered))
    with served(app) as url:
        async with httpx2.AsyncClient() as http:
            answer = await http.post(f"{url}/mcp", json=body, headers=headers)
    assert answer.status_code == httpx2.codes.OK
    assert ("ui://capgo/fleet" in answer.text) is told


def test_the_option_is_off_unless_asked_for() -> None:
    """The flag sets it, and so does its variable."""
    settings = Settings(key=NoKey(), sandbox=True)
    assert not HttpSettings.read({}, settings, {}).offers_pages
    assert HttpSettings.read({"offer_pages": True}, settings, {}).offers_pages
    assert HttpSettings.read({}, settings, {"CAPGO_MCP_OFFER_PAGES": "1"}).offers_pages
