"""Each caller of a team's server acts with the key they bring and sees what is theirs; other doors stay shut."""

import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from starlette.types import Receive, Scope, Send

from capgo_mcp.client.key import KeySource, StaticKey
from capgo_mcp.config.credentials import KeyFile, NoKey
from capgo_mcp.config.options import SettingsError
from capgo_mcp.config.settings import Settings
from capgo_mcp.http.connections import LONGEST_BODY
from capgo_mcp.http.serve import application
from capgo_mcp.http.settings import HttpSettings
from capgo_mcp.sandbox import ADMIN_KEY, READER_KEY, Limits, State, create_app
from capgo_mcp.sandbox.rights import binding
from capgo_mcp.sandbox.rows import new_app, new_key, new_org
from capgo_mcp.sandbox.seed.people import DEMO_APP, MIRA
from tests.support.limits import GENEROUS
from tests.support.serving import LEGACY, MODERN, Caller, request, served

AGAINST: Final = "another caller, and a web page that was led to the server"
ATTACKER: Final = "another caller"
ASSET: Final = "the key"

CALLERS: Final = 200

each_era = pytest.mark.parametrize("era", [LEGACY, MODERN])


@dataclass
class Team:
    """A Capgo, the server in front of it, and a way to call."""

    state: State
    url: str
    http: httpx2.AsyncClient

    def caller(self, key: str | None = None, era: str = MODERN, **headers: str) -> Caller:
        """Someone with a key, or with other headers."""
        own = {} if key is None else {"x-capgo-api-key": key}
        return Caller(self.http, f"{self.url}/mcp", own | headers, era)


@pytest.fixture
def upstream(state: State) -> Iterator[str]:
    """The address of a sandbox without limits."""
    state.limits = Limits(key_window=0, device_window=0, same_channel_window=0, address_window=0)
    with served(create_app(state)) as url:
        yield url


@pytest.fixture
async def team(state: State, upstream: str) -> AsyncIterator[Team]:
    """The server, for callers who bring their own key."""
    settings = Settings(key=NoKey(), url=upstream, rate=100_000)
    with served(application(settings, HttpSettings())) as url:
        async with httpx2.AsyncClient(timeout=GENEROUS, limits=httpx2.Limits(max_connections=20)) as http:
            yield Team(state, url, http)


@each_era
async def test_serves_a_caller_with_its_own_key(team: Team, era: str) -> None:
    """A call is made with the key in X-Capgo-Api-Key, and with that key's rights."""
    admin, reader = team.caller(ADMIN_KEY, era), team.caller(READER_KEY, era)
    assert len((await admin.facts("capgo_list_apps"))["items"]) > len((await reader.facts("capgo_list_apps"))["items"])
    assert (await admin.facts("capgo_set_channel", app_id=DEMO_APP, channel="beta", allow_emulator=False))["done"]
    error = await reader.error("capgo_set_channel", app_id=DEMO_APP, channel="beta", allow_device=False)
    assert error.startswith("[")


async def test_takes_a_bearer_token_for_the_key(team: Team) -> None:
    """Where no other authentication is set, clients that can only send a bearer token send the key as one."""
    caller = team.caller(authorization=f"Bearer {ADMIN_KEY}")
    assert (await caller.facts("capgo_list_apps"))["items"]


@each_era
@pytest.mark.parametrize("key", [None, "", "not a key"])
async def test_tells_a_caller_without_a_key_what_to_send(team: Team, era: str, key: str | None) -> None:
    """The tools are listed, and a call says which header is missing."""
    caller = team.caller(key, era)
    assert (await caller.ask("tools/list"))["result"]["tools"]
    error = await caller.error("capgo_list_apps")
    assert error.startswith("[no_key] ")
    assert "X-Capgo-Api-Key" in error


def _plant(state: State, number: int) -> tuple[str, str, bool]:
    """An organization of its own with one app and one key; every other key may write."""
    org = new_org(state, f"Org {number}", MIRA)
    app_id = f"com.caller{number}.app"
    state.orgs[org["id"]] = org
    state.apps[app_id] = new_app(state, app_id, f"App {number}", org["id"], MIRA)
    writes = number % 2 == 0
    rights = [binding("org_super_admin" if writes else "apikey_org_reader", org["id"])]
    rights += [] if writes else [binding("app_reader", org["id"], app_id)]
    key = new_key(state, f"Key {number}", f"ca11e400-0000-4000-8000-{number:012d}", MIRA, rights)
    state.keys[key["id"]] = key
    return key["key"], app_id, writes


async def test_keeps_hundreds_of_interleaved_callers_apart(team: Team) -> None:
    """Whatever comes in between, every answer is about the caller's own app, and done with the caller's own rights."""
    planted = [_plant(team.state, number) for number in range(CALLERS)]
    order = random.Random(7)  # noqa: S311 - shuffles, guards no secret

    async def visit(key: str, app_id: str, *, writes: bool) -> None:
        caller = team.caller(key, order.choice([LEGACY, MODERN]))
        result = await caller.call("capgo_update_app", app_id=app_id, name=f"Mine {app_id}")
        assert bool(result.get("isError")) is not writes
        await anyio.sleep(order.random() / 10)
        apps = (await caller.facts("capgo_list_apps"))["items"]
        assert [app["app_id"] for app in apps] == [app_id]

    async with anyio.create_task_group() as tasks:
        for key, app_id, writes in planted:
            tasks.start_soon(lambda *one: visit(one[0], one[1], writes=one[2]), key, app_id, writes)
    for _, app_id, writes in planted:
        assert (team.state.apps[app_id]["name"] == f"Mine {app_id}") is writes


