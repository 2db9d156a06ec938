"""Signing in brings a key from the server that was asked, for this person, or none at all."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.api.errors import CapgoError, KeyMissing, SignInFailed, Unreachable
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.client.sign_in import AuthorizationServer, authorization_server
from capgo_mcp.operations.organizations import ListOrganizations
from capgo_mcp.sandbox import State, create_app, seeded
from tests.support.faulty import EPOCH, VirtualClock
from tests.support.person import CALLBACK, Person, brought
from tests.support.serving import served

AGAINST: Final = "a server that answers in Capgo's place, and another program on this machine"
HOLDS: Final = ("Signing in",)
ATTACKER: Final = "a program on this machine"
ASSET: Final = "the key"
LEAVES: Final = ("Whoever can read this process can read the key",)

CAPGO: Final = "https://capgo.example.com"
RESOURCE: Final = "/.well-known/oauth-protected-resource/mcp"
SERVER: Final = "/.well-known/oauth-authorization-server"
KEY: Final = "5ec4e700-0000-4000-8000-00000000f00d"

Facts = dict[str, Any]
Alter = Callable[[httpx2.Request], httpx2.Response | None]


@pytest.fixture
def url(state: State) -> Iterator[str]:
    """Where a sandbox is served."""
    with served(create_app(state)) as address:
        yield address


async def found(url: str) -> AuthorizationServer:
    """The server at which people sign in there."""
    server = await authorization_server(url, 30)
    assert server
    return server


async def test_person_gets_a_key_that_ends(url: str, clock: VirtualClock) -> None:
    """What comes of it is a key that works, with the moment at which it ends by this machine's clock."""
    server = await found(url)
    asked = await server.ask(CALLBACK)
    issued = await server.redeem(asked, brought(Person().decide(asked.address)), clock)
    assert issued.expires_at
    assert abs(issued.expires_at - EPOCH - timedelta(days=90)) < timedelta(minutes=5)
    async with Capgo(issued.key, url=url) as capgo:
        assert len((await capgo.send(ListOrganizations())).items) == 2
    assert issued.key not in repr(issued)
    assert asked.verifier not in repr(asked)


async def test_consent_page_gets_what_it_needs(url: str) -> None:
    """PKCE with S256, the one scope, the resource, a state and the redirect; nothing that is secret."""
    asked = await (await found(url)).ask(CALLBACK)
    sent = dict(parse_qsl(urlsplit(asked.address).query))
    assert (sent["code_challenge_method"], sent["scope"]) == ("S256", "capgo")
    assert (sent["resource"], sent["redirect_uri"]) == (f"{url}/mcp", CALLBACK)
    assert (sent["state"], len(asked.state) > 40) == (asked.state, True)
    assert asked.verifier not in asked.address
    other = await (await found(url)).ask(CALLBACK)
    assert (other.state, other.verifier) != (asked.state, asked.verifier)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"state": "another"}, "not the answer to what was asked"),
        ({"state": ""}, "not the answer to what was asked"),
        ({"state": "ä"}, "not the answer to what was asked"),
        ({"iss": "https://evil.example.com"}, "not from the server that was asked"),
        ({"iss": None}, "not from the server that was asked"),
        ({"code": "guessed"}, "lasts a minute"),
        ({"code": None, "error": "access_denied"}, "answers no"),
        ({"code": None, "error": "server_error", "error_description": 'Down "now"'}, r"Down \"now\""),
    ],
)
async def test_answer_in_the_browser_is_checked(
    url: str, state: State, clock: VirtualClock, change: Facts, words: str
) -> None:
    """What has another state or another issuer, or is no, brings no key, and only a code is ever sent on."""
    server = await found(url)
    asked = await server.ask(CALLBACK)
    returned: dict[str, Any] = brought(Person().decide(asked.address)) | change
    with pytest.raises(SignInFailed) as caught:
        await server.redeem(asked, {name: text for name, text in returned.items() if text is not None}, clock)
    assert words in caught.value.sentence
    assert len(state.oauth_codes) == 1


async def test_revoked_key_is_gone(url: str, clock: VirtualClock) -> None:
    """Capgo does not know it any more."""
    server = await found(url)
    asked = await server.ask(CALLBACK)
    issued = await server.redeem(asked, brought(Person().decide(asked.address)), clock)
    await server.revoke(issued.key, asked.client_id)
    async with Capgo(issued.key, url=url) as capgo:
        with pytest.raises(CapgoError, match="invalid_apikey"):
            await capgo.send(ListOrganizations())


async def test_too_many_sign_ins_are_told_in_plain_words(url: str) -> None:
    """Capgo's limit is no puzzle, and the other way in is named."""
    server = await found(url)
    for _ in range(20):
        await server.ask(CALLBACK)
    with pytest.raises(SignInFailed, match="slow_down") as caught:
        await server.ask(CALLBACK)
    assert "--paste" in caught.value.hint


async def test_older_capgo_offers_nothing() -> None:
    """What answers 404 is not an error: the user pastes a key."""
    with served(create_app(seeded(behaviour=Behaviour.JULY))) as url:
        assert await authorization_server(url, 30) is None


