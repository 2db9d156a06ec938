"""Places in which a key is kept between sessions: the system's keyring, a private file, and those of the Capgo CLI."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Protocol

from capgo_mcp.api.errors import KeyMissing
from capgo_mcp.client.key import HOW
from capgo_mcp.config.keytext import NoKeyText, NoSuchFile, key_text
from capgo_mcp.config.machine import Machine
from capgo_mcp.config.options import SettingsError, told
from capgo_mcp.config.private_file import write_private
from capgo_mcp.config.signed_in import SignedIn

_SERVICE: Final = "capgo-mcp"
_ACCOUNT: Final = "api-key"
VENDORS_VARIABLE: Final = "CAPGO_TOKEN"
"""The variable from which the Capgo CLI takes its key."""


class Keystore(Protocol):
    """A place for one key.

    Attributes:
        where: The place in words.
    """

    @property
    def where(self) -> str: ...  # noqa: D102 - told by the class

    def read(self) -> str | None:
        """The key that is saved here, or None."""
        ...


@dataclass(frozen=True)
class Keyring:
    """The system's keyring, through the package keyring, which is an optional extra."""

    where: str = "the system's keyring"

    def read(self) -> str | None:
        """The key that is saved here; None as well where there is no keyring or it stays locked."""
        with _any_failure():
            key: str | None = self._package().get_password(_SERVICE, _ACCOUNT)
            return key
        return None

    def write(self, key: str) -> bool:
        """Save the key; False where there is no keyring or it stays locked."""
        with _any_failure():
            self._package().set_password(_SERVICE, _ACCOUNT, key)
            return True
        return False

    def forget(self) -> bool:
        """Delete the key; False where there is none."""
        with _any_failure():
            self._package().delete_password(_SERVICE, _ACCOUNT)
            return True
        return False

    def _package(self) -> Any:
        if find_spec("keyring") is None:
            raise ModuleNotFoundError
        return import_module("keyring")


@contextlib.contextmanager
def _any_failure() -> Iterator[None]:
    """Keyrings of many systems stand behind the package, and not all their errors are its own."""
    with contextlib.suppress(Exception):
        yield


@dataclass(frozen=True)
class FileKeystore:
    """A file that holds nothing but a key.

    Attributes:
        path: The file.
        where: The place in words.
    """

    path: Path
    where: str

    def read(self) -> str | None:
        """The key that is saved here, or None.

        Raises:
            KeyMissing: There is a file, and it cannot be read. Another key in its place would surprise.
        """
        try:
            return key_text(self.path).strip() or None
        except NoSuchFile:
            return None
        except NoKeyText as error:
            raise KeyMissing("no_key", f"{self.path} holds no key: {error}.", HOW) from None

    def write(self, key: str) -> None:
        """Save the key, for nobody else to read.

        Raises:
            SettingsError: The file cannot be written.
        """
        try:
            write_private(self.path, f"{key}\n")
        except OSError as error:
            raise SettingsError(f"The key cannot be saved in {self.where}: {error.strerror}.") from error

    def forget(self) -> bool:
        """Delete the file; False where there is none."""
        there = self.path.exists()
        self.path.unlink(missing_ok=True)
        return there


@dataclass(frozen=True)
class Variable:
    """An environment variable that another program reads its key from.

    Attributes:
        name: The variable.
        machine: Where it may be set.
        where: The place in words.
    """

    name: str
    machine: Machine
    where: str

    def read(self) -> str | None:
        """The key that the variable holds, or None."""
        return told(self.machine.environment, self.name) or None


def own_file(machine: Machine) -> FileKeystore:
    """The file in which `capgo-mcp login` saves the key where there is no keyring."""
    path = machine.settings / "capgo-mcp" / "key"
    return FileKeystore(path, machine.short(path))


def vendors_file(machine: Machine) -> FileKeystore:
    """The file in which the Capgo CLI saves its key."""
    return FileKeystore(machine.home / ".capgo", "~/.capgo, where the Capgo CLI saved it")


def vendors_variable(machine: Machine) -> Variable:
    """The variable that the Capgo CLI reads before its file."""
    return Variable(VENDORS_VARIABLE, machine, f"{VENDORS_VARIABLE}, which the Capgo CLI reads too")


def keystores(machine: Machine) -> tuple[Keystore, ...]:
    """Every keystore, in the order in which they are searched."""
    # What was saved for this program goes before what is there for the vendor's: it may have fewer rights on purpose.
    # The vendor's program reads .capgo of the folder it is in as well. A folder that somebody else made chooses no key.
    return (Keyring(), own_file(machine), vendors_variable(machine), vendors_file(machine))


@dataclass(frozen=True)
class Saved:
    """A key that was found.

    Attributes:
        key: The key, as it is written there.
        where: The place in words.
        path: The file, if it is one.
        variable: The environment variable, if it is one.
    """

    key: str = field(repr=False)
    where: str
    path: Path | None
    variable: str | None
    signed_in: SignedIn | None
    """The sign-in that brought it; None where it came otherwise."""


def saved(machine: Machine) -> Saved | None:
    """The saved key that is used when none is set.

    Raises:
        KeyMissing: A file that should hold it cannot be read.
    """
    for keystore in keystores(machine):
        if key := keystore.read():
            path = keystore.path if isinstance(keystore, FileKeystore) else None
            variable = keystore.name if isinstance(keystore, Variable) else None
            return Saved(key, keystore.where, path, variable, SignedIn.recalled(machine, key))
    return None