async def test_wrong_keys_of_some_do_not_shut_out_all(team: Team) -> None:
    """Capgo sees too few wrong keys to block the server; who was let in before stays, who comes new has to wait."""
    known = team.caller(ADMIN_KEY)
    await known.facts("capgo_list_apps")
    wrong = [team.caller(f"bad00000-0000-4000-8000-{number:012d}") for number in range(30)]
    codes: list[str] = []

    async def fail(caller: Caller) -> None:
        codes.append((await caller.error("capgo_list_apps")).split("]")[0].strip("["))

    async with anyio.create_task_group() as tasks:
        for caller in wrong:
            tasks.start_soon(fail, caller)
    assert 12 <= codes.count("invalid_apikey") < 20
    assert set(codes) == {"invalid_apikey", "logins_paused"}
    assert await wrong[0].error("capgo_list_apps")
    assert (await team.caller(READER_KEY).error("capgo_list_apps")).startswith("[logins_paused] ")
    assert (await team.caller().error("capgo_list_apps")).startswith("[no_key] ")
    assert (await known.facts("capgo_list_apps"))["items"]


async def test_callers_share_the_connections_to_capgo(state: State) -> None:
    """A hundred people who call in turn need no more than one new connection for ten calls."""
    ports: set[int] = set()
    sandbox = create_app(state)

    async def upstream(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            ports.add(scope["client"][1])
        await sandbox(scope, receive, send)

    planted = [_plant(state, number)[0] for number in range(100)]
    with (
        served(upstream) as capgo,
        served(application(Settings(key=NoKey(), url=capgo, rate=100_000), HttpSettings())) as url,
    ):
        async with httpx2.AsyncClient(timeout=GENEROUS) as http:
            for key in planted:
                caller = Caller(http, f"{url}/mcp", {"x-capgo-api-key": key})
                assert (await caller.facts("capgo_list_apps"))["items"]
    assert len(ports) <= len(planted) / 10


@each_era
async def test_a_slash_at_the_end_is_no_other_address(team: Team, era: str) -> None:
    """`/mcp/` is answered like `/mcp`, since a redirect would lead a client behind a front away from https."""
    caller = Caller(team.http, f"{team.url}/mcp/", {"x-capgo-api-key": ADMIN_KEY}, era)
    assert (await caller.facts("capgo_list_apps"))["items"]
    for path in ("/mcp/", "/healthz/", "/nowhere/"):
        assert not (await team.http.get(f"{team.url}{path}")).has_redirect_location


async def test_tells_why_an_older_client_cannot_be_asked(state: State, upstream: str) -> None:
    """With --ask, a client of the older protocol reads that it is the way it speaks, and nothing is deleted."""
    with served(application(Settings(key=NoKey(), url=upstream, ask=True), HttpSettings())) as url:
        async with httpx2.AsyncClient(timeout=GENEROUS) as http:
            caller = Caller(http, f"{url}/mcp", {"x-capgo-api-key": ADMIN_KEY}, LEGACY)
            error = await caller.error("capgo_delete_channel", app_id=DEMO_APP, channel="qa", confirm=True)
    assert error.startswith("[consent_no_way_to_ask] ")
    assert "clients that speak MCP 2026-07-28 or later" in error
    assert state.channel_named(DEMO_APP, "qa")


@each_era
async def test_speaks_to_real_clients(team: Team, era: str) -> None:
    """The SDK's client shakes hands, lists and calls, in the era it prefers and in the one before."""
    async with httpx2.AsyncClient(headers={"x-capgo-api-key": ADMIN_KEY}, timeout=GENEROUS) as http:
        transport = streamable_http_client(f"{team.url}/mcp", http_client=http)
        async with Client(transport, mode="auto" if era == MODERN else "legacy") as client:
            assert client.protocol_version == era
            assert (await client.list_tools()).tools
            assert not (await client.call_tool("capgo_get_app", {"app_id": DEMO_APP})).is_error


async def test_probes_answer_without_asking_capgo() -> None:
    """The process lives and can serve although Capgo cannot be reached."""
    settings = Settings(key=NoKey(), url="http://127.0.0.1:9")
    with served(application(settings, HttpSettings())) as url:
        async with httpx2.AsyncClient() as http:
            for probe in ("healthz", "readyz"):
                answer = await http.get(f"{url}/{probe}")
                assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"host": "evil.example.com"}, 421),
        ({"origin": "https://evil.example.com"}, 403),
        ({"origin": "http://localhost:6274"}, 200),
        ({"content-type": "text/plain"}, 400),
        ({"accept": "text/html"}, 406),
    ],
)
async def test_checks_where_a_request_comes_from(team: Team, headers: dict[str, str], status: int) -> None:
    """A page that was led here by a name of its own, or comes from elsewhere, is turned away."""
    body, needed = request("tools/list")
    answer = await team.http.post(f"{team.url}/mcp", json=body, headers=needed | headers)
    assert answer.status_code == status


