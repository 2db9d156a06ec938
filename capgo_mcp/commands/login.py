"""Saves the API key between sessions, and forgets it."""

import sys
from dataclasses import dataclass
from getpass import getpass
from typing import Final

import anyio

from capgo_mcp.api.audience import to_person
from capgo_mcp.api.errors import CapgoError, KeyMissing, KeyRefused
from capgo_mcp.client.defaults import DEFAULT_TIMEOUT
from capgo_mcp.client.key import StaticKey, clean
from capgo_mcp.client.sign_in import AuthorizationServer, authorization_server
from capgo_mcp.commands.sign_in import revoke, sign_in
from capgo_mcp.config.keystore import Keyring, own_file
from capgo_mcp.config.machine import Machine
from capgo_mcp.config.settings import Settings
from capgo_mcp.config.signed_in import SignedIn, digest, forget_sign_in
from capgo_mcp.operations.apps import ListApps
from capgo_mcp.operations.organizations import ListOrganizations

_HOW: Final = """\
Make a key in the Capgo console (API keys) and paste it here; it will not show.
Give it a role in the app, such as app_reader or app_developer, and org_member in the organization: without the
latter Capgo answers questions about statistics as if nobody paid."""
_DELETE: Final = "If nothing uses it, delete it in the Capgo console (API keys), where its name begins with MCP."


@dataclass(frozen=True)
class LoginWays:
    """How a user wants to log in.

    Attributes:
        paste: Whether to paste a key rather than to sign in with the browser.
        browser: Whether a browser may be opened; otherwise its address is printed.
        in_file: Whether to pass over the system's keyring.
        check: Whether to ask Capgo about a pasted key before it is saved.
    """

    paste: bool = False
    browser: bool = True
    in_file: bool = False
    check: bool = True


def login(machine: Machine, ways: LoginWays) -> int:
    """Sign in with the browser where Capgo offers it, or ask for a key without showing it, try it, and save it.

    Returns:
        0 when a key was saved, 1 when nobody signed in, what was typed cannot be a key, or it does not work.

    Raises:
        SettingsError: The address of Capgo cannot be used, or the key cannot be saved.
    """
    settings = Settings.read({}, machine.environment)
    # What comes through a pipe is a key, as scripts have it; nothing at all is from a program that starts this one.
    piped = None if sys.stdin.isatty() or not ways.browser else sys.stdin.readline() or None
    try:
        if piped is None and not ways.paste:
            server = anyio.run(authorization_server, settings.url, settings.timeout)
            if server:
                return _signed_in(server, machine, settings, ways)
            print(f"{settings.url} does not offer signing in with the browser.", file=sys.stderr)
        return _pasted(piped if piped is not None else _typed(), machine, settings, ways)
    except CapgoError as error:
        return _not_saved(f"{error.sentence} {to_person(error.hint)}".strip())


def logout(machine: Machine) -> int:
    """Revoke the key if signing in brought it, and forget it; what the Capgo CLI saved is left to it.

    Returns:
        0, or 1 when the key is forgotten here but still works.
    """
    # First: once it is forgotten here, this program cannot have it revoked.
    problem = _revoked(machine)
    places = [place.where for place in (Keyring(), own_file(machine)) if place.forget()]
    forget_sign_in(machine)
    print(f"The key is gone from {' and '.join(places)}." if places else "No key was saved here.")
    if problem:
        print(f"It still works: {problem}", file=sys.stderr)
    return 1 if problem else 0


def _signed_in(server: AuthorizationServer, machine: Machine, settings: Settings, ways: LoginWays) -> int:
    issued, asked = sign_in(server, machine, browser=ways.browser)
    try:
        names = anyio.run(_organizations, issued.key, settings)
    except CapgoError as error:
        print(f"What the key can see could not be asked: {error.sentence}", file=sys.stderr)
        names = []
    # Before the new one takes its place: nothing else here remembers it.
    if former := _former(machine):
        print(f"The key of the former sign-in works {former[1].until}. {_DELETE}", file=sys.stderr)
    where = _save(issued.key, machine, in_file=ways.in_file)
    signed_in = SignedIn(
        url=settings.url,
        client_id=asked.client_id,
        digest=digest(issued.key),
        expires_at=issued.expires_at,
        organizations=names,
    )
    signed_in.remember(machine)
    print(f"Signed in {signed_in.extent}. The key is saved in {where}. See what it can do: capgo-mcp doctor")
    return 0


def _pasted(typed: str, machine: Machine, settings: Settings, ways: LoginWays) -> int:
    try:
        key = clean(typed, "What was typed")
        if ways.check:
            print(anyio.run(_tried, key, settings), file=sys.stderr)
    except KeyMissing as error:
        return _not_saved(error.sentence)
    except KeyRefused as error:
        return _not_saved(error.sentence)
    except CapgoError as error:
        return _not_saved(f"The key could not be tried: {error.sentence} --no-check saves it untried.")
    where = _save(key, machine, in_file=ways.in_file)
    forget_sign_in(machine)
    print(f"Saved in {where}. See what the key can do: capgo-mcp doctor")
    return 0


def _typed() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline()
    print(_HOW, file=sys.stderr)
    return getpass("API key: ")


async def _organizations(key: str, settings: Settings) -> list[str]:
    """Names of the organizations that a key sees."""
    async with settings.connect(StaticKey(key)) as capgo:
        rows = (await capgo.send(ListOrganizations())).items
    return [row.name or row.id or "" for row in rows]


async def _tried(key: str, settings: Settings) -> str:
    """What Capgo lets the key see, in a sentence."""
    async with settings.connect(StaticKey(key)) as capgo:
        organizations = len((await capgo.send(ListOrganizations())).items)
        apps = len((await capgo.send(ListApps())).items)
    counts = f"{_counted(apps, 'app')} and {_counted(organizations, 'organization')}"
    return f"Capgo accepts the key; it sees {counts}." + (
        "" if organizations else " Give it org_member in one as well."
    )


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _former(machine: Machine) -> tuple[str, SignedIn] | None:
    """The saved key and the sign-in that brought it, where one did."""
    try:
        key = next(filter(None, (place.read() for place in (Keyring(), own_file(machine)))), None)
    except KeyMissing:
        return None
    signed_in = SignedIn.recalled(machine, key) if key else None
    return (key, signed_in) if key and signed_in else None


def _revoked(machine: Machine) -> str:
    """Have the saved key revoked if signing in brought it; why it still works, empty where it does not."""
    former = _former(machine)
    try:
        if former:
            anyio.run(revoke, former[1], former[0], DEFAULT_TIMEOUT)
    except CapgoError as error:
        return f"{error.sentence} {_DELETE}"
    return ""


def _save(key: str, machine: Machine, *, in_file: bool) -> str:
    """Save the key in one place only, and say in which."""
    keyring, file = Keyring(), own_file(machine)
    if not in_file and keyring.write(key):
        file.forget()
        return keyring.where
    # It is searched first, so that a key which stayed there would go on counting.
    keyring.forget()
    file.write(key)
    return f"{file.where}, which only you can read"


def _not_saved(why: str) -> int:
    print(f"{why} Nothing saved.", file=sys.stderr)
    return 1
