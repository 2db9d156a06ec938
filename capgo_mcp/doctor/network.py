"""Whether the address of the API can be reached, over what, and whether the clocks agree. Sends no key."""

import socket
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final
from urllib.parse import urlsplit

import httpx2

from capgo_mcp.client.address import proxy_of, takes_proxy
from capgo_mcp.client.network import trusted
from capgo_mcp.client.version import __version__
from capgo_mcp.config.settings import Settings
from capgo_mcp.doctor.finding import Finding, fine, note, problem
from capgo_mcp.sandbox.embedded import ADDRESS, EmbeddedSandbox

_TIMEOUT: Final = 10.0
_SKEW: Final = 60.0
"""Seconds by which clocks may differ before times in answers mislead."""


async def findings(settings: Settings) -> list[Finding]:
    """What one request without a key shows; the last finding is a problem where Capgo cannot be reached."""
    if settings.sandbox:
        return await _reach(ADDRESS, EmbeddedSandbox())
    return [*_proxies(settings.url), *await _reach(settings.url, None)]


def _proxies(url: str) -> Iterator[Finding]:
    if proxy := proxy_of(url):
        parts = urlsplit(proxy)
        yield fine("proxy", f"Requests go through {parts.hostname}:{parts.port}, as the environment says.")


async def _reach(url: str, transport: httpx2.AsyncBaseTransport | None) -> list[Finding]:
    headers = {"user-agent": f"capgo-mcp/{__version__}"}
    try:
        async with httpx2.AsyncClient(
            base_url=url,
            transport=transport,
            trust_env=takes_proxy(url),
            verify=trusted(),
            timeout=_TIMEOUT,
            # Where another address answers, that is what is to be found.
            follow_redirects=False,
            headers=headers,
        ) as client:
            started = time.monotonic()
            response = await client.get("/ok")
            milliseconds = (time.monotonic() - started) * 1000
    except httpx2.HTTPError as error:
        return [_unreachable(url, error)]
    if response.status_code != HTTPStatus.OK:
        return [
            problem(
                "address",
                f"{url} answers, but not as Capgo does: HTTP status {response.status_code} for /ok.",
                "Check CAPGO_API_URL; a self-hosted Capgo needs its path, e.g. https://x.example/functions/v1.",
            )
        ]
    answer = fine("address", f"{url} answered in {milliseconds:.0f} ms.")
    date = response.headers.get("date")
    return [answer, _clock(date)] if date else [answer]


def _unreachable(url: str, error: httpx2.HTTPError) -> Finding:
    """Why there was no answer, as far down as the cause goes."""
    host = urlsplit(url).hostname
    causes = set(_causes(error))
    if any(issubclass(cause, socket.gaierror) for cause in causes):
        return problem("address", f"The name {host} cannot be found.", "Check the network, DNS and CAPGO_API_URL.")
    if any(issubclass(cause, ssl.SSLError) for cause in causes):
        then = "Install the authority's certificate in the system's store; behind a company proxy, that proxy's."
        return problem("address", f"This system does not trust the certificate of {host}.", then)
    if isinstance(error, httpx2.ProxyError):
        return problem("address", "The proxy does not let the request through.", "Check HTTPS_PROXY and NO_PROXY.")
    if isinstance(error, httpx2.TimeoutException):
        then = "Check the network, a firewall, and whether a proxy has to be set in HTTPS_PROXY."
        return problem("address", f"{url} did not answer within {_TIMEOUT:g} seconds.", then)
    return problem("address", f"No connection to {url}.", "Check the network and CAPGO_API_URL.")


def _causes(error: BaseException | None) -> Iterator[type[BaseException]]:
    while error is not None:
        yield type(error)
        error = error.__cause__ or error.__context__


def _clock(date: str) -> Finding:
    try:
        theirs = parsedate_to_datetime(date)
    except ValueError:
        return note("clock", "Capgo's clock cannot be read.", "Nothing to do unless times in answers look wrong.")
    # A date whose zone is -0000 is read without one, and means UTC.
    skew = (datetime.now(UTC) - theirs.replace(tzinfo=theirs.tzinfo or UTC)).total_seconds()
    if abs(skew) <= _SKEW:
        return fine("clock", "This machine's clock agrees with Capgo's.")
    way = "ahead of" if skew > 0 else "behind"
    return note("clock", f"This machine's clock is {abs(skew):.0f} seconds {way} Capgo's.", "Let it be set by network.")
