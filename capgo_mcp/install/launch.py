"""How a client shall start the server: which command, with which arguments and which environment."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from capgo_mcp.config.options import SettingsError
from capgo_mcp.install.source import PACKAGE, SOURCE, Provenance, origin

_UV_CACHES: Final = ("archive-v", "builds-v", "environments-v")


@dataclass(frozen=True)
class Launch:
    """A server as a client starts it.

    Attributes:
        command: The program, with its path: graphical clients do not know the PATH of a shell.
        arguments: Its arguments.
        environment: Variables to set for it.
        inherited: Variables to hand on to it from the client's own environment.
    """

    command: str
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    inherited: tuple[str, ...] = ()


@dataclass(frozen=True)
class Program:
    """The program that runs at present.

    Attributes:
        python: The interpreter.
        keyring: Whether it can use the system's keyring.
        origin: Where this copy was installed from; None where only the package index can tell.
        which: Finds a command on the PATH.
        source: Where the program can be had.
    """

    python: Path
    keyring: bool
    origin: str | None
    which: Callable[[str], str | None]
    source: Provenance = SOURCE

    def command(self) -> tuple[str, ...]:
        """The words that start it again, at any time and from any folder.

        What uvx and `pipx run` start lies in a cache that is cleaned some day, so that a client has to start those,
        and they have to fetch the program from where this copy came from.

        Raises:
            SettingsError: It lies in such a cache, and nothing can fetch it anew.
        """
        if launcher := self._launcher():
            return launcher
        for name in (PACKAGE, f"{PACKAGE}.exe"):
            if (script := self.python.with_name(name)).exists():
                return (str(script),)
        return (str(self.python), "-m", "capgo_mcp")

    def _launcher(self) -> tuple[str, ...] | None:
        """The words that fetch and start it, where it lies in a launcher's cache."""
        parts = self.python.parts
        if any(part.startswith(_UV_CACHES) for part in parts):
            name, *run, option = "uvx", "--from"
        # What `pipx install` makes lies under venvs, and stays.
        elif "pipx" in parts and "venvs" not in parts:
            name, *run, option = "pipx", "run", "--spec"
        else:
            return None
        launcher = self.which(name)
        if launcher is None or not (self.origin or self.source.released):
            raise SettingsError(
                f"this program lies in the cache of {name}, which is cleaned some day, and cannot be fetched again: "
                f"install it first, with uv tool install {self.source.requirement()}"
            )
        place = self._fetched("keyring" if self.keyring else "")
        return (launcher, *run, *(() if place == PACKAGE else (option, place)), PACKAGE)

    def _fetched(self, extra: str) -> str:
        if self.origin is None:
            return self.source.requirement(extra)
        return f"{PACKAGE}[{extra}] @ {_address(self.origin)}" if extra else self.origin


def this_program() -> Program:
    """The program that runs here."""
    return Program(Path(sys.executable), find_spec("keyring") is not None, origin(), shutil.which)


def is_fleeting(command: str) -> bool:
    """Whether a command lies in a folder for temporary files, which nobody keeps."""
    return Path(command).is_relative_to(tempfile.gettempdir())


def _address(origin: str) -> str:
    """A place as an address, which a requirement with an extra needs."""
    return origin if "://" in origin else Path(origin).as_uri()
