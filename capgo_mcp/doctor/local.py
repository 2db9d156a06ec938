"""What can be seen on this machine: the key, the rate, the clients."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from capgo_mcp.api.errors import KeyMissing
from capgo_mcp.client.clock import SystemClock
from capgo_mcp.client.key import StaticKey
from capgo_mcp.client.wire import key_header
from capgo_mcp.config.credentials import KeyFile, SavedKey
from capgo_mcp.config.keystore import saved
from capgo_mcp.config.machine import Machine
from capgo_mcp.config.private_file import is_open
from capgo_mcp.config.settings import Settings
from capgo_mcp.config.signed_in import SignedIn
from capgo_mcp.doctor.finding import Finding, fine, note, problem
from capgo_mcp.install.clients import CLIENTS, NAME, Client
from capgo_mcp.install.entries import Entries, described, words
from capgo_mcp.install.files import ConfigFile
from capgo_mcp.install.text import Unusable

_SOON: Final = 14
"""Days before its end from which on a sign-in should be renewed."""
# A key itself, and not a reference to a variable such as ${env:NAME}.
_LITERAL: Final = re.compile(r"[A-Za-z0-9._:-]{8,}")


async def key(settings: Settings) -> list[Finding]:
    """Where the key was found, and whether it has the form of one."""
    if settings.sandbox:
        return [fine("key", "The sandbox brings its own.")]
    try:
        value = await settings.key.read()
    except KeyMissing as error:
        then = "Sign in with capgo-mcp login, or set CAPGO_API_KEY. Without an account: capgo-mcp doctor --sandbox."
        return [problem("key", error.sentence, then)]
    where, path, signed_in = _whereabouts(settings)
    # Asked of what chooses the header for it.
    current = key_header(value)[0] == "authorization"
    form = (
        "has the form of a current key" if current else "is not a UUID, as keys are since 2025: taken as a legacy key"
    )
    findings = [fine("key", f"Found in {where}; it {form}.")]
    if signed_in:
        findings.append(_sign_in(signed_in))
    if path and is_open(path):
        findings.append(note("key", f"Others on this machine can read {path}.", f"Run: chmod 600 {path}"))
    return findings


def _whereabouts(settings: Settings) -> tuple[str, Path | None, SignedIn | None]:
    """The place of the key in words, the file if it is one, and the sign-in that brought it if one did."""
    match settings.key:
        case StaticKey():
            return "CAPGO_API_KEY", None, None
        case KeyFile(path):
            return f"{path}, which CAPGO_API_KEY_FILE names", path, None
        case SavedKey(machine) if place := saved(machine):
            return place.where, place.path, place.signed_in
    return "the settings", None, None


def _sign_in(signed_in: SignedIn) -> Finding:
    """Until when the user is signed in; told in time, because the key cannot be renewed."""
    what = f"Signed in {signed_in.extent}."
    if signed_in.days_left(SystemClock()) > _SOON:
        return fine("sign-in", what)
    return note("sign-in", what, "Sign in again before that: capgo-mcp login")


def rate(settings: Settings) -> Finding:
    """How many calls there may be; how many Capgo would still take, it does not tell."""
    return fine(
        "rate",
        f"Makes {settings.rate:g} requests in any minute at most (--rate). What Capgo still allows, it tells only "
        "when it refuses; the server then waits as long as it says.",
    )


def clients(machine: Machine) -> Iterator[Finding]:
    """Which clients are here, and whether they can start the server."""
    here = [client for client in CLIENTS if client.lives_on(machine)]
    for client in here:
        yield _client(client, machine)
    if not here:
        yield note("clients", "No MCP client was found.", "See capgo-mcp install for those it knows.")


def _client(client: Client, machine: Machine) -> Finding:
    file = ConfigFile(client.path(machine))
    place = machine.short(file.path)
    again = f"Run: capgo-mcp install {client.name}"
    try:
        entries = Entries.read(client, file.read() or "")
    except Unusable as error:
        return problem("clients", f"{client.title} cannot read {place}: {error}", "Mend the file by hand.")
    if not entries.ours:
        other = entries.others.get(NAME)
        but = f"; it has {described(other)} under the name {NAME}" if other else ""
        return note("clients", f"{client.title} is here, without the server{but}.", again)
    entry = next(iter(entries.ours.values()))
    command = words(entry)[0]
    if shutil.which(command) is None:
        return problem("clients", f"{client.title} starts {command}, which is not there.", again)
    if _holds_key(entry) and is_open(file.path):
        then = f"Run: chmod 600 {place}, or take the key out with capgo-mcp install {client.name} after capgo-mcp login"
        return note("clients", f"{client.title} has the key in {place}, which others can read.", then)
    return fine("clients", f"{client.title} has the server, in {place}.")


def _holds_key(entry: Any) -> bool:
    environment = entry.get("env") or entry.get("environment") or {}
    value = environment.get("CAPGO_API_KEY") if isinstance(environment, dict) else None
    return isinstance(value, str) and _LITERAL.fullmatch(value) is not None
