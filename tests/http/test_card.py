"""Whoever has the address of a team's server learns what it is and how to come in, before connecting."""

import json
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from capgo_mcp.client.key import StaticKey
from capgo_mcp.config.credentials import NoKey
from capgo_mcp.config.settings import Settings
from capgo_mcp.http.card import MEDIA_TYPE
from capgo_mcp.http.serve import application
from capgo_mcp.http.settings import HttpSettings, Issuer
from capgo_mcp.sandbox import ADMIN_KEY
from tests.support.serving import served

SERVER: Final = json.loads((Path(__file__).parents[2] / "server.json").read_text(encoding="utf-8"))
OWN_KEYS: Final = HttpSettings(names=("mcp.example.com",))
SIGNED_IN: Final = HttpSettings(
    names=("mcp.example.com",), issuer=Issuer("https://login.example.com", "https://mcp.example.com/mcp", ())
)


async def card(told: HttpSettings, host: str | None = None) -> tuple[httpx2.Response, Any]:
    """The card of a server, and what it says."""
    key = StaticKey(ADMIN_KEY) if told.authenticates else NoKey()
    with served(application(Settings(key=key), told)) as url:
        async with httpx2.AsyncClient(base_url=url) as http:
            answer = await http.get("/mcp/server-card", headers={"host": host} if host else {})
    return answer, answer.json()


async def test_the_card_tells_what_the_registry_tells() -> None:
    """Name, title, description, version and repository are those of server.json; no tool is named."""
    answer, told = await card(OWN_KEYS)
    shared = ("name", "title", "description", "version", "websiteUrl", "repository")
    assert {name: told[name] for name in shared} == {name: SERVER[name] for name in shared}
    assert {*told} == {"$schema", *shared, "icons", "remotes"}
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    ("let_in", "host", "remote"),
    [
        (OWN_KEYS, "mcp.example.com", "https://mcp.example.com/mcp"),
        (OWN_KEYS, "127.0.0.1:8000", "http://127.0.0.1:8000/mcp"),
        (SIGNED_IN, "127.0.0.1:8000", "https://mcp.example.com/mcp"),
    ],
)
async def test_the_card_says_where_and_how_to_come_in(let_in: HttpSettings, host: str, remote: str) -> None:
    """It names the address that was asked, by https but on this machine, and the header where a key is wanted."""
    _, told = await card(let_in, host)
    (only,) = told["remotes"]
    assert (only["type"], only["url"]) == ("streamable-http", remote)
    assert [header["name"] for header in only.get("headers", [])] == ([] if let_in.issuer else ["x-capgo-api-key"])
