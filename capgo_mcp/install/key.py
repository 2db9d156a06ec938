"""How the server will come by the API key when a client starts it: not by the client's own file, unless told so."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from capgo_mcp.config.keystore import Saved
from capgo_mcp.config.options import told
from capgo_mcp.install.clients import Client

_KEY = "CAPGO_API_KEY"
_FILE = "CAPGO_API_KEY_FILE"
_URL = "CAPGO_API_URL"


@dataclass(frozen=True)
class KeyWay:
    """A way to the key.

    Attributes:
        sentence: What the user has to know about it.
        environment: Variables that the client's file sets.
        inherited: Variables that the client hands on.
        literal: Whether the key itself stands in the file.
    """

    sentence: str
    environment: Mapping[str, str] = field(default_factory=dict)
    inherited: tuple[str, ...] = ()
    literal: bool = False


def key_way(client: Client, environment: Mapping[str, str], saved: Saved | None) -> KeyWay:
    """The way that needs no key in the client's file, in the order in which the server looks for it."""
    if path := told(environment, _FILE) if not told(environment, _KEY) else "":
        absolute = str(Path(path).expanduser().absolute())
        return KeyWay(f"The server reads the key from {absolute}.", {_FILE: absolute})
    name = _KEY if told(environment, _KEY) else saved.variable if saved else None
    if name and client.hands_on:
        return KeyWay(f"{client.title} hands {name} on from its environment; keep it set there.", inherited=(name,))
    if name and client.reference:
        reference = client.reference.replace("NAME", name)
        return KeyWay(f"{client.title} takes {name} from its environment; keep it set there.", {name: reference})
    if saved and not saved.variable:
        return KeyWay(f"The server finds the key in {saved.where}.")
    if name:
        return KeyWay(
            f"{client.title} may not hand {name} on: save the key with capgo-mcp login, or put it into this file with "
            "--write-key."
        )
    return KeyWay("There is no key yet: save one with capgo-mcp login.")


def written_key(key: str) -> KeyWay:
    """The key stands in the client's file, as the user asked for."""
    return KeyWay("The key stands in this file, which only you can read now.", {_KEY: key}, literal=True)


def address(environment: Mapping[str, str]) -> dict[str, str]:
    """The address of a self-hosted Capgo, where the environment names one."""
    return {_URL: url} if (url := told(environment, _URL)) else {}
