"""Signs a person in with the browser, or without one on this machine."""

import sys
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

import anyio

from capgo_mcp.api.errors import SignInFailed
from capgo_mcp.client.clock import SystemClock
from capgo_mcp.client.sign_in import (
    SECONDS_FOR_CONSENT,
    Authorization,
    AuthorizationServer,
    Issued,
    authorization_server,
)
from capgo_mcp.commands.callback import Callback, free_address, has_browser
from capgo_mcp.config.machine import Machine
from capgo_mcp.config.signed_in import SignedIn

_AGAIN: Final = "Run capgo-mcp login again."


def sign_in(server: AuthorizationServer, machine: Machine, *, browser: bool) -> tuple[Issued, Authorization]:
    """Let the person decide at the consent page, and give the key that comes of it.

    Args:
        server: Where people sign in.
        machine: The person's machine.
        browser: Whether to open a browser, if there is one.

    Raises:
        SignInFailed: The person said no or nothing, or the answers do not fit.
        KeyMissing: What was issued cannot be a key.
        Unreachable: There was no answer.
    """
    asked, returned = _with_browser(server) if browser and has_browser(machine) else (None, None)
    if asked is None or returned is None:
        asked = asked or anyio.run(server.ask, free_address())
        returned = _typed(asked)
    return anyio.run(server.redeem, asked, returned, SystemClock()), asked


def _with_browser(server: AuthorizationServer) -> tuple[Authorization, Mapping[str, str] | None]:
    """What was asked, and what the browser brought back; None where none could be opened."""
    with Callback() as callback:
        asked = anyio.run(server.ask, callback.address)
        _tell("Capgo's consent page opens in the browser. If it does not, open this address on this machine:")
        _tell(f"\n  {asked.address}\n\nFrom another machine: Ctrl-C, then capgo-mcp login --no-browser")
        try:
            return asked, callback.wait(asked.address, asked.state, SECONDS_FOR_CONSENT)
        except TimeoutError:
            minutes = f"{SECONDS_FOR_CONSENT / 60:g}"
            sentence = f"The browser brought no answer within {minutes} minutes."
            raise SignInFailed("sign_in_failed", sentence, _AGAIN) from None


def _typed(asked: Authorization) -> Mapping[str, str]:
    """What the browser of another machine would have brought back, from the address at which it ended."""
    _tell(f"Open this address in any browser:\n\n  {asked.address}\n")
    _tell(f"At the end the browser goes to an address that begins with {asked.redirect}")
    _tell("and shows no page, which is all right: copy that whole address and paste it here.")
    while line := sys.stdin.readline():
        returned = dict(parse_qsl(line.strip().partition("?")[2]))
        if returned.get("state") == asked.state:
            return returned
        _tell("That is not the whole address at which the browser ended. Once more:")
    raise SignInFailed("sign_in_failed", "No address was pasted.", _AGAIN)


async def revoke(signed_in: SignedIn, key: str, seconds: float) -> None:
    """Have the key of a sign-in deleted by Capgo.

    Raises:
        SignInFailed: Capgo refuses, or cannot do it.
        Unreachable: There was no answer.
    """
    server = await authorization_server(signed_in.url, seconds)
    if server is None:
        raise SignInFailed("sign_in_failed", f"{signed_in.url} does not offer signing in any more.", "")
    await server.revoke(key, signed_in.client_id)


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