async def test_nobody_there_is_an_error() -> None:
    """An address where nobody answers is told as one."""
    with pytest.raises(Unreachable):
        await authorization_server("http://127.0.0.1:9", 30)


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> dict[str, httpx2.Response]:
    """What a Capgo answers, by path; a test changes it."""
    endpoints = {f"{name}_endpoint": f"{CAPGO}/{name}" for name in ("authorization", "token", "registration")}
    metadata = {"issuer": CAPGO, **endpoints, "code_challenge_methods_supported": ["S256"]}
    answers = {
        RESOURCE: httpx2.Response(200, json={"resource": f"{CAPGO}/mcp", "authorization_servers": [CAPGO]}),
        SERVER: httpx2.Response(200, json=metadata | {"authorization_response_iss_parameter_supported": True}),
        "/registration": httpx2.Response(201, json={"client_id": "c"}),
        "/token": httpx2.Response(200, json={"access_token": KEY, "token_type": "bearer"}),
    }
    wire = httpx2.MockTransport(lambda request: answers.get(request.url.path, httpx2.Response(404)))
    usual = httpx2.AsyncClient.__init__
    monkeypatch.setattr(httpx2.AsyncClient, "__init__", lambda self, **more: usual(self, **more, transport=wire))
    return answers


def changed(answer: httpx2.Response, **changes: Any) -> httpx2.Response:
    """An answer that says something else."""
    facts = json.loads(answer.content) | changes
    return httpx2.Response(200, json={name: value for name, value in facts.items() if value is not None})


async def test_key_without_an_end_has_none(web: dict[str, httpx2.Response], clock: VirtualClock) -> None:
    """Capgo tells an end only where there is one."""
    server = await found(CAPGO)
    asked = await server.ask(CALLBACK)
    issued = await server.redeem(asked, {"state": asked.state, "iss": CAPGO, "code": "x"}, clock)
    assert (issued.key, issued.expires_at) == (KEY, None)
    assert web


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        (RESOURCE, {"resource": "https://other.example.com/mcp"}),
        (RESOURCE, {"authorization_servers": ["https://other.example.com"]}),
        (SERVER, {"issuer": "https://other.example.com"}),
        (SERVER, {"registration_endpoint": None}),
        (SERVER, {"code_challenge_methods_supported": None}),
        (SERVER, {"code_challenge_methods_supported": ["plain"]}),
        (SERVER, {"authorization_endpoint": "http://capgo.example.com/authorize"}),
        (SERVER, {"token_endpoint": "http://capgo.example.com/token"}),
        (SERVER, {"revocation_endpoint": "http://capgo.example.com/revoke"}),
        (SERVER, {"token_endpoint": None}),
    ],
)
async def test_server_that_cannot_be_trusted_is_refused(
    web: dict[str, httpx2.Response], path: str, changes: Facts
) -> None:
    """Names that do not fit, no PKCE, and endpoints in plain http end it before a browser opens."""
    web[path] = changed(web[path], **changes)
    with pytest.raises(SignInFailed):
        await authorization_server(CAPGO, 30)


@pytest.mark.parametrize(
    "page",
    [
        httpx2.Response(200, text="<!doctype html><title>App</title>"),
        httpx2.Response(302, headers={"location": "https://elsewhere.example.com/"}),
        httpx2.Response(401),
    ],
)
async def test_page_for_everything_offers_nothing(web: dict[str, httpx2.Response], page: httpx2.Response) -> None:
    """A self-hosted front end that answers any path with its page, or a redirect, is not followed or believed."""
    web[RESOURCE] = page
    assert await authorization_server(CAPGO, 30) is None


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_failure_is_not_taken_for_an_older_capgo(web: dict[str, httpx2.Response], status: int) -> None:
    """A Capgo that is down is no Capgo without sign-in."""
    web[RESOURCE] = httpx2.Response(status)
    with pytest.raises(Unreachable):
        await authorization_server(CAPGO, 30)


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.Response(200, text="no JSON"),
        httpx2.Response(200, json={}),
        httpx2.Response(200, json={"access_token": KEY, "token_type": "MAC"}),
        httpx2.Response(200, content=b"x" * 2**17),
        httpx2.Response(400, json=[KEY]),
        httpx2.Response(502, text=KEY),
    ],
)
async def test_odd_answer_instead_of_a_key_is_not_repeated(
    web: dict[str, httpx2.Response], clock: VirtualClock, answer: httpx2.Response
) -> None:
    """Whatever comes in its place is an error in our words, without what was answered."""
    server = await found(CAPGO)
    asked = await server.ask(CALLBACK)
    web["/token"] = answer
    with pytest.raises(SignInFailed) as caught:
        await server.redeem(asked, {"state": asked.state, "iss": CAPGO, "code": "x"}, clock)
    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_what_cannot_be_a_key_is_none(web: dict[str, httpx2.Response], clock: VirtualClock) -> None:
    """A token of another form is not saved as a key."""
    server = await found(CAPGO)
    asked = await server.ask(CALLBACK)
    web["/token"] = httpx2.Response(200, json={"access_token": "two words", "token_type": "Bearer"})
    with pytest.raises(KeyMissing):
        await server.redeem(asked, {"state": asked.state, "iss": CAPGO, "code": "x"}, clock)


async def test_server_without_revocation_says_so(web: dict[str, httpx2.Response]) -> None:
    """Then the key has to be deleted by hand."""
    with pytest.raises(SignInFailed, match="does not revoke"):
        await (await found(CAPGO)).revoke(KEY, "c")
    assert web
