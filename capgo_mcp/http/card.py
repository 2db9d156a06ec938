"""The server card: what a client may know of this server before it connects.

It stands beside the endpoint, as the extension for server cards recommends (SEP-2127), for whoever asks and from any
page: nothing in it is secret, and no tool is named in it.
"""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse

from capgo_mcp.client.address import is_loopback
from capgo_mcp.client.version import __version__
from capgo_mcp.http.pool import KEY_HEADER
from capgo_mcp.http.settings import HttpSettings
from capgo_mcp.server import identity

MEDIA_TYPE: Final = "application/mcp-server-card+json"
_SCHEMA: Final = "https://static.modelcontextprotocol.io/schemas/v1/server-card.schema.json"
_HEADERS: Final = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=3600"}


class ServerCard:
    """Answers with the card of a server.

    Args:
        http: Says how callers are let in.
        path: Where the endpoint is.
    """

    def __init__(self, http: HttpSettings, path: str) -> None:
        self._http = http
        self._path = path

    async def answer(self, request: Request) -> JSONResponse:
        """The card, which names the address that the request came to."""
        return JSONResponse(self.told(self._address(request)), media_type=MEDIA_TYPE, headers=_HEADERS)

    def told(self, address: str) -> dict[str, Any]:
        """What the card says of a server at an address."""
        remote: dict[str, Any] = {"type": "streamable-http", "url": address}
        if not self._http.authenticates:
            header = {"name": KEY_HEADER, "description": "Your Capgo API key.", "isRequired": True, "isSecret": True}
            remote["headers"] = [header]
        return {
            "$schema": _SCHEMA,
            "name": identity.NAME,
            "title": identity.TITLE,
            "description": identity.DESCRIPTION,
            "version": __version__,
            "websiteUrl": identity.REPOSITORY,
            "repository": {"url": identity.REPOSITORY, "source": "github"},
            "icons": [identity.ICON.model_dump(mode="json", by_alias=True, exclude_none=True)],
            "remotes": [remote],
        }

    def _address(self, request: Request) -> str:
        if self._http.issuer is not None:
            return self._http.issuer.audience
        # A front ends TLS and calls by plain http, so the scheme of the request says nothing.
        scheme = "http" if is_loopback(request.url.hostname or "") else "https"
        return f"{scheme}://{request.url.netloc}{self._path}"
