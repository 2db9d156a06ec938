"""Reads a configuration file and replaces it: whole or not at all, with the rights it had, and behind a link."""

import contextlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from capgo_mcp.install.text import Unusable

_MARK: Final = "\ufeff"
_OTHERS: Final = 0o077
_PRIVATE: Final = 0o600
_MODE: Final = 0o777


@dataclass(frozen=True)
class ConfigFile:
    """A text file of a client, which need not be there.

    Attributes:
        path: Where the client looks for it.
    """

    path: Path

    @property
    def backup(self) -> Path:
        """Where the file is kept as it was before this program changed it."""
        return self.path.with_name(f"{self.path.name}.before-capgo")

    def read(self) -> str | None:
        """What it holds, or None where there is no file.

        Raises:
            Unusable: It cannot be read as text.
        """
        return _read(self.path)

    def earlier(self) -> str | None:
        """What the backup holds, or None where there is none.

        Raises:
            Unusable: It cannot be read as text.
        """
        return _read(self.backup)

    def keep(self) -> None:
        """Make a backup of the file, which is there, with the same rights.

        Raises:
            Unusable: It cannot be written.
        """
        _replace(self.backup, _text(self.path), _rights(self.path))

    def write(self, text: str, *, private: bool = False) -> None:
        """Replace the file, or make it.

        Args:
            text: What it shall hold; a mark of its encoding at its start stays.
            private: Whether nobody else may read it from now on.

        Raises:
            Unusable: It cannot be written.
        """
        there = self.path.exists()
        mark = _MARK if there and _text(self.path).startswith(_MARK) else ""
        rights = _rights(self.path) if there else _PRIVATE
        _replace(self.path, mark + text, rights & ~_OTHERS if private else rights)

    def remove(self) -> None:
        """Delete the file, which is there."""
        self.path.unlink()

    def restore(self) -> None:
        """Put the backup, which is there, in the place of the file."""
        _replace(self.path, _text(self.backup), _rights(self.backup))
        self.backup.unlink()


def _read(path: Path) -> str | None:
    return _text(path).removeprefix(_MARK) if path.exists() else None


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError:
        raise Unusable(f"{path} is not UTF-8 text; nothing was written.") from None
    except OSError as error:
        raise Unusable(f"{path} cannot be read: {error.strerror}.") from error


def _rights(path: Path) -> int:
    return path.stat().st_mode & _MODE


def _replace(path: Path, text: str, rights: int) -> None:
    """Write beside the file and put it in its place in one step."""
    target = path.resolve()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        new = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            new.chmod(rights)
            new.replace(target)
        finally:
            with contextlib.suppress(FileNotFoundError):
                new.unlink()
    except OSError as error:
        raise Unusable(f"{path} cannot be written: {error.strerror}.") from error
