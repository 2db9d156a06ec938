"""A change of a client's configuration: worked out in full, shown, and only then made."""

import difflib
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from capgo_mcp.install.clients import Client
from capgo_mcp.install.files import ConfigFile
from capgo_mcp.install.text import Unusable, found

_SECRET: Final = re.compile(r'(CAPGO_API_KEY"?\s*[:=]\s*")[^"${][^"]*')


@dataclass(frozen=True)
class Change:
    """What a file holds before and after.

    Attributes:
        file: The file.
        before: What it holds; None where there is none.
        after: What it shall hold; None where it shall be gone.
        keeps: Whether the file as it is becomes the backup, because this server is not in it yet.
        restores: Whether the backup is what the file shall hold.
    """

    file: ConfigFile
    before: str | None
    after: str | None
    keeps: bool = False
    restores: bool = False

    def diff(self, name: str) -> str:
        """The change as a unified diff, without API keys."""
        old, new = (_SECRET.sub(r"\1...", text or "").splitlines() for text in (self.before, self.after))
        return "\n".join(difflib.unified_diff(old, new, name, name, lineterm=""))

    def make(self, *, private: bool = False) -> None:
        """Make it; the file as it was before the first change is kept beside it.

        Args:
            private: Whether nobody else may read the file from now on.

        Raises:
            Unusable: A file cannot be written.
        """
        if self.after is None:
            self.file.remove()
        elif self.restores:
            self.file.restore()
        else:
            if self.keeps:
                self.file.keep()
            self.file.write(self.after, private=private)


def adding(client: Client, file: ConfigFile, entry: Mapping[str, Any]) -> Change:
    """The change that adds the server, or replaces its entry.

    Raises:
        Unusable: The file cannot be read or changed safely.
    """
    before = file.read()
    with _about(file):
        there = found(client.editor.read(before or ""), client.keys)
        after = before if there == entry else client.editor.put(before or "", client.keys, entry)
    return Change(file, before, after, keeps=before is not None and there is None)


def removing(client: Client, file: ConfigFile) -> Change | None:
    """The change that takes the server out, or None where it is not in.

    Where nothing else has changed since it was added, the file becomes exactly what it was.

    Raises:
        Unusable: The file cannot be read or changed safely.
    """
    before = file.read()
    if before is None:
        return None
    with _about(file):
        entry = found(client.editor.read(before), client.keys)
        if entry is None:
            return None
        for earlier in (file.earlier(), None):
            if _leads_to(client, earlier, entry, before):
                return Change(file, before, earlier, restores=earlier is not None)
        return Change(file, before, client.editor.drop(before, client.keys))


def _leads_to(client: Client, earlier: str | None, entry: Any, now: str) -> bool:
    """Whether adding the entry to an earlier text gives what is there now."""
    try:
        return client.editor.put(earlier or "", client.keys, entry) == now
    except Unusable:
        return False


@contextmanager
def _about(file: ConfigFile) -> Iterator[None]:
    """Say which file it is that cannot be used."""
    try:
        yield
    except Unusable as error:
        raise Unusable(f"{file.path} was left as it is: {error}") from None
