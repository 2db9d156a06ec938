"""Who may use the HTTP server itself: holders of a bearer token from a file, or of one from an authorization server.

Whether the Capgo key a caller brings is good is for Capgo to say.
"""

import hashlib
import hmac
import logging
import re
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import jwt
from mcp.server.auth.provider import AccessToken, TokenVerifier
from mcp.server.auth.settings import AuthSettings
from pydantic import BaseModel, Field
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from capgo_mcp.client.clock import SystemClock
from capgo_mcp.config.options import SettingsError
from capgo_mcp.http.issuer_keys import IssuerKeys
from capgo_mcp.http.settings import HttpSettings, Issuer

log = logging.getLogger(__name__)

_LINE: Final = re.compile(r"(?P<name>[^\s:#][^:]*):(?P<digest>[0-9a-fA-F]{64})")
_NOT_KEPT: Final = "-"
"""What stands for a token once it has been checked."""
_ALGORITHMS: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures that only the issuer can make."""
_LEEWAY: Final = 30.0


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


def guard(http: HttpSettings) -> tuple[AuthSettings, TokenVerifier] | None:
    """What the SDK needs to let in only those who may call; None when every caller is let in.

    Raises:
        SettingsError: The file of tokens cannot be used.
    """
    if http.tokens is not None:
        # The SDK wants an issuer; without a resource it is told to nobody.
        nobody = {"issuer_url": "http://localhost", "resource_server_url": None}
        return AuthSettings.model_validate(nobody), TokenFile(http.tokens)
    if http.issuer is not None:
        issuer = http.issuer
        auth: dict[str, Any] = {
            "issuer_url": issuer.url,
            "resource_server_url": issuer.audience,
            "required_scopes": issuer.scopes,
            "validate_token_resource": False,  # the verifier checks the audience itself
        }
        return AuthSettings.model_validate(auth), IssuedTokens(issuer)
    return None


class Challenges:
    """Tells a caller who is not let in which scopes to ask for, beside where to ask.

    Args:
        app: What lets callers in.
        scopes: What a token must allow.
    """

    def __init__(self, app: ASGIApp, scopes: Sequence[str]) -> None:
        self._app = app
        self._scope = f', scope="{" ".join(scopes)}"'

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def challenging(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if challenge := headers.get("www-authenticate"):
                    headers["www-authenticate"] = challenge + self._scope
            await send(message)

        await self._app(scope, receive, challenging)


class _Claims(BaseModel, strict=True):
    """What a token says beside what is checked with its signature."""

    sub: str = Field(min_length=1, max_length=255)
    exp: float = Field(lt=1e12)
    client_id: str | None = None
    azp: str | None = None
    scope: str | list[str] | None = None
    scp: str | list[str] | None = None

    @property
    def scopes(self) -> list[str]:
        """What it allows, in either of the ways in which that is written."""
        told = self.scope if self.scope is not None else self.scp or []
        return told.split() if isinstance(told, str) else told


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
            # With the size, since two changes may fall into one tick of the file system.
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
        self._keys = IssuerKeys(issuer.url, SystemClock())

    async def verify_token(self, token: str) -> AccessToken | None:
        """Whom a token was issued to; None when it is not good here."""
        try:
            claims = await self._claims(token)
        except (jwt.PyJWTError, ValueError, OverflowError, RecursionError) as error:
            log.warning("a token was refused: %s", type(error).__name__)
            return None
        return AccessToken(
            token=_NOT_KEPT,
            client_id=claims.client_id or claims.azp or claims.sub,
            subject=claims.sub,
            scopes=claims.scopes,
            # The SDK looks at the expiry once more, and grants no leeway.
            expires_at=int(claims.exp + _LEEWAY),
            resource=self._issuer.audience,
            claims={"iss": self._issuer.url},
        )

    async def _claims(self, token: str) -> _Claims:
        """What a token says, if it is good.

        Raises:
            PyJWTError: Its signature is another one's, or it is for another server, or over.
            ValueError: It says something odd, or its key is not known.
        """
        header = jwt.get_unverified_header(token)
        claims = jwt.decode(
            token,
            await self._keys.named(header.get("kid")),
            algorithms=_ALGORITHMS,
            issuer=self._issuer.url,
            audience=self._issuer.audience,
            leeway=_LEEWAY,
            options={"require": ["iss", "aud", "exp", "sub"]},
        )
        return _Claims.model_validate(claims)
