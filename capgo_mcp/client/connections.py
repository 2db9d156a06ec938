"""The connections to Capgo. They know no key: it travels with each request, so that many keys can share them."""

import ssl
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final

import httpx2

from capgo_mcp.client.address import takes_proxy
from capgo_mcp.client.version import __version__

_CONNECT: Final = 1 / 6
"""Share of a call's time that connecting may take, so that it can be tried again."""
_IDLE: Final = 60.0
"""Seconds an unused connection is kept: people call every few seconds, and nginx, for one, ends it after 75."""
_MOST_IDLE: Final = 100


class Connections:
    """The connections to one Capgo.

    Args:
        url: Address of the API.
        timeout: Seconds a call may take in all.
        transport: What carries the requests; by default the network.

    Attributes:
        url: Address of the API.
        to_network: Whether requests leave this process, so that it can be told whether one did.
    """

    def __init__(self, url: str, timeout: float, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self.url = url
        self.to_network = transport is None
        self._timeout = timeout
        self._transport = transport
        self._http: httpx2.AsyncClient | None = None

    @property
    def http(self) -> httpx2.AsyncClient:
        """What makes requests, opened at the first one."""
        if self._http is None:
            self._http = httpx2.AsyncClient(
                base_url=self.url,
                transport=self._transport,
                trust_env=takes_proxy(self.url),
                verify=_trusted() if self.to_network else True,  # only the network needs them
                # The deadline bounds everything but connecting, of which is known that nothing was sent.
                timeout=httpx2.Timeout(None, connect=self._timeout * _CONNECT),
                # No call waits for the connection of another one.
                limits=httpx2.Limits(
                    max_connections=None, max_keepalive_connections=_MOST_IDLE, keepalive_expiry=_IDLE
                ),
                follow_redirects=False,
                headers={"user-agent": f"capgo-mcp/{__version__}", "accept": "application/json"},
                # A cookie that came with one key would go out with the others.
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            )
        return self._http

    async def aclose(self) -> None:
        """Close all of them."""
        if self._http is not None:
            await self._http.aclose()


@cache
def _trusted() -> ssl.SSLContext:
    """The system's certificates, loaded once: each client of its own would take 30 ms and a megabyte for them."""
    return httpx2.create_ssl_context()
