"""Files that only their owner can read."""

import os
from pathlib import Path
from typing import Final

_OTHERS: Final = 0o077


def write_private(path: Path, text: str) -> None:
    """Write a file that nobody else can read, in the place of whatever had its name."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # What is there may be open to others, or a link that leads elsewhere.
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)


def is_open(path: Path) -> bool:
    """Whether others on this machine can read a file that is there; Windows keeps that elsewhere."""
    return os.name == "posix" and bool(path.stat().st_mode & _OTHERS)
