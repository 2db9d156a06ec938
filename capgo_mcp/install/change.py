"""A change of a client's configuration: worked out in full, shown, and only then made."""

import difflib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from capgo_mcp.install.clients import Client
from capgo_mcp.install.entries import Entries
from capgo_mcp.install.files import Backup, ConfigFile
from capgo_mcp.install.masking import commands, masked, showable
from capgo_mcp.install.text import Unusable, found


@dataclass(frozen=True)
class Change:
    """What a file holds before and after.

    Attributes:
        file: The file.
        before: What it holds; None where there is none.
        after: What it shall hold; None where it shall be gone.
        entries: The servers in it before that have a name of this one.
        shown: The values that may be shown.
        restores: The backup that becomes the file again, where there is one that holds what the file shall hold.
    """

    file: ConfigFile
    before: str | None
    after: str | None
    entries: Entries
    shown: frozenset[str]
    restores: Backup | None = None

    def diff(self, name: str) -> str:
        """The change as a unified diff, without what is not this program's to show."""
        old, new = (masked(text or "", self.shown).splitlines() for text in (self.before, self.after))
        return "\n".join(difflib.unified_diff(old, new, name, name, lineterm=""))

    def make(self, *, private: bool = False) -> Path | None:
        """Make it, and return where the file is kept as it was; None where there was no file.

        Args:
            private: Whether nobody else may read the file from now on.

        Raises:
            Unusable: A file cannot be written, or has changed since it was read.
        """
        if self.file.read() != self.before:
            raise Unusable(f"{self.file.path} has just been changed by another program; run this again.")
        kept = self.file.keep()
        if self.restores:
            self.file.restore(self.restores)
        elif self.after is None:
            self.file.remove()
        else:
            self.file.write(self.after, private=private)
        return kept


def adding(client: Client, file: ConfigFile, entry: Mapping[str, Any], *, replace: bool = False) -> Change:
    """The change that adds the server, or replaces its entry.

    Args:
        client: The client.
        file: Its file.
        entry: The server's entry.
        replace: Whether it shall take the place of another server that has its name.

    Raises:
        Unusable: The file cannot be read or changed safely.
    """
    before = file.read()
    with _about(file):
        text = before or ""
        entries = Entries.read(client, text)
        name = entries.name(replace=replace)
        for other in entries.ours.keys() - {name}:
            text = client.editor.drop(text, client.keys(other))
        same = found(client.editor.read(text), client.keys(name)) == entry
        after = before if same else client.editor.put(text, client.keys(name), entry)
    return Change(file, before, after, entries, showable(entry) | commands(*entries.ours.values()))


def removing(client: Client, file: ConfigFile) -> Change | None:
    """The change that takes the server out, or None where it is not in.

    Where nothing else has changed since it was added, the file becomes exactly what it was. Otherwise a server that
    it replaced comes back into the file as it is now.

    Raises:
        Unusable: The file cannot be read or changed safely.
    """
    before = file.read()
    if before is None:
        return None
    with _about(file):
        entries = Entries.read(client, before)
        if not entries.ours:
            return None
        shown = commands(*entries.ours.values())
        without = [backup for backup in file.backups() if not _holds_ours(client, backup.text)]
        for backup in without:
            if _leads_to(client, backup.text, entries.ours, before):
                return Change(file, before, backup.text, entries, shown, backup)
        # There was nothing before the server was added, so that there shall be no file.
        if _leads_to(client, "", entries.ours, before):
            return Change(file, before, None, entries, shown)
        replaced = Entries.read(client, without[0].text).others if without else {}
        return Change(file, before, _without(client, before, entries.ours, replaced), entries, shown)


def _holds_ours(client: Client, text: str) -> bool:
    try:
        return bool(Entries.read(client, text).ours)
    except Unusable:  # nobody knows, so that nothing may be taken from it
        return True


def _leads_to(client: Client, earlier: str, ours: Mapping[str, Any], now: str) -> bool:
    """Whether adding the entries to an earlier text gives what is there now."""
    try:
        for name, entry in ours.items():
            earlier = client.editor.put(earlier, client.keys(name), entry)
    except Unusable:
        return False
    return earlier == now


def _without(client: Client, text: str, ours: Mapping[str, Any], replaced: Mapping[str, Any]) -> str:
    """The text with the entries gone, or with those in their place that they replaced."""
    for name in ours:
        keys = client.keys(name)
        text = client.editor.put(text, keys, replaced[name]) if name in replaced else client.editor.drop(text, keys)
    return text


@contextmanager
def _about(file: ConfigFile) -> Iterator[None]:
    """Say which file it is that cannot be used."""
    try:
        yield
    except Unusable as error:
        raise Unusable(f"{file.path} was left as it is: {error}") from None
