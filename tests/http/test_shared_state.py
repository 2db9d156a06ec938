"""What replicas share on a real Valkey or Redis server, and what each does while that is away."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import anyio
import anyio.to_thread
import httpx2
import pytest
from valkey.asyncio import Valkey

from capgo_mcp.api.errors import CapgoError, RateLimited
from capgo_mcp.client.bounds import Deadline
from capgo_mcp.client.clock import SystemClock
from capgo_mcp.client.login_limiter import BLOCKED_AT, Trial
from capgo_mcp.config.credentials import NoKey
from capgo_mcp.config.options import SettingsError
from capgo_mcp.config.settings import Settings
from capgo_mcp.http.serve import application
from capgo_mcp.http.settings import HttpSettings
from capgo_mcp.http.shared_limits import ALONE_BUDGET, SHARED_BUDGET, SharedLoginLimiter, SharedPace
from capgo_mcp.http.shared_state import SharedState, SharedTokens
from capgo_mcp.sandbox import ADMIN_KEY, READER_KEY, State, create_app
from tests.support.limits import ENDLESS, GENEROUS
from tests.support.serving import Caller, served, wait_until
from tests.support.valkey import ValkeyServer, valkey_server

SECRET: Final = "a-secret-that-every-replica-knows-0123456789"
CLOCK: Final = SystemClock()
REPLICAS: Final = 3


@pytest.fixture
def server() -> Iterator[ValkeyServer]:
    """A server; its socket stands where the path is short enough for one."""
    with tempfile.TemporaryDirectory() as folder, valkey_server(Path(folder)) as running:
        yield running


@asynccontextmanager
async def replicas(server: ValkeyServer, number: int = REPLICAS) -> AsyncIterator[list[SharedState]]:
    """The shared state as so many processes see it, once they do."""
    async with anyio.create_task_group() as tasks:
        states = [SharedState(server.url, SECRET, CLOCK) for _ in range(number)]
        for state in states:
            tasks.start_soon(state.serve)
        await until(*states, up=True)
        yield states
        tasks.cancel_scope.cancel()
    for state in states:
        await state.aclose()


async def until(*states: SharedState, up: bool) -> None:
    """Return when all see that the server is there, or away."""
    await anyio.to_thread.run_sync(wait_until, lambda: all(state.up is up for state in states))


async def told(*states: SharedState) -> None:
    """Return when all that was noted has been told."""
    await anyio.to_thread.run_sync(wait_until, lambda: not any(state._notes for state in states))  # noqa: SLF001 - nobody else wants to know


def limiter(state: SharedState, address: str = "", processes: int = REPLICAS) -> SharedLoginLimiter:
    """The login limiter of a process."""
    return SharedLoginLimiter(state, address, CLOCK, processes, 60)


async def begun(logins: SharedLoginLimiter, key: bytes, seconds: float = 0.3) -> Trial | None:
    """A trial, if one may begin at once."""
    try:
        return await logins.admit(key, Deadline(CLOCK, seconds))
    except CapgoError:
        return None


async def test_all_replicas_together_try_no_more_keys_than_capgo_bears(server: ValkeyServer) -> None:
    """A wrong key at one replica counts at all, those of another address do not."""
    async with replicas(server) as states:
        here = [limiter(state) for state in states]
        for number in range(SHARED_BUDGET):
            key = bytes([number])
            trial = await begun(here[number % REPLICAS], key, ENDLESS)
            assert trial is not None
            here[number % REPLICAS].refuse(key, trial)
            await told(*states)
        for logins in here:
            with pytest.raises(CapgoError, match="logins_paused"):
                await logins.admit(b"good", Deadline(CLOCK, 30))
        assert await begun(limiter(states[0], "another address"), b"good", ENDLESS)


async def test_a_crowd_at_several_replicas_is_let_in(server: ValkeyServer) -> None:
    """Everybody gets a turn, and no more are tried at the same time than may fail."""
    running = most = done = 0

    async def come(logins: SharedLoginLimiter, key: bytes) -> None:
        nonlocal running, most, done
        trial = await logins.admit(key, Deadline(CLOCK, ENDLESS))
        assert trial is not None
        running += 1
        most = max(most, running)
        await anyio.sleep(0.02)
        running -= 1
        logins.accept(key, [trial])
        done += 1

    async with replicas(server) as states:
        here = [limiter(state) for state in states]
        async with anyio.create_task_group() as tasks:
            for number in range(60):
                tasks.start_soon(come, here[number % REPLICAS], bytes([number]))
    assert done == 60
    assert 1 < most <= SHARED_BUDGET


async def test_a_key_that_one_replica_saw_accepted_is_known_to_all(server: ValkeyServer) -> None:
    """It is known after a restart as well, until Capgo refuses it somewhere."""
    async with replicas(server) as states:
        first, second, third = [limiter(state) for state in states]
        trial = await begun(first, b"key", ENDLESS)
        assert trial is not None
        first.accept(b"key", [trial])
        await told(*states)
        assert await second.admit(b"key", Deadline(CLOCK, 30)) is None
        second.refuse(b"key", None)
        await told(*states)
        assert await third.admit(b"key", Deadline(CLOCK, 30)) is not None


async def test_a_trial_of_a_process_that_died_has_failed(server: ValkeyServer) -> None:
    """What nobody reports is taken for the worst, and not for ever for running."""
    async with replicas(server, 1) as (state,):
        short = SharedLoginLimiter(state, "", CLOCK, 1, 0.05)
        for number in range(SHARED_BUDGET):
            assert await begun(short, bytes([number]), ENDLESS)
        await anyio.sleep(0.1)
        with pytest.raises(CapgoError, match="logins_paused"):
            await short.admit(b"one more", Deadline(CLOCK, 30))


async def test_replicas_keep_to_one_pace(server: ValkeyServer) -> None:
    """The rate holds for a key wherever it calls, and a 429 that one replica got stops it at all."""
    async with replicas(server, 2) as states:
        one, other = [SharedPace(state, b"key", 8, CLOCK) for state in states]
        waits = [await pace.reserve(Deadline(CLOCK, ENDLESS)) for pace in (one, other, one)]
        assert waits[:2] == [0, 0]
        assert waits[2] > 0
        with pytest.raises(RateLimited, match="8 a minute"):
            await other.reserve(Deadline(CLOCK, 1))
        elsewhere = SharedPace(states[1], b"another key", 8, CLOCK)
        assert await elsewhere.reserve(Deadline(CLOCK, 1)) == 0
        SharedPace(states[0], b"another key", 8, CLOCK).hold(40)
        await told(*states)
        with pytest.raises(RateLimited, match="too many calls"):
            await elsewhere.reserve(Deadline(CLOCK, 30))
        assert elsewhere.paused_until > CLOCK.now() + 30


async def test_a_yes_counts_at_one_replica_only(server: ValkeyServer) -> None:
    """A token that was used at one is used at all; while nobody could tell them, none is good."""
    async with replicas(server, 2) as states:
        one, other = [SharedTokens(state, CLOCK) for state in states]
        assert await one.first_use("yes", 60)
        assert not await other.first_use("yes", 60)
        assert await other.is_used("yes")
        assert not await other.is_used("no")
        server.stop()
        assert not await one.first_use("later", 60)
        assert await one.is_used("later")


async def test_without_it_each_replica_has_its_share(server: ValkeyServer) -> None:
    """While the server is away they try no more keys together than Capgo bears, and afterwards all is told."""
    async with replicas(server) as states:
        here = [limiter(state) for state in states]
        trial = await begun(here[0], b"known", ENDLESS)
        assert trial is not None
        here[0].accept(b"known", [trial])
        await told(*states)
        server.stop()
        failed = 0
        for logins in here:
            for number in range(BLOCKED_AT):
                key = bytes([number])
                if trial := await begun(logins, key):
                    logins.refuse(key, trial)
                    failed += 1
        assert failed == ALONE_BUDGET // REPLICAS * REPLICAS
        assert failed + SHARED_BUDGET < BLOCKED_AT
        assert await here[0].admit(b"known", Deadline(CLOCK, 30)) is None
        server.start()  # it has forgotten everything
        await until(*states, up=True)
        await told(*states)
        newcomer = limiter(states[1])
        assert await newcomer.knows(b"known")
        with pytest.raises(CapgoError, match="logins_paused"):
            await newcomer.admit(b"one more", Deadline(CLOCK, 30))


@pytest.mark.parametrize("processes", [11, 64])
async def test_too_many_replicas_try_nothing_alone(server: ValkeyServer, processes: int) -> None:
    """Where a share would be less than one failure, new keys wait until the server is back."""
    server.stop()
    state = SharedState(server.url, SECRET, CLOCK)
    with pytest.raises(CapgoError, match="logins_paused"):
        await limiter(state, processes=processes).admit(b"key", Deadline(CLOCK, 30))
    await state.aclose()


async def test_servers_share_callers_and_say_when_they_cannot(server: ValkeyServer, state: State) -> None:
    """Two servers know each other's callers, no key stands on that server, and readiness tells when it is away."""
    shared = HttpSettings(shared_state=server.url, state_keys=(SECRET,), replicas=2)
    async with httpx2.AsyncClient(timeout=GENEROUS) as http:
        with served(create_app(state)) as capgo:
            settings = Settings(key=NoKey(), url=capgo)
            with served(application(settings, shared)) as one, served(application(settings, shared)) as other:
                await ready(one)
                await ready(other)
                for url, key in ((one, ADMIN_KEY), (other, READER_KEY), (other, ADMIN_KEY)):
                    assert await Caller(http, f"{url}/mcp", {"x-capgo-api-key": key}).facts("capgo_list_apps")
                kept = await everything(server)
                assert sum(b":accepted:" in name for name in kept) == 2
                assert not any(key.encode() in text for key in (ADMIN_KEY, READER_KEY) for text in kept)
                server.stop()
                await ready(one, shared_state="away")
                assert await Caller(http, f"{one}/mcp", {"x-capgo-api-key": READER_KEY}).facts("capgo_list_apps")


