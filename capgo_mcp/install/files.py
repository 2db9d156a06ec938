"""Reads a configuration file and replaces it: whole or not at all, with the rights it had, and behind a link."""

import contextlib
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from capgo_mcp.install.text import Unusable

_MARK: Final = "\ufeff"
_ENDING: Final = ".before-capgo"
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

    def read(self) -> str | None:
        """What it holds, or None where there is no file.

        Raises:
            Unusable: It cannot be read as text.
        """
        return _text(self.path).removeprefix(_MARK) if self.path.exists() else None

    def backups(self) -> list["Backup"]:
        """The file as it was before each change this program made, the newest first.

        Raises:
            Unusable: One of them cannot be read as text.
        """
        return [Backup(path, _text(path).removeprefix(_MARK)) for _, path in self._numbered()]

    def keep(self) -> Path | None:
        """Make a backup of the file, with the same rights, and return its path; None where there is no file.

        No backup is ever overwritten. Of backups that hold the same, the newest remains.

        Raises:
            Unusable: It cannot be written.
        """
        if not self.path.exists():
            return None
        text, there = _text(self.path), self._numbered()
        number = there[0][0] + 1 if there else 1
        path = self.path.with_name(f"{self.path.name}{_ENDING}" + (f"-{number}" if number > 1 else ""))
        _replace(path, text, _rights(self.path))
        for _, other in there:
            if _text(other) == text:
                other.unlink()
        return path

    def _numbered(self) -> list[tuple[int, Path]]:
        name = re.compile(re.escape(f"{self.path.name}{_ENDING}") + r"(?:-(\d+))?")
        beside = self.path.parent.iterdir() if self.path.parent.is_dir() else ()
        matches = ((name.fullmatch(path.name), path) for path in beside)
        return sorted(((int(match[1] or 1), path) for match, path in matches if match), reverse=True)

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

    def restore(self, backup: "Backup") -> None:
        """Put a backup in the place of the file."""
        _replace(self.path, _text(backup.path), _rights(backup.path))
        backup.path.unlink()


class Backup(NamedTuple):
    """A file as it was: where it is kept, and what it held."""

    path: Path
    text: str


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
            # The new file is its owner's alone; whoever could read the former one reads this one as well.
            new.chmod(rights)
            new.replace(target)
        finally:
            with contextlib.suppress(FileNotFoundError):
                new.unlink()
    except OSError as error:
        raise Unusable(f"{path} cannot be written: {error.strerror}.") from error
