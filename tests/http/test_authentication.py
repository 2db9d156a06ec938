"""Who may use the server itself: tokens from a file, and tokens of an authorization server."""

import hashlib
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from jwt.algorithms import RSAAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from capgo_mcp.client.key import StaticKey
from capgo_mcp.commands.cli import main
from capgo_mcp.config.options import SettingsError
from capgo_mcp.config.settings import Settings
from capgo_mcp.http.authentication import TokenFile, guard, new_token
from capgo_mcp.http.serve import application
from capgo_mcp.http.settings import Issuer, Service
from capgo_mcp.sandbox import READER_KEY
from tests.support.limits import GENEROUS
from tests.support.serving import Caller, request, served

AUDIENCE: Final = "https://mcp.example.com/mcp"


@asynccontextmanager
async def server(service: Service) -> AsyncIterator[tuple[httpx2.AsyncClient, str]]:
    """The server over the sandbox with a key of its own, and a client to call it with."""
    settings = Settings(key=StaticKey(READER_KEY), sandbox=True)
    with served(application(settings, service)) as url:
        async with httpx2.AsyncClient(timeout=GENEROUS) as http:
            yield http, f"{url}/mcp"


async def status(http: httpx2.AsyncClient, url: str, token: str | None) -> int:
    """The HTTP status with which a token is met."""
    body, headers = request("tools/list")
    own = {} if token is None else {"authorization": f"Bearer {token}"}
    return (await http.post(url, json=body, headers=headers | own)).status_code


@pytest.fixture
def tokens(tmp_path: Path) -> tuple[Path, str]:
    """A file that lets Ada in, and Ada's token."""
    token, line = new_token("ada")
    path = tmp_path / "tokens"
    path.write_text(f"# who may call\n\n{line}\n")
    return path, token


async def test_lets_in_the_holders_of_tokens(tokens: tuple[Path, str]) -> None:
    """A caller with a token that the file knows is served with the server's key; all others get 401."""
    path, token = tokens
    async with server(Service(tokens=path)) as (http, url):
        for wrong in (None, "wrong", token[:-1], token.upper(), READER_KEY, path.read_text().split(":")[1].strip()):
            assert await status(http, url, wrong) == 401
        caller = Caller(http, url, {"authorization": f"Bearer {token}"})
        assert (await caller.facts("capgo_list_apps"))["items"]


async def test_a_changed_file_of_tokens_counts_at_once(tokens: tuple[Path, str]) -> None:
    """A line that is taken out shuts its holder out; a file that cannot be read shuts everyone out."""
    path, token = tokens
    other, line = new_token("grace")
    verifier = TokenFile(path)
    assert await verifier.verify_token(token)
    path.write_text(f"{line}\n{'#' * 80}")
    assert await verifier.verify_token(token) is None
    access = await verifier.verify_token(other)
    assert access is not None
    assert access.client_id == "grace"
    assert other not in repr(access)
    path.unlink()
    assert await verifier.verify_token(other) is None


@pytest.mark.parametrize("content", ["", "# nobody\n", "ada\n", "ada:secret\n", ":" + "0" * 64, "ada:" + "0" * 63])
def test_a_file_of_tokens_must_make_sense(tmp_path: Path, content: str) -> None:
    """A line that is no name with a hash is named by its number, never quoted."""
    path = tmp_path / "tokens"
    path.write_text(content)
    with pytest.raises(SettingsError) as error:
        guard(Service(tokens=path))
    assert "secret" not in str(error.value)


def test_makes_tokens_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    """--new-token prints a token and the line that belongs to it."""
    assert main(["http", "--new-token", "ada"]) == 0
    shown, line = [printed.split()[-1] for printed in capsys.readouterr().out.splitlines()]
    assert line == f"ada:{hashlib.sha256(shown.encode()).hexdigest()}"


