"""Reads a file that holds a key, however an editor or a shell has written it."""

import codecs
from pathlib import Path
from typing import Final

_LONGEST: Final = 4096
"""Bytes that a file with one key may have, white space included; a longer one is something else."""
_MARKS: Final = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


class NoKeyText(Exception):
    """A file that cannot be read as a key; the message is the reason, in a phrase."""


class NoSuchFile(NoKeyText):
    """There is no such file, or a folder in its place."""


def key_text(path: Path) -> str:
    """What a file holds, without a mark of its encoding. Windows writes UTF-16 where others write UTF-8.

    Raises:
        NoKeyText: It cannot be read, or not as text.
    """
    try:
        with path.open("rb") as file:
            # One more than there may be, to see whether there is.
            content = file.read(_LONGEST + 1)
    except FileNotFoundError:
        raise NoSuchFile("there is no such file") from None
    except IsADirectoryError:
        raise NoSuchFile("it is a folder") from None
    except PermissionError:
        # Windows answers so for a folder as well.
        raise (NoSuchFile("it is a folder") if path.is_dir() else NoKeyText("this user may not read it")) from None
    except (OSError, ValueError) as error:
        raise NoKeyText(f"it cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(content) > _LONGEST:
        raise NoKeyText("it is too long to be a key")
    try:
        return content.decode(_encoding(content))
    except UnicodeDecodeError:
        raise NoKeyText("it is not text") from None


def _encoding(content: bytes) -> str:
    for mark, encoding in _MARKS.items():
        if content.startswith(mark):
            return encoding
    # A key is ASCII, so that UTF-16 without a mark shows by its zeros.
    zeros = content[:2].find(0)
    return {1: "utf-16-le", 0: "utf-16-be"}.get(zeros, "utf-8")
