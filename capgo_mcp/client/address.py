"""What an address of the API means for the key that is sent to it."""

from ipaddress import ip_address
from urllib.request import getproxies

import httpx2


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a host."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        # These names are kept for the machine itself (RFC 6761).
        return host == "localhost" or host.endswith(".localhost")


def takes_proxy(url: str) -> bool:
    """Whether a proxy that the environment names may carry the requests: through a tunnel, in which it sees no key."""
    address = httpx2.URL(url)
    return address.scheme == "https" and not is_loopback(address.host)


def proxy_of(url: str) -> str | None:
    """The proxy that the environment, or the system, names for requests to an address, if one may carry them."""
    proxies = getproxies() if takes_proxy(url) else {}
    return proxies.get("https") or proxies.get("all")
