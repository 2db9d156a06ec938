"""The public keys of an authorization server: found through its metadata, kept, and fetched again as they change."""

import logging
from typing import Any, Final

import anyio
import httpx2
import jwt
from mcp.client.auth.utils import build_oauth_authorization_server_metadata_discovery_urls
from pydantic import BaseModel

from capgo_mcp.client.clock import Clock
from capgo_mcp.client.network import trusted

log = logging.getLogger(__name__)

FRESH: Final = 300.0
"""Seconds for which keys are used without a look whether they have changed."""
STALE: Final = 3600.0
"""Seconds for which they are used while the issuer does not answer."""
COOLDOWN: Final = 30.0
"""Seconds between two looks, however many tokens name keys that nobody knows."""
_ISSUER_TIMEOUT: Final = 5.0
"""Seconds to wait for the issuer, and to leave it alone when it did not answer."""


class _Metadata(BaseModel):
    """What of an issuer's metadata (RFC 8414, OpenID Connect discovery) counts here."""

    issuer: str
    jwks_uri: str


class IssuerKeys:
    """The keys with which an issuer signs its tokens.

    Args:
        url: Its issuer identifier.
        clock: What tells the time.
    """

    def __init__(self, url: str, clock: Clock) -> None:
        self._url = url
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._read_at = -STALE
        self._look_at = 0.0
        self._reading = anyio.Lock()

    async def named(self, name: Any) -> jwt.PyJWK:
        """The key of a name (`kid`).

        Raises:
            ValueError: The issuer has no such key, or has not been reached for long.
        """
        if not isinstance(name, str):
            raise ValueError("the token names no key")  # noqa: TRY004 - it is the token that is wrong
        # While one caller looks for new keys, the others go on with what is known.
        if not self._knows(name, FRESH) and not (self._reading.locked() and self._knows(name, STALE)):
            async with self._reading:
                if self._clock.now() >= self._look_at:
                    await self._look()
        if not self._knows(name, STALE):
            raise ValueError("the issuer has no such key")
        return self._keys[name]

    def _knows(self, name: str, seconds: float) -> bool:
        """Whether there is a key of that name, read no longer ago than that."""
        return name in self._keys and self._clock.now() <= self._read_at + seconds

    async def _look(self) -> None:
        """Read the keys anew; those that are known stay when that fails."""
        try:
            with self._clock.fail_after(_ISSUER_TIMEOUT):
                self._keys = await self._published()
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, jwt.PyJWTError, ValueError) as error:
            log.warning("the keys of the authorization server cannot be read: %s", type(error).__name__)
            self._look_at = self._clock.now() + _ISSUER_TIMEOUT
        else:
            self._read_at = self._clock.now()
            self._look_at = self._read_at + COOLDOWN

    async def _published(self) -> dict[str, jwt.PyJWK]:
        """The keys that sign, by name.

        Raises:
            ValueError: There is no metadata, or it is another issuer's, or leads where anybody could change the keys.
        """
        async with httpx2.AsyncClient(timeout=_ISSUER_TIMEOUT, verify=trusted()) as http:
            for address in build_oauth_authorization_server_metadata_discovery_urls(self._url, self._url):
                answer = await http.get(address)
                if answer.status_code == httpx2.codes.OK:
                    metadata = _Metadata.model_validate_json(answer.content)
                    if metadata.issuer != self._url:
                        raise ValueError("the metadata is another issuer's")
                    if httpx2.URL(metadata.jwks_uri).scheme not in {"https", httpx2.URL(self._url).scheme}:
                        raise ValueError("the keys are published without encryption")
                    published = (await http.get(metadata.jwks_uri)).raise_for_status().json()
                    keys = jwt.PyJWKSet.from_dict(published).keys if isinstance(published, dict) else []
                    return {key.key_id: key for key in keys if key.key_id and key.public_key_use in ("sig", None)}
        raise ValueError("the issuer publishes no metadata")
