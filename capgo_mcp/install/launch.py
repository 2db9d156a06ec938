"""How a client shall start the server: which command, with which arguments and which environment."""

import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

_PACKAGE = "capgo-mcp"


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
        which: Finds a command on the PATH.
    """

    python: Path
    keyring: bool
    which: Callable[[str], str | None]

    def command(self) -> tuple[str, ...]:
        """The words that start it again, at any time and from any folder.

        What uvx runs lies in a cache that is cleaned some day, so that uvx itself is what a client has to start.
        """
        if any(part.startswith("archive-v") for part in self.python.parts) and (uvx := self.which("uvx")):
            extra = ("--from", f"{_PACKAGE}[keyring]") if self.keyring else ()
            return (uvx, *extra, _PACKAGE)
        for name in (_PACKAGE, f"{_PACKAGE}.exe"):
            if (script := self.python.with_name(name)).exists():
                return (str(script),)
        return (str(self.python), "-m", "capgo_mcp")


def this_program() -> Program:
    """The program that runs here."""
    return Program(Path(sys.executable), find_spec("keyring") is not None, shutil.which)
