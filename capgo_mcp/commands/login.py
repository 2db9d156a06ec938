"""Saves the API key between sessions, and forgets it."""

import sys
from getpass import getpass

from capgo_mcp.api.errors import KeyMissing
from capgo_mcp.client.key import clean
from capgo_mcp.config.keystore import Keyring, own_file
from capgo_mcp.config.machine import Machine


def login(machine: Machine, *, in_file: bool = False) -> int:
    """Ask for the key without showing it, and save it.

    Args:
        machine: The user's machine.
        in_file: Whether to pass over the system's keyring.

    Returns:
        0 when it was saved, 1 when what was typed cannot be a key.
    """
    try:
        key = clean(_typed())
    except KeyMissing:
        print(
            "That cannot be an API key: it is empty, or has characters that no key has. Nothing saved.", file=sys.stderr
        )
        return 1
    keyring, file = Keyring(), own_file(machine)
    if not in_file and keyring.write(key):
        file.forget()
        place = keyring.where
    else:
        keyring.forget()
        file.write(key)
        place = f"{file.where}, which only you can read"
    print(f"Saved in {place}. See what the key can do: capgo-mcp doctor")
    return 0


def logout(machine: Machine) -> int:
    """Forget the saved key; what the Capgo CLI saved is left to it."""
    places = [place.where for place in (Keyring(), own_file(machine)) if place.forget()]
    print(f"The key is gone from {' and '.join(places)}." if places else "No key was saved here.")
    return 0


def _typed() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline()
    print("Make a key in the Capgo console (API keys) and paste it here; it will not show.", file=sys.stderr)
    return getpass("API key: ")
