"""Saves the API key between sessions, and forgets it."""

import sys
from getpass import getpass

import anyio

from capgo_mcp.api.errors import CapgoError, KeyMissing, KeyRefused
from capgo_mcp.client.key import StaticKey, clean
from capgo_mcp.config.keystore import Keyring, own_file
from capgo_mcp.config.machine import Machine
from capgo_mcp.config.settings import Settings
from capgo_mcp.operations.apps import ListApps
from capgo_mcp.operations.organizations import ListOrganizations

_HOW = """\
Make a key in the Capgo console (API keys) and paste it here; it will not show.
Give it a role in the app, such as app_reader or app_developer, and org_member in the organization: without the
latter Capgo answers questions about statistics as if nobody paid."""


def login(machine: Machine, *, in_file: bool = False, check: bool = True) -> int:
    """Ask for the key without showing it, try it, and save it.

    Args:
        machine: The user's machine.
        in_file: Whether to pass over the system's keyring.
        check: Whether to ask Capgo about it before it is saved.

    Returns:
        0 when it was saved, 1 when what was typed cannot be a key, or does not work.

    Raises:
        SettingsError: The address of Capgo cannot be used, or the key cannot be saved.
    """
    try:
        key = clean(_typed(), "What was typed")
        if check:
            print(anyio.run(_tried, key, Settings.read({}, machine.environment)), file=sys.stderr)
    except KeyMissing as error:
        return _not_saved(error.sentence)
    except KeyRefused as error:
        return _not_saved(f"Capgo does not accept this key: {error.sentence}")
    except CapgoError as error:
        return _not_saved(f"The key could not be tried: {error.sentence} --no-check saves it untried.")
    print(f"Saved in {_save(key, machine, in_file=in_file)}. See what the key can do: capgo-mcp doctor")
    return 0


def logout(machine: Machine) -> int:
    """Forget the saved key; what the Capgo CLI saved is left to it."""
    places = [place.where for place in (Keyring(), own_file(machine)) if place.forget()]
    print(f"The key is gone from {' and '.join(places)}." if places else "No key was saved here.")
    return 0


def _typed() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline()
    print(_HOW, file=sys.stderr)
    return getpass("API key: ")


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


def _save(key: str, machine: Machine, *, in_file: bool) -> str:
    """Save the key in one place only, and say in which."""
    keyring, file = Keyring(), own_file(machine)
    if not in_file and keyring.write(key):
        file.forget()
        return keyring.where
    keyring.forget()
    file.write(key)
    return f"{file.where}, which only you can read"


def _not_saved(why: str) -> int:
    print(f"{why} Nothing saved.", file=sys.stderr)
    return 1
