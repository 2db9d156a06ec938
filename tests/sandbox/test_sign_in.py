"""The authorization server of the sandbox behaves as Capgo's does."""

import base64
import hashlib
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx2
import pytest

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.sandbox import ADMIN_KEY, State, seeded
from capgo_mcp.sandbox.seed.people import HARBOR, LIGHTHOUSE
from tests.support.caller import Caller, code
from tests.support.person import request_of
from tests.support.recorded_world import Clock

ORIGIN: Final = "https://sandbox.example.com"
REDIRECT: Final = "http://127.0.0.1:4711/callback"
VERIFIER: Final = "v" * 64
CHALLENGE: Final = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")

Facts = dict[str, Any]


class Client:
    """A client that somebody signs in with."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._caller = Caller(state)
        self.client_id = ""

    async def ask(self, what: str, sent: Any = None, form: Facts | None = None) -> httpx2.Response:
        """Ask as nobody in particular."""
        if form is None:
            return await self._caller.ask(what, sent, key=None)
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return await self._caller.ask(what, key=None, headers=headers, content=urlencode(form, doseq=True))

    async def register(self, *redirects: str) -> httpx2.Response:
        """Become known."""
        sent = {"client_name": "capgo-mcp", "redirect_uris": list(redirects or [REDIRECT])}
        answer = await self.ask("POST /mcp/oauth/register", sent)
        self.client_id = answer.json().get("client_id", "")
        return answer

    async def authorize(self, **changes: str) -> httpx2.Response:
        """Open the consent page."""
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": REDIRECT,
            "state": "s",
            "scope": "capgo",
            "resource": f"{ORIGIN}/mcp",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        return await self.ask("GET /mcp/oauth/authorize", query | changes)

    async def consent(self, *orgs: str, answer: str = "allow") -> httpx2.Response:
        """Open the consent page and press a button."""
        form = {"request": request_of((await self.authorize()).text), "org": list(orgs), "answer": answer}
        return await self.ask("POST /mcp/oauth/consent", form=form)

    async def code(self) -> str:
        """A fresh code."""
        return brought(await self.consent(LIGHTHOUSE))["code"]

    async def token(self, code: str, **changes: str) -> httpx2.Response:
        """Exchange a code."""
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER, "redirect_uri": REDIRECT}
        return await self.ask("POST /mcp/oauth/token", form=form | {"client_id": self.client_id} | changes)


def brought(answer: httpx2.Response) -> dict[str, str]:
    """What a redirect brings back to the client."""
    assert answer.status_code == 303
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


@pytest.fixture
def client(clock: Clock) -> Client:
    """A client of a fresh sandbox."""
    return Client(seeded(clock))


async def test_discovery_leads_from_the_resource_to_the_endpoints(client: Client) -> None:
    """The resource names its server, and that names its endpoints, PKCE and `iss`."""
    resource = (await client.ask("GET /.well-known/oauth-protected-resource/mcp")).json()
    assert (resource["resource"], resource["authorization_servers"]) == (f"{ORIGIN}/mcp", [ORIGIN])
    server = (await client.ask("GET /.well-known/oauth-authorization-server")).json()
    assert server["issuer"] == ORIGIN
    assert server["registration_endpoint"] == f"{ORIGIN}/mcp/oauth/register"
    assert server["code_challenge_methods_supported"] == ["S256"]
    assert server["authorization_response_iss_parameter_supported"] is True


async def test_july_has_no_such_server(clock: Clock) -> None:
    """An older Capgo answers 404 to all of it."""
    old = Client(seeded(clock, Behaviour.JULY))
    for what in ("GET /.well-known/oauth-protected-resource/mcp", "POST /mcp/oauth/token"):
        assert code(await old.ask(what)) == (404, "not_found")


async def test_code_brings_a_key_for_the_organizations_that_were_picked(client: Client) -> None:
    """The token is an API key: named after the client, for those organizations only, with an end in 90 days."""
    await client.register()
    back = brought(await client.consent(HARBOR))
    assert (back["state"], back["iss"]) == ("s", ORIGIN)
    answer = (await client.token(back["code"])).json()
    assert (answer["token_type"], answer["scope"], answer["expires_in"]) == ("Bearer", "capgo", 90 * 86400)
    rows = (await Caller(client.state).ask("GET /organization", key=answer["access_token"])).json()
    assert [row["id"] for row in rows] == [HARBOR]
    names = [row["name"] for row in (await Caller(client.state).ask("GET /apikey", key=ADMIN_KEY)).json()]
    assert "MCP · capgo-mcp" in names


async def test_key_ends_by_itself(client: Client, clock: Clock) -> None:
    """After 90 days it is as any key that is over."""
    await client.register()
    key = (await client.token(await client.code())).json()["access_token"]
    clock.time += 90 * 86400
    assert code(await Caller(client.state).ask("GET /organization", key=key)) == (401, "invalid_apikey")


async def test_no_brings_an_error_and_no_organization_asks_again(client: Client) -> None:
    """A decline goes back to the client; a yes to nothing shows the page again."""
    await client.register()
    back = brought(await client.consent(LIGHTHOUSE, answer="deny"))
    assert (back["error"], back["state"], back["iss"]) == ("access_denied", "s", ORIGIN)
    again = await client.consent()
    assert again.is_success
    assert "Pick at least one organization" in again.text


async def test_code_counts_once_and_for_a_minute(client: Client, clock: Clock) -> None:
    """A used code and an old one are refused, in the words of OAuth."""
    await client.register()
    used = await client.code()
    assert (await client.token(used)).is_success
    assert code(await client.token(used)) == (400, "invalid_grant")
    old = await client.code()
    clock.time += 61
    assert code(await client.token(old)) == (400, "invalid_grant")


@pytest.mark.parametrize("wrong", ["code_verifier", "client_id", "redirect_uri"])
async def test_code_is_for_whoever_asked(client: Client, wrong: str) -> None:
    """Another verifier, client or redirect gets nothing, and the code is spent."""
    await client.register()
    fresh = await client.code()
    assert code(await client.token(fresh, **{wrong: "x"})) == (400, "invalid_grant")
    assert code(await client.token(fresh)) == (400, "invalid_grant")


async def test_failed_exchanges_count_as_failed_logins(client: Client) -> None:
    """Twenty of them block the address, for keys as well."""
    await client.register()
    for _ in range(20):
        await client.token("guessed")
    assert code(await client.token("guessed")) == (429, "too_many_requests")
    assert code(await Caller(client.state).ask("GET /organization")) == (429, "too_many_requests")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"resource": "https://team.example.com/mcp"}, "invalid_target"),
    ],
)
async def test_wrong_request_goes_back_to_the_client(client: Client, changes: dict[str, str], error: str) -> None:
    """Without PKCE, with another scope or for another resource there is no consent page."""
    await client.register()
    assert brought(await client.authorize(**changes))["error"] == error


@pytest.mark.parametrize("changes", [{"client_id": "x"}, {"redirect_uri": "https://elsewhere.example.com/"}])
async def test_unknown_client_or_redirect_is_told_to_the_person(client: Client, changes: dict[str, str]) -> None:
    """Nobody is sent to an address that was not registered."""
    await client.register()
    answer = await client.authorize(**changes)
    assert answer.status_code == 400
    assert "not known here" in answer.text


async def test_loopback_may_have_any_port(client: Client) -> None:
    """A program takes the port that is free; host and path are as registered."""
    await client.register()
    assert (await client.authorize(redirect_uri="http://127.0.0.1:5000/callback")).is_success
    assert (await client.authorize(redirect_uri="http://127.0.0.1:5000/other")).status_code == 400
    assert (await client.authorize(redirect_uri="http://localhost:4711/callback")).status_code == 400


@pytest.mark.parametrize(
    "redirect",
    ["http://example.com/", "https://example.com/#x", "javascript:x", "/callback", "", "http://[", "https://"],
)
async def test_redirects_to_nowhere_safe_are_refused(client: Client, redirect: str) -> None:
    """Plain http to another machine, fragments and scripts cannot be registered; a private scheme can."""
    assert code(await client.register(redirect)) == (400, "invalid_redirect_uri")
    assert (await client.register("com.example.app:/callback")).status_code == 201


async def test_registrations_and_pages_are_limited(client: Client) -> None:
    """Twenty registrations an hour, sixty pages in ten minutes; then it is told to slow down."""
    for _ in range(20):
        assert (await client.register()).status_code == 201
    for _ in range(60):
        assert (await client.authorize(client_id="x")).status_code == 400
    assert code(await client.authorize()) == (429, "slow_down")
    assert code(await client.register()) == (429, "slow_down")


async def test_old_page_says_so(client: Client, clock: Clock) -> None:
    """A page is good for ten minutes."""
    await client.register()
    form = {"request": request_of((await client.authorize()).text), "org": LIGHTHOUSE, "answer": "allow"}
    clock.time += 601
    assert (await client.ask("POST /mcp/oauth/consent", form=form)).status_code == 400


async def test_revoking_deletes_keys_that_were_made_here(client: Client) -> None:
    """Such a key is gone; another one stays, and the answer is the same."""
    await client.register()
    key = (await client.token(await client.code())).json()["access_token"]
    for token in (key, ADMIN_KEY, "nothing"):
        assert (await client.ask("POST /mcp/oauth/revoke", form={"token": token})).status_code == 200
    assert code(await Caller(client.state).ask("GET /organization", key=key)) == (401, "invalid_apikey")
    assert (await Caller(client.state).ask("GET /organization", key=ADMIN_KEY)).is_success


async def test_token_takes_json_as_well(client: Client) -> None:
    """A form or a JSON object, as the client likes."""
    await client.register()
    sent = {"grant_type": "authorization_code", "code": await client.code(), "code_verifier": VERIFIER}
    sent |= {"client_id": client.client_id, "redirect_uri": REDIRECT}
    assert (await client.ask("POST /mcp/oauth/token", sent)).json()["token_type"] == "Bearer"
    assert code(await client.ask("POST /mcp/oauth/token", {"grant_type": "x"})) == (400, "unsupported_grant_type")
