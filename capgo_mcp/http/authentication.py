"""Who may use the HTTP server itself: holders of a bearer token from a file, or of one from an authorization server.

Whether the Capgo key a caller brings is good is for Capgo to say.
"""

import hashlib
import hmac
import logging
import re
import secrets
from pathlib import Path
from typing import Any, Final

import anyio
import anyio.to_thread
import httpx2
import jwt
from mcp.client.auth.utils import build_oauth_authorization_server_metadata_discovery_urls
from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.auth.settings import AuthSettings

from capgo_mcp.config.options import SettingsError
from capgo_mcp.http.settings import Issuer, Service

log = logging.getLogger(__name__)

_LINE: Final = re.compile(r"(?P<name>[^\s:#][^:]*):(?P<digest>[0-9a-fA-F]{64})")
_NOT_KEPT: Final = "-"
"""What stands for a token once it has been checked."""
_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures that only the issuer can make."""
_LEEWAY: Final = 30.0
_PATIENCE: Final = 5.0
"""Seconds to wait for the authorization server."""


def new_token(name: str) -> tuple[str, str]:
    """A token for someone, and the line that lets its holder in.

    Raises:
        SettingsError: The name could not be told apart from the rest of the line.
    """
    token = f"capgo-mcp-{secrets.token_urlsafe(32)}"
    line = f"{name}:{_digest(token)}"
    if not _LINE.fullmatch(line):
        raise SettingsError("--new-token must be a name without a colon that does not start with # or a space.")
    return token, line


def guard(service: Service) -> tuple[AuthSettings, TokenVerifier] | None:
    """What the SDK needs to let in only those who may call; None when every caller is let in.

    Raises:
        SettingsError: The file of tokens cannot be used.
    """
    if service.tokens is not None:
        # The SDK wants an issuer; without a resource it is told to nobody.
        nobody = {"issuer_url": "http://localhost", "resource_server_url": None}
        return AuthSettings.model_validate(nobody), TokenFile(service.tokens)
    if service.issuer is not None:
        issuer = service.issuer
        auth: dict[str, Any] = {
            "issuer_url": issuer.url,
            "resource_server_url": issuer.audience,
            "required_scopes": issuer.scopes,
            "validate_token_resource": False,  # the verifier checks the audience itself
        }
        return AuthSettings.model_validate(auth), IssuedTokens(issuer)
    return None


class TokenFile(TokenVerifier):
    """Tokens whose hashes stand in a file, a line `name:sha256` each; a changed file counts at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at: tuple[int, int] | None = None
        self._holders: list[tuple[str, str]] = []
        self._refresh()

    async def verify_token(self, token: str) -> AccessToken | None:
        """Who holds a token; None when nobody does."""
        try:
            self._refresh()
        except SettingsError as error:
            log.error("nobody is let in: %s", error)  # noqa: TRY400 - the sentence says it all
            return None
        digest = _digest(token)
        # Every line is compared, so that the time it takes tells nothing.
        holders = [name for name, known in self._holders if hmac.compare_digest(known, digest)]
        return AccessToken(token=_NOT_KEPT, client_id=holders[0], scopes=[]) if holders else None

    def _refresh(self) -> None:
        try:
            stat = self._path.stat()
            changed = (stat.st_mtime_ns, stat.st_size)
            if changed == self._read_at:
                return
            text = self._path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"the file of --bearer-tokens cannot be read ({type(error).__name__}).") from error
        self._holders = _holders(text)
        self._read_at = changed


def _holders(text: str) -> list[tuple[str, str]]:
    lines = {number: line.strip() for number, line in enumerate(text.splitlines(), 1)}
    given = {number: _LINE.fullmatch(line) for number, line in lines.items() if line and not line.startswith("#")}
    for number, line in given.items():
        if line is None:
            raise SettingsError(f"line {number} of the file of --bearer-tokens is not name:sha256.")
    if not given:
        raise SettingsError("the file of --bearer-tokens has no line name:sha256.")
    return [(line["name"].strip(), line["digest"].lower()) for line in given.values() if line]


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


class IssuedTokens(TokenVerifier):
    """Signed tokens (JWT) of an authorization server: signature, issuer, audience and expiry are checked."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer
        self._keys: jwt.PyJWKClient | None = None
        self._finding = anyio.Lock()
        self._threads = anyio.CapacityLimiter(4)

    async def verify_token(self, token: str) -> AccessToken | None:
        """Whom a token was issued to; None when it is not good here."""
        try:
            keys = await self._issuer_keys()
            # It waits for the network when a key is not known yet.
            key = await anyio.to_thread.run_sync(keys.get_signing_key_from_jwt, token, limiter=self._threads)
            claims = jwt.decode(
                token,
                key,
                algorithms=_ALGORITHMS,
                issuer=self._issuer.url,
                audience=self._issuer.audience,
                leeway=_LEEWAY,
                options={"require": ["iss", "aud", "exp", "sub"]},
            )
        except (jwt.PyJWTError, httpx2.HTTPError, ValueError) as error:
            log.warning("a token was refused: %s", type(error).__name__)
            return None
        return self._access(claims)

    def _access(self, claims: dict[str, Any]) -> AccessToken:
        scopes = claims.get("scope", claims.get("scp", []))
        return AccessToken(
            token=_NOT_KEPT,
            client_id=str(claims.get("client_id") or claims.get("azp") or claims["sub"]),
            subject=claims["sub"],
            scopes=scopes.split() if isinstance(scopes, str) else [str(scope) for scope in scopes],
            expires_at=int(claims["exp"] + _LEEWAY),
            resource=self._issuer.audience,
            claims={"iss": claims["iss"]},
        )

    async def _issuer_keys(self) -> jwt.PyJWKClient:
        async with self._finding:
            if self._keys is None:
                self._keys = jwt.PyJWKClient(await self._address_of_keys(), timeout=_PATIENCE)
            return self._keys

    async def _address_of_keys(self) -> str:
        """Where the issuer publishes its keys, as its metadata says.

        Raises:
            ValueError: No metadata can be found, or it is another issuer's.
        """
        url = self._issuer.url
        async with httpx2.AsyncClient(timeout=_PATIENCE) as http:
            for address in build_oauth_authorization_server_metadata_discovery_urls(url, url):
                answer = await http.get(address)
                if answer.status_code == httpx2.codes.OK:
                    metadata = answer.json()
                    if metadata.get("issuer") != url:
                        raise ValueError("the metadata is another issuer's")
                    return str(metadata["jwks_uri"])
        raise ValueError("the issuer publishes no metadata")