async def test_lets_in_the_names_and_pages_it_was_told() -> None:
    """--allowed-hosts and --allowed-origins open the door for exactly those, and browsers are told so."""
    reached = HttpSettings(names=("mcp.example.com",), pages=("https://chat.example.com",))
    origin = {"origin": "https://chat.example.com", "host": "mcp.example.com"}
    body, headers = request("tools/list")
    with served(application(Settings(key=NoKey()), reached)) as url:
        async with httpx2.AsyncClient(base_url=url) as http:
            answer = await http.post("/mcp", json=body, headers=headers | origin)
            assert answer.status_code == 200
            assert answer.headers["access-control-allow-origin"] == origin["origin"]
            asked = {"access-control-request-method": "POST", "access-control-request-headers": "x-capgo-api-key"}
            assert (await http.options("/mcp", headers=asked | origin)).status_code == 200
            asked["origin"] = "https://evil.example.com"
            assert (await http.options("/mcp", headers=asked)).status_code == 400


async def test_refuses_what_is_too_long_or_no_call(team: Team) -> None:
    """A long body is not read, nor is a stream opened at which nothing would ever come."""
    _, headers = request("tools/list")
    long = await team.http.post(f"{team.url}/mcp", content=b" " * (LONGEST_BODY + 1), headers=headers)
    assert long.status_code == 413
    for method in ("GET", "DELETE", "PUT"):
        assert (await team.http.request(method, f"{team.url}/mcp", headers=headers)).status_code == 405


KEY: Final = StaticKey(ADMIN_KEY)
TOKENS: Final = {"bearer_tokens": "tokens"}
ISSUER: Final = {"oauth_issuer": "https://id.example.com", "oauth_audience": "https://mcp.example.com/mcp"}
ANYWHERE: Final = {"host": "0.0.0.0"}  # noqa: S104 - the point of the test
NAMED: Final = {"allowed_hosts": "mcp.example.com"}


@pytest.mark.parametrize(
    ("flags", "key", "sentence"),
    [
        ({}, KEY, "CAPGO_API_KEY would serve whoever calls"),
        ({}, KeyFile(Path("key")), "CAPGO_API_KEY would serve whoever calls"),
        (ANYWHERE, NoKey(), "anyone in the network can call"),
        ({"host": "192.168.1.5"}, NoKey(), "anyone in the network can call"),
        (ANYWHERE | NAMED, NoKey(), "anyone in the network can call"),
        (ANYWHERE | NAMED | {"public": True}, KEY, "CAPGO_API_KEY would serve whoever calls"),
        (ANYWHERE | {"public": True}, NoKey(), "must know its names"),
        (ANYWHERE | TOKENS, KEY, "must know its names"),
        (TOKENS | ISSUER, KEY, "exclude each other"),
        ({"oauth_issuer": "https://id.example.com"}, NoKey(), "need each other"),
        (ISSUER | {"oauth_issuer": "http://id.example.com"}, NoKey(), "starts with https://"),
        (ISSUER | {"oauth_audience": "mcp"}, NoKey(), "starts with https://"),
        ({"port": 70000}, NoKey(), "between 0 and 65535"),
        ({"workers": 0}, NoKey(), "between 1 and 64"),
    ],
)
def test_refuses_to_stand_open(flags: dict[str, Any], key: KeySource, sentence: str) -> None:
    """Settings that would let in whoever finds the server are told in one sentence, before it listens."""
    with pytest.raises(SettingsError, match=sentence):
        HttpSettings.read(flags, Settings(key=key), {})


@pytest.mark.parametrize(
    ("flags", "key"),
    [
        ({}, NoKey()),
        ({"host": "::1"}, NoKey()),
        (TOKENS, KEY),
        (ISSUER, KEY),
        (ANYWHERE | NAMED | {"public": True}, NoKey()),
        (ANYWHERE | NAMED | TOKENS, KEY),
        (ANYWHERE | NAMED | ISSUER, KeyFile(Path("key"))),
        ({"host": "192.168.1.5", "public": True}, NoKey()),
    ],
)
def test_stands_open_where_somebody_checks(flags: dict[str, Any], key: KeySource) -> None:
    """On this machine, behind tokens, or for callers with keys of their own where a user said so."""
    assert HttpSettings.read(flags, Settings(key=key), {}).host == flags.get("host", "127.0.0.1")


@pytest.mark.parametrize("keys", ["short", "x" * 32 + "," + "x" * 32])
def test_takes_only_good_secrets(keys: str) -> None:
    """A secret that can be guessed, or stands twice, is refused without repeating it."""
    with pytest.raises(SettingsError, match="at least 32 characters") as error:
        HttpSettings.read({}, Settings(key=NoKey()), {"CAPGO_MCP_STATE_KEYS": keys})
    assert keys not in str(error.value)
