"""The keys of an authorization server: new ones count, withdrawn ones end, and an outage ends neither."""

from collections.abc import Iterator

import jwt
import pytest

from capgo_mcp.http.issuer_keys import COOLDOWN, FRESH, STALE, IssuerKeys
from tests.support.faulty import VirtualClock
from tests.support.issuer import AuthorizationServer, new_key
from tests.support.serving import served


@pytest.fixture
def issuer() -> Iterator[AuthorizationServer]:
    """An authorization server with one key."""
    one = AuthorizationServer()
    with served(one.app()) as url:
        one.url = url
        yield one


@pytest.fixture
async def keys(issuer: AuthorizationServer, clock: VirtualClock) -> IssuerKeys:
    """Its keys, read once."""
    found = IssuerKeys(issuer.url, clock)
    assert isinstance(await found.named("one"), jwt.PyJWK)
    return found


async def known(keys: IssuerKeys, name: object) -> bool:
    """Whether a key is there."""
    try:
        await keys.named(name)
    except ValueError:
        return False
    return True


async def test_a_new_key_counts(issuer: AuthorizationServer, keys: IssuerKeys, clock: VirtualClock) -> None:
    """A key that is published later is found half a minute after the last look."""
    issuer.keys["two"] = new_key()
    assert not await known(keys, "two")
    clock.advance(COOLDOWN)
    assert await known(keys, "two")
    assert await known(keys, "one")
    assert issuer.fetched == 2


async def test_a_withdrawn_key_ends(issuer: AuthorizationServer, keys: IssuerKeys, clock: VirtualClock) -> None:
    """A key that is no longer published ends within five minutes."""
    issuer.keys = {"two": new_key()}
    clock.advance(FRESH)
    assert await known(keys, "one")
    clock.advance(1)
    assert not await known(keys, "one")
    assert FRESH <= 300


async def test_unknown_names_cost_one_look(issuer: AuthorizationServer, keys: IssuerKeys, clock: VirtualClock) -> None:
    """However many tokens name keys that nobody knows, the issuer is asked twice a minute at most."""
    for number in range(50):
        assert not await known(keys, f"key {number}")
    assert issuer.fetched == 1
    clock.advance(COOLDOWN)
    for number in range(50):
        assert not await known(keys, f"key {number}")
    assert issuer.fetched == 2
    assert not await known(keys, None)
    assert not await known(keys, ["one"])


async def test_an_outage_of_the_issuer_ends_nothing_for_an_hour(
    issuer: AuthorizationServer, keys: IssuerKeys, clock: VirtualClock
) -> None:
    """While the issuer does not answer, the keys it had go on to count; after an hour they do not."""
    issuer.away = True
    clock.advance(STALE)
    assert await known(keys, "one")
    clock.advance(1)
    assert not await known(keys, "one")
    issuer.away = False
    clock.advance(COOLDOWN)
    assert await known(keys, "one")


@pytest.mark.parametrize("scheme", ["ftp", "file"])
async def test_keys_are_read_like_their_metadata(issuer: AuthorizationServer, clock: VirtualClock, scheme: str) -> None:
    """Metadata cannot lead to keys that come in a less safe way than itself."""
    issuer.keys_at = f"{scheme}{issuer.url.removeprefix('http')}/keys"
    assert not await known(IssuerKeys(issuer.url, clock), "one")
    assert issuer.fetched == 0