async def ready(url: str, **expected: str) -> None:
    """Return when a server says so of itself."""
    answer = {"status": "ok", **expected}
    await anyio.to_thread.run_sync(wait_until, lambda: httpx2.get(f"{url}/readyz").json() == answer)


async def everything(server: ValkeyServer) -> list[bytes]:
    """All names and values on the server."""
    client: Any = Valkey.from_url(server.url)
    try:
        names: list[bytes] = await client.keys("*")
        return names + [await client.dump(name) for name in names]
    finally:
        await client.aclose()


@pytest.mark.parametrize(
    ("flags", "keys", "sentence"),
    [
        ({"shared_state": "http://:secret@valkey"}, SECRET, "must start with one of"),
        ({"shared_state": "redis://:secret@valkey"}, "", "needs CAPGO_MCP_STATE_KEYS"),
        ({"workers": 20}, "", "--shared-state"),
        ({"workers": 2, "replicas": 10}, "", "--shared-state"),
        ({"replicas": 0}, "", "between 1 and"),
    ],
)
def test_refuses_what_could_get_the_address_blocked(flags: dict[str, Any], keys: str, sentence: str) -> None:
    """More processes than Capgo bears failures must share what they know; a password is never repeated."""
    with pytest.raises(SettingsError, match=sentence) as error:
        HttpSettings.read(flags, Settings(key=NoKey()), {"CAPGO_MCP_STATE_KEYS": keys})
    assert "secret" not in str(error.value)
