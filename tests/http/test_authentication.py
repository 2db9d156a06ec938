"""Where a team's server wants tokens, only one opens it that its file or its authorization server vouches for."""

import hashlib
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from capgo_mcp.client.key import StaticKey
from capgo_mcp.commands.cli import main
from capgo_mcp.config.options import SettingsError
from capgo_mcp.config.settings import Settings
from capgo_mcp.http.authentication import TokenFile, guard, new_token
from capgo_mcp.http.serve import application
from capgo_mcp.http.settings import HttpSettings, Issuer
from capgo_mcp.sandbox import READER_KEY
from tests.support.issuer import AUDIENCE, AuthorizationServer, new_key
from tests.support.limits import GENEROUS
from tests.support.serving import Caller, request, served

AGAINST: Final = "whoever has no token, or one that was made up, withdrawn, or meant for another server"
ATTACKER: Final = "another caller"
ASSET: Final = "the account"


@asynccontextmanager
async def server(told: HttpSettings) -> AsyncIterator[tuple[httpx2.AsyncClient, str]]:
    """The server over the sandbox with a key of its own, and a client to call it with."""
    settings = Settings(key=StaticKey(READER_KEY), sandbox=True)
    with served(application(settings, told)) as url:
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
    async with server(HttpSettings(tokens=path)) as (http, url):
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
        guard(HttpSettings(tokens=path))
    assert "secret" not in str(error.value)


def test_makes_tokens_on_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    """--new-token prints a token and the line that belongs to it."""
    assert main(["http", "--new-token", "ada"]) == 0
    shown, line = [printed.split()[-1] for printed in capsys.readouterr().out.splitlines()]
    assert line == f"ada:{hashlib.sha256(shown.encode()).hexdigest()}"


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
    "another signature": {"key": new_key()},
    "an unknown key": {"kid": "two"},
    "no name of a key": {"kid": None},
    "a shared secret": {"key": "x" * 64, "alg": "HS256"},
    "no signature": {"key": None, "alg": "none"},
}


async def test_lets_in_whom_an_authorization_server_sends(issuer: AuthorizationServer) -> None:
    """A good token opens; one that is wrong in any way does not, nor does one without the scope."""
    async with server(HttpSettings(issuer=Issuer(issuer.url, AUDIENCE, ("capgo",)))) as (http, url):
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


ODD: Final[dict[str, Any]] = {
    "expires never": {"exp": float("inf")},
    "expires when nobody lives": {"exp": 10**18},
    "expires beyond all numbers": {"exp": 10**400},
    "expires in words": {"exp": "tomorrow"},
    "expires as a list": {"exp": [1]},
    "expires as a truth": {"exp": True},
    "not before in words": {"nbf": "today"},
    "made in words": {"iat": {}},
    "subject is a number": {"sub": 7},
    "subject is nothing": {"sub": ""},
    "subject is an object": {"sub": {"name": "ada"}},
    "subject is a novel": {"sub": "a" * 5000},
    "audience is a number": {"aud": 7},
    "audience is odd in parts": {"aud": [AUDIENCE, 7]},
    "issuer is a list": {"iss": ["https://id.example.com"]},
    "scope is a number": {"scope": 7},
    "scope is odd in parts": {"scope": ["capgo", 7]},
    "scope is an object": {"scp": {"capgo": True}, "scope": None},
    "client is an object": {"client_id": {}},
    "party is a list": {"azp": ["x"]},
}


async def test_odd_claims_let_nobody_in(issuer: AuthorizationServer, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever a signed token holds, the answer is 401, and no failure of the server."""
    good = {"iss": issuer.url, "aud": AUDIENCE, "sub": "ada", "exp": int(time.time()) + 60, "scope": "capgo"}
    odd = {what: issuer.signed(json.dumps(good | claims).encode()) for what, claims in ODD.items()}
    odd |= {"deep": issuer.signed(b'{"a":' * 9000 + b"1" + b"}" * 9000), "a list": issuer.signed(b"[]")}
    odd |= {"no JSON": issuer.signed(b"{"), "no text": issuer.signed(b'{"sub":"\xff"}')}
    async with server(HttpSettings(issuer=Issuer(issuer.url, AUDIENCE, ("capgo",)))) as (http, url):
        met = {what: await status(http, url, token) for what, token in odd.items()}
        assert await status(http, url, issuer.signed(json.dumps(good).encode())) == 200
    assert met == dict.fromkeys(odd, 401)
    assert not [record for record in caplog.records if record.exc_info]


def challenge(answer: httpx2.Response) -> str:
    """How a caller who is not let in is told what to bring."""
    return str(answer.headers["www-authenticate"])


@pytest.mark.parametrize("path", ["/mcp", "/mcp/"])
async def test_tells_clients_where_to_get_a_token(issuer: AuthorizationServer, path: str) -> None:
    """A caller without a good token is led to the metadata, which names the issuer, and told the scopes."""
    async with server(HttpSettings(issuer=Issuer(issuer.url, AUDIENCE, ("capgo", "deploy")))) as (http, url):
        address = url.replace("/mcp", path)
        body, headers = request("tools/list")
        for token, code in ((None, 401), ("wrong", 401), (issuer.token(scope="capgo"), 403)):
            own = {} if token is None else {"authorization": f"Bearer {token}"}
            refused = await http.post(address, json=body, headers=headers | own)
            assert refused.status_code == code
            assert f"{AUDIENCE.removesuffix('/mcp')}/.well-known/oauth-protected-resource/mcp" in challenge(refused)
            assert challenge(refused).endswith(', scope="capgo deploy"')
        metadata = (await http.get(url.replace("/mcp", "/.well-known/oauth-protected-resource/mcp"))).json()
    assert metadata["resource"] == AUDIENCE
    assert metadata["authorization_servers"] == [issuer.url]
    assert metadata["scopes_supported"] == ["capgo", "deploy"]


async def test_a_key_of_ones_own_does_not_replace_the_token(issuer: AuthorizationServer) -> None:
    """Where a token opens the server, who comes with a Capgo key alone is told to get a token."""
    async with server(HttpSettings(issuer=Issuer(issuer.url, AUDIENCE))) as (http, url):
        body, headers = request("tools/list")
        refused = await http.post(url, json=body, headers=headers | {"x-capgo-api-key": READER_KEY})
    assert refused.status_code == 401
    assert "resource_metadata=" in challenge(refused)
    assert "scope=" not in challenge(refused)


async def test_a_file_of_tokens_leads_nowhere(tokens: tuple[Path, str]) -> None:
    """Where tokens come from a file, there is nothing to be got by protocol: the challenge names no metadata."""
    async with server(HttpSettings(tokens=tokens[0])) as (http, url):
        body, headers = request("tools/list")
        refused = await http.post(url, json=body, headers=headers)
    assert challenge(refused).startswith("Bearer ")
    assert "resource_metadata" not in challenge(refused)


async def test_lets_nobody_in_when_the_issuer_is_another_or_away(issuer: AuthorizationServer) -> None:
    """Metadata that names another issuer is not believed, and without metadata no token is good."""
    localhost = issuer.url.replace("127.0.0.1", "localhost")
    for url in (localhost, "http://127.0.0.1:9"):
        async with server(HttpSettings(issuer=Issuer(url, AUDIENCE))) as (http, address):
            assert await status(http, address, issuer.token(iss=url)) == 401