class AuthorizationServer:
    """Publishes metadata and keys, and signs tokens."""

    def __init__(self) -> None:
        self.url = ""
        self.key = generate_private_key(65537, 2048)
        self.fetched = 0

    def app(self) -> Starlette:
        """What it publishes."""

        def metadata(_: Request) -> JSONResponse:
            return JSONResponse({"issuer": self.url, "jwks_uri": f"{self.url}/keys"})

        def keys(_: Request) -> JSONResponse:
            self.fetched += 1
            public = json.loads(RSAAlgorithm.to_jwk(self.key.public_key()))
            return JSONResponse({"keys": [public | {"kid": "one", "use": "sig", "alg": "RS256"}]})

        return Starlette(routes=[Route("/.well-known/openid-configuration", metadata), Route("/keys", keys)])

    def token(self, *, key: Any = "its own", alg: str = "RS256", kid: str = "one", **claims: Any) -> str:
        """A token that is good unless told otherwise."""
        good = {"iss": self.url, "aud": AUDIENCE, "sub": "ada", "exp": time.time() + 60, "scope": "capgo other"}
        chosen = {name: value for name, value in (good | claims).items() if value is not None}
        return jwt.encode(chosen, self.key if key == "its own" else key, alg, headers={"kid": kid})


@pytest.fixture(scope="module")
def issuer() -> Iterator[AuthorizationServer]:
    """An authorization server."""
    one = AuthorizationServer()
    with served(one.app()) as url:
        one.url = url
        yield one


WRONG: Final[dict[str, dict[str, Any]]] = {
    "expired": {"exp": 1_700_000_000},
    "for ever": {"exp": None},
    "not yet": {"nbf": 4_000_000_000},
    "another audience": {"aud": "https://other.example.com/mcp"},
    "no audience": {"aud": None},
    "another issuer": {"iss": "https://id.example.com"},
    "nobody's": {"sub": None},
    "another signature": {"key": generate_private_key(65537, 2048)},
    "an unknown key": {"kid": "two"},
    "a shared secret": {"key": "x" * 64, "alg": "HS256"},
    "no signature": {"key": None, "alg": "none"},
}


async def test_lets_in_whom_an_authorization_server_sends(issuer: AuthorizationServer) -> None:
    """A good token opens; one that is wrong in any way does not, nor does one without the scope."""
    service = Service(issuer=Issuer(issuer.url, AUDIENCE, ("capgo",)))
    async with server(service) as (http, url):
        for what, claims in WRONG.items():
            assert await status(http, url, issuer.token(**claims)) == 401, what
        for garbage in (None, "a.b.c", READER_KEY):
            assert await status(http, url, garbage) == 401
        assert await status(http, url, issuer.token(scope="other")) == 403
        caller = Caller(http, url, {"authorization": f"Bearer {issuer.token()}"})
        assert (await caller.facts("capgo_list_apps"))["items"]
        assert (
            await status(
                http, url, issuer.token(aud=[AUDIENCE, "https://other.example.com"], scope=None, scp=["capgo"])
            )
            == 200
        )
    assert issuer.fetched == 1, "unknown keys do not make it ask again and again"


async def test_tells_clients_where_to_get_a_token(issuer: AuthorizationServer) -> None:
    """A caller without a token is led to the metadata, which names the authorization server."""
    async with server(Service(issuer=Issuer(issuer.url, AUDIENCE, ("capgo",)))) as (http, url):
        body, headers = request("tools/list")
        refused = await http.post(url, json=body, headers=headers)
        assert "/.well-known/oauth-protected-resource/mcp" in refused.headers["www-authenticate"]
        metadata = (await http.get(url.replace("/mcp", "/.well-known/oauth-protected-resource/mcp"))).json()
    assert metadata["resource"] == AUDIENCE
    assert metadata["authorization_servers"] == [issuer.url]
    assert metadata["scopes_supported"] == ["capgo"]


async def test_lets_nobody_in_when_the_issuer_is_another_or_away(issuer: AuthorizationServer) -> None:
    """Metadata that names another issuer is not believed, and without metadata no token is good."""
    localhost = issuer.url.replace("127.0.0.1", "localhost")
    for url in (localhost, "http://127.0.0.1:9"):
        async with server(Service(issuer=Issuer(url, AUDIENCE))) as (http, address):
            assert await status(http, address, issuer.token(iss=url)) == 401
