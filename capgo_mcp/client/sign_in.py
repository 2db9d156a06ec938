"""Signing in with the browser: Capgo's own authorization server, whose access tokens are ordinary API keys.

The words of OAuth, the addresses of discovery and the check of `iss` are the SDK's. Its ready-made flow is not used: it
starts at an answer of an MCP server, sends the key with `Bearer`, and logs what it was answered.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar
from urllib.parse import urlencode, urlsplit

import httpx2
from mcp.client.auth import OAuthFlowError, PKCEParameters
from mcp.client.auth.utils import (
    build_oauth_authorization_server_metadata_discovery_urls,
    build_protected_resource_metadata_discovery_urls,
    validate_authorization_response_iss,
    validate_metadata_issuer,
)
from mcp.shared.auth import (
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthMetadata,
    OAuthToken,
    ProtectedResourceMetadata,
)
from pydantic import AnyUrl, BaseModel, ValidationError

from capgo_mcp.api.errors import SignInFailed, Unreachable
from capgo_mcp.api.text import quoted
from capgo_mcp.client.address import is_loopback, takes_proxy
from capgo_mcp.client.clock import Clock
from capgo_mcp.client.key import clean
from capgo_mcp.client.network import trusted
from capgo_mcp.client.version import __version__

SECONDS_FOR_CONSENT: Final = 600.0
"""Seconds in which the person has to answer: so long Capgo remembers what it was asked."""

_CLIENT: Final = "capgo-mcp"
_LARGEST: Final = 2**16
"""Bytes of an answer that are read."""
_PASTE: Final = "Or paste a key from the console: capgo-mcp login --paste."
_SENTENCES: Final = {
    "access_denied": "The consent page answers no: nobody is signed in.",
    "invalid_grant": "Capgo does not take the code: it lasts a minute, and counts once.",
    "slow_down": "Capgo lets nobody else sign in from this network for a while.",
}
_Words = TypeVar("_Words", bound=BaseModel)


@dataclass(frozen=True)
class Authorization:
    """What a person is asked at the consent page, and what shows that its answer is the one to this.

    Attributes:
        address: Where the browser has to go.
        redirect: Where it comes back.
        state: The word that it brings along.
        client_id: The client that asks.
        verifier: What only whoever asked can know.
    """

    address: str
    redirect: str
    state: str
    client_id: str
    verifier: str = field(repr=False)


@dataclass(frozen=True)
class Issued:
    """The key that Capgo made for the person, and when it ends; None where it does not."""

    key: str = field(repr=False)
    expires_at: datetime | None


@dataclass(frozen=True)
class AuthorizationServer:
    """The server at which people sign in.

    Attributes:
        metadata: Its addresses, as it tells them.
        resource: What its tokens are for.
        timeout: Seconds that an answer may take.
    """

    metadata: OAuthMetadata
    resource: str
    timeout: float

    async def ask(self, redirect: str) -> Authorization:
        """Make this program known there, and form the address of the consent page.

        Args:
            redirect: Where the browser shall come back; on loopback.

        Raises:
            SignInFailed: The server does not want to know it.
            Unreachable: There was no answer.
        """
        wanted = OAuthClientMetadata(
            client_name=_CLIENT,
            redirect_uris=[AnyUrl(redirect)],
            grant_types=["authorization_code"],
            token_endpoint_auth_method="none",  # noqa: S106 - says that there is no password
            software_version=__version__,
        )
        # Each time anew: Capgo forgets within a week whom nobody signed in with.
        answer = await self._post(
            self.metadata.registration_endpoint, json=wanted.model_dump(mode="json", exclude_none=True)
        )
        client = _read(OAuthClientInformationFull, answer)
        pkce, state = PKCEParameters.generate(), secrets.token_urlsafe(32)
        query = {
            "response_type": "code",
            "client_id": client.client_id,
            "redirect_uri": redirect,
            "state": state,
            "scope": "capgo",
            "resource": self.resource,
            "code_challenge": pkce.code_challenge,
            "code_challenge_method": "S256",
        }
        address = f"{self.metadata.authorization_endpoint}?{urlencode(query)}"
        return Authorization(address, redirect, state, client.client_id, pkce.code_verifier)

    async def redeem(self, asked: Authorization, returned: Mapping[str, str], clock: Clock) -> Issued:
        """The key, for what the browser brought back.

        Raises:
            SignInFailed: It brought a refusal, or the answer to something else.
            KeyMissing: What was issued cannot be a key.
            Unreachable: There was no answer.
        """
        # As bytes: of texts it compares only ASCII, and the browser brings anything.
        if not secrets.compare_digest(returned.get("state", "").encode(), asked.state.encode()):
            raise _failed("What the browser brought back is not the answer to what was asked.")
        try:
            validate_authorization_response_iss(returned.get("iss"), self.metadata)
        except OAuthFlowError as error:
            raise _failed("The answer in the browser is not from the server that was asked.") from error
        # Told only now that the answer is known to be the server's: any page can send the browser here with an error.
        if "error" in returned:
            raise _refused(returned["error"], returned.get("error_description", ""))
        form = {
            "grant_type": "authorization_code",
            "code": returned.get("code", ""),
            "redirect_uri": asked.redirect,
            "client_id": asked.client_id,
            "code_verifier": asked.verifier,
        }
        token = _read(OAuthToken, await self._post(self.metadata.token_endpoint, data=form))
        lasts = token.expires_in
        ends = None if lasts is None else clock.moment() + timedelta(seconds=lasts)
        return Issued(clean(token.access_token, "What Capgo issued as a key"), ends)

    async def revoke(self, key: str, client_id: str) -> None:
        """Have a key deleted that was issued here; one that was not stays, and that is not told.

        Raises:
            SignInFailed: The server refuses, or cannot do it.
            Unreachable: There was no answer.
        """
        if self.metadata.revocation_endpoint is None:
            raise _failed("This Capgo does not revoke keys.")
        form = {"token": key, "token_type_hint": "access_token", "client_id": client_id}
        await self._post(self.metadata.revocation_endpoint, data=form)

    async def _post(self, address: Any, **content: Any) -> httpx2.Response:
        answer = await _fetched("POST", str(address), self.timeout, **content)
        if answer.is_success:
            return answer
        try:
            said = answer.json()
        except ValueError:
            said = None
        code, why = (said.get("error"), said.get("error_description")) if isinstance(said, dict) else ("", "")
        raise _refused(str(code or f"HTTP status {answer.status_code}"), str(why or ""))


async def authorization_server(url: str, seconds: float) -> AuthorizationServer | None:
    """The server at which people sign in to the Capgo at an address; None where there is none, as on older ones.

    Raises:
        SignInFailed: What it tells about itself does not fit together, or is not safe.
        Unreachable: There was no answer.
    """
    # Spelled as pydantic spells it, who reads what it is compared with.
    resource = str(AnyUrl(f"{url.rstrip('/')}/mcp"))
    addresses = build_protected_resource_metadata_discovery_urls(None, resource)
    told = await _first(ProtectedResourceMetadata, addresses, seconds)
    if told is None:
        return None
    issuer = str(told.authorization_servers[0])
    addresses = build_oauth_authorization_server_metadata_discovery_urls(issuer, resource)
    metadata = await _first(OAuthMetadata, addresses, seconds)
    if metadata is None or str(told.resource) != resource:
        raise _failed("What this Capgo tells about signing in does not fit together.")
    try:
        validate_metadata_issuer(metadata, issuer)
    except OAuthFlowError as error:
        raise _failed("The server to sign in at calls itself by another name than Capgo does.") from error
    if metadata.registration_endpoint is None or "S256" not in (metadata.code_challenge_methods_supported or ()):
        raise _failed("The server to sign in at lacks what this takes: registration of clients, and PKCE with S256.")
    endpoints = (metadata.authorization_endpoint, metadata.token_endpoint, metadata.registration_endpoint)
    if not all(_is_safe(str(address)) for address in (*endpoints, metadata.revocation_endpoint) if address):
        raise _failed("The server to sign in at has addresses of plain http, over which others can read the key.")
    return AuthorizationServer(metadata, resource, seconds)


async def _first(kind: type[_Words], addresses: list[str], seconds: float) -> _Words | None:
    """What the first of some addresses tells that tells it; a page that is there for everything tells nothing."""
    for address in addresses:
        answer = await _fetched("GET", address, seconds)
        # This is not to pass for a Capgo without sign-in, whose users are sent to paste a key.
        if answer.is_server_error or answer.status_code == httpx2.codes.TOO_MANY_REQUESTS:
            raise Unreachable(
                "unreachable", f"Capgo answers with HTTP status {answer.status_code}.", "Try again later."
            )
        if answer.is_success:
            try:
                return kind.model_validate_json(answer.content)
            except ValidationError:
                continue
    return None


async def _fetched(method: str, address: str, seconds: float, **content: Any) -> httpx2.Response:
    """The answer to one request, with as much of its body as can be meant. Redirects are not followed."""
    agent = {"user-agent": f"{_CLIENT}/{__version__}", "accept": "application/json"}
    try:
        async with (
            httpx2.AsyncClient(
                timeout=seconds, trust_env=takes_proxy(address), verify=trusted(), headers=agent
            ) as http,
            http.stream(method, address, **content) as answer,
        ):
            body = bytearray()
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > _LARGEST:
                    raise _failed("The answer is longer than any that is meant.")
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        where = urlsplit(address).netloc
        raise Unreachable(
            "unreachable", f"{where} could not be reached.", "Check the network, then try again."
        ) from error
    # An answer of its own, since the other one is closed with its stream.
    return httpx2.Response(answer.status_code, content=bytes(body))


def _read(kind: type[_Words], answer: httpx2.Response) -> _Words:
    try:
        return kind.model_validate_json(answer.content)
    except ValidationError:
        # Without the cause, which repeats what was answered: a key may be in it.
        raise _failed("Capgo's answer is not in a form this can read.") from None


def _is_safe(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))


def _refused(code: str, description: str) -> SignInFailed:
    """The error for what Capgo, or the person at its page, says instead of yes."""
    said = f": {quoted(description)}" if description else f" ({quoted(code)})"
    sentence = _SENTENCES.get(code, f"Capgo does not let this program sign in{said}.")
    return SignInFailed(code if code in _SENTENCES else "sign_in_failed", sentence, _PASTE)


def _failed(sentence: str) -> SignInFailed:
    return SignInFailed("sign_in_failed", sentence, _PASTE)
