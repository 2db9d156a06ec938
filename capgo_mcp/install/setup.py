"""`capgo-mcp install` and `capgo-mcp uninstall`: what they show and do."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

import anyio

from capgo_mcp.api.errors import KeyMissing
from capgo_mcp.config.keystore import saved
from capgo_mcp.config.machine import Machine
from capgo_mcp.config.options import SettingsError, written
from capgo_mcp.config.settings import Settings
from capgo_mcp.install.change import Change, adding, removing
from capgo_mcp.install.clients import CLIENTS, NAME, Client
from capgo_mcp.install.entries import Entries, described
from capgo_mcp.install.files import ConfigFile
from capgo_mcp.install.key import KeyWay, address, key_way, written_key
from capgo_mcp.install.launch import Launch, Program, is_fleeting
from capgo_mcp.install.text import Unusable

_THEN: Final = "Restart it, and ask: Which Capgo apps do I have?"


def overview(machine: Machine) -> int:
    """Print which clients there are and which of them have the server."""
    width = max(len(client.name) for client in CLIENTS)
    for client in CLIENTS:
        print(f"{client.name:{width}}  {client.title:15} {state(client, machine)}")
    return 0


def state(client: Client, machine: Machine) -> str:
    """In a phrase, whether a client is there and has the server."""
    path = client.path(machine)
    try:
        entries = Entries.read(client, ConfigFile(path).read() or "")
    except Unusable:
        return f"its configuration cannot be read: {machine.short(path)}"
    if entries.ours:
        return f"has the server{_alias(next(iter(entries.ours)))}, in {machine.short(path)}"
    if NAME in entries.others:
        return f"is here, with {described(entries.others[NAME])} named {NAME}"
    return "is here, without the server" if client.lives_on(machine) else "not found here"


def install(
    client: Client,
    machine: Machine,
    program: Program,
    flags: Mapping[str, Any],
    *,
    write_key: bool,
    replace: bool,
    dry_run: bool,
) -> int:
    """Add the server to a client, with the options it was given here.

    Args:
        client: Which one.
        machine: The user's machine.
        program: How the server is started.
        flags: The options for the server.
        write_key: Whether the API key shall stand in the client's file.
        replace: Whether the server shall take the place of another one that has its name.
        dry_run: Whether to show the change only.

    Raises:
        SettingsError: An option or the client's file cannot be used.
    """
    settings = Settings.read(flags, machine.environment)
    way = _way(client, machine, settings, write_key=write_key)
    environment = {} if settings.sandbox else {**address(machine.environment), **way.environment}
    command, *arguments = (*program.command(), *written(flags))
    launch = Launch(command, tuple(arguments), environment, way.inherited)
    change = adding(client, ConfigFile(client.path(machine)), client.entry(launch), replace=replace)
    _show(change, machine)
    if change.before == change.after:
        return _advise(f"{client.title} has the server already, with these options.")
    name = change.entries.name(replace=replace)
    _advise(*_neighbours(client, change.entries, name), way.sentence, *_fleeting(command))
    if dry_run:
        return _nothing_written()
    _make(change, machine, private=way.literal)
    return _advise(f"{client.title} has the server now{_alias(name)}. {_THEN}")


def _advise(*sentences: str) -> int:
    for sentence in sentences:
        # So that stdout has the change alone.
        print(sentence, file=sys.stderr)
    return 0


def _fleeting(command: str) -> list[str]:
    told = f"{command} lies in a folder for temporary files: install it elsewhere for good."
    return [told] if is_fleeting(command) else []


def uninstall(client: Client, machine: Machine, *, dry_run: bool) -> int:
    """Take the server out of a client.

    Raises:
        SettingsError: The client's file cannot be used.
    """
    change = removing(client, ConfigFile(client.path(machine)))
    if change is None:
        print(f"{client.title} does not have the server.", file=sys.stderr)
        return 0
    _show(change, machine)
    if dry_run:
        return _nothing_written()
    _make(change, machine)
    print(f"The server is gone from {client.title}. Restart it.", file=sys.stderr)
    return 0


def _way(client: Client, machine: Machine, settings: Settings, *, write_key: bool) -> KeyWay:
    if settings.sandbox:
        return KeyWay("The sandbox needs no key.")
    try:
        if not write_key:
            return key_way(client, machine.environment, saved(machine))
        return written_key(anyio.run(settings.key.read))
    except KeyMissing as error:
        raise SettingsError(f"There is no key to use: {error.sentence}") from None


def _neighbours(client: Client, entries: Entries, name: str) -> Iterator[str]:
    """What becomes of servers that have a name of this one."""
    if other := entries.others.get(name):
        yield f"This server takes the place of {described(other)}, which uninstall puts back."
    elif other := entries.others.get(NAME):
        yield f"{client.title} has {described(other)} under the name {NAME}; it stays, and this one is called {name}."
    if entries.hidden:
        told = f"In a project of yours, {client.title} has {described(entries.hidden)} under the name {NAME}"
        yield f"{told}, which hides this one there." if name == NAME else f"{told}; this one is called {name}."


def _alias(name: str) -> str:
    return "" if name == NAME else f", as {name}"


def _make(change: Change, machine: Machine, *, private: bool = False) -> None:
    if kept := change.make(private=private):
        print(f"The file as it was: {machine.short(kept)}", file=sys.stderr)


def _show(change: Change, machine: Machine) -> None:
    if diff := change.diff(machine.short(change.file.path)):
        print(diff)


def _nothing_written() -> int:
    print("Nothing was written: --dry-run shows only.", file=sys.stderr)
    return 0
