"""The key goes to an address that nobody can listen to, and calls have limits that make sense."""

from typing import Any, Final

import pytest

from capgo_mcp.config.options import SettingsError
from capgo_mcp.config.settings import Settings

AGAINST: Final = "whoever listens on the way"
HOLDS: Final = ("The key",)
ATTACKER: Final = "someone on the way"
ASSET: Final = "the key"

KEY = "11111111-2222-4333-8444-555555555555"


def settings(flags: dict[str, Any], **environment: str) -> Settings:
    """The settings that some flags and variables make."""
    return Settings.read(flags, {"CAPGO_API_KEY": KEY, **environment})


@pytest.mark.parametrize(
    "address",
    [
        "https://x.example",
        "https://x.example/functions/v1",
        "http://localhost:8787",
        "http://127.0.0.1",
        "http://[::1]:1",
    ],
)
def test_address_that_keeps_the_key_is_taken(address: str) -> None:
    """Encrypted, or inside this machine."""
    assert settings({}, CAPGO_API_URL=address).url == address


@pytest.mark.parametrize(
    "address",
    [
        "http://x.example",
        "http://localhost.example",
        "http://0.0.0.0",
        "ftp://x.example",
        "x.example",
        "https://",
        "https://user:secret@x.example",
        "https://x.example/?to=y",
        "https://x.example/#y",
    ],
)
def test_other_addresses_are_refused(address: str) -> None:
    """Before anything is sent, and without repeating what may be a password."""
    with pytest.raises(SettingsError, match="CAPGO_API_URL") as caught:
        settings({}, CAPGO_API_URL=address)
    assert "secret" not in str(caught.value)


def test_plain_http_is_taken_when_asked_for() -> None:
    """Inside a cluster the way may be safe all the same; only the user can know."""
    address = "http://capgo.internal"
    assert settings({"allow_http": True}, CAPGO_API_URL=address).url == address


@pytest.mark.parametrize("flags", [{"rate": 0.0}, {"rate": -1.0}, {"rate": float("nan")}, {"rate": float("inf")}])
def test_rate_that_lets_nothing_or_everything_through_is_refused(flags: dict[str, Any]) -> None:
    """A limit is a number of requests."""
    with pytest.raises(SettingsError, match="--rate"):
        settings(flags)


@pytest.mark.parametrize("flags", [{"timeout": 0.0}, {"timeout": float("nan")}])
def test_timeout_that_lets_no_call_finish_is_refused(flags: dict[str, Any]) -> None:
    """A call needs some time."""
    with pytest.raises(SettingsError, match="--timeout"):
        settings(flags)
