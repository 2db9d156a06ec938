"""Which servers a client's file holds under the names this program uses, and which of them are this program."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from capgo_mcp.install.clients import BESIDE, NAME, Client
from capgo_mcp.install.text import Unusable, found

_LAUNCHERS: Final = re.compile(r"uvx?|pipx|docker|podman|python[\d.]*")
_PROGRAM: Final = re.compile(r"capgo[-_]mcp([\[@=<>~!:].*)?")
_VENDOR: Final = re.compile(r"@capgo/cli\b|\bapi\.capgo\.app/mcp\b")


def words(entry: Any) -> tuple[str, ...]:
    """The command that an entry starts, in any client's form; none where it starts none."""
    if not isinstance(entry, Mapping):
        return ()
    match entry.get("command"):
        case Mapping() as inner:  # Zed wrote it so until 2025
            return words({"command": inner.get("path"), "args": inner.get("args")})
        case list() as command:
            pass
        case command:
            arguments = entry.get("args")
            command = [command, *(arguments if isinstance(arguments, list) else ())]
    return tuple(command) if all(isinstance(word, str) for word in command) else ()


def is_ours(entry: Any) -> bool:
    """Whether an entry starts this program: by itself, or through something that starts Python packages or images.

    Another launcher's package may have the same name, such as npm's, and an address says nothing of who answers there.
    """
    command = words(entry)
    if not command:
        return False
    program, *arguments = (_file_name(word) for word in command if "://" not in word)
    if _LAUNCHERS.fullmatch(program):
        return any(_PROGRAM.fullmatch(word) for word in arguments)
    return _PROGRAM.fullmatch(program) is not None


def described(entry: Any) -> str:
    """What a server that is not this one is called in a sentence; never what stands in its entry."""
    return "Capgo's own server" if _VENDOR.search(str(entry)) else "another server"


@dataclass(frozen=True)
class Entries:
    """The servers of a client that stand under a name this program uses.

    Attributes:
        ours: The entries that start this program, by name.
        others: The entries of other servers, by name.
        hidden: A server of a single project that the client prefers to one of the same name for all; None mostly.
    """

    ours: Mapping[str, Any]
    others: Mapping[str, Any]
    hidden: Any = None

    @classmethod
    def read(cls, client: Client, text: str) -> Self:
        """Those that a client's file holds.

        Raises:
            Unusable: The text is not in the client's format.
        """
        data = client.editor.read(text)
        named = {name: found(data, client.keys(name)) for name in (NAME, BESIDE)}
        ours = {name: entry for name, entry in named.items() if is_ours(entry)}
        others = {name: entry for name, entry in named.items() if entry is not None and name not in ours}
        return cls(ours, others, next(_in_projects(client, data), None))

    def name(self, *, replace: bool) -> str:
        """The name under which this server shall stand.

        Raises:
            Unusable: Every name belongs to another server.
        """
        if replace:
            return NAME
        free = [] if self.hidden else [NAME]
        for name in (*self.ours, *free, BESIDE):
            if name not in self.others:
                return name
        raise Unusable(
            f"{NAME} and {BESIDE} are other servers there; --replace puts this one in the place of {NAME}, "
            "until uninstall."
        )


def _file_name(word: str) -> str:
    return re.split(r"[/\\]", word)[-1].removesuffix(".exe")


def _in_projects(client: Client, data: Mapping[str, Any]) -> Iterator[Any]:
    projects = found(data, client.projects) if client.projects else None
    for project in projects.values() if isinstance(projects, Mapping) else ():
        entry = found(project, client.keys(NAME)) if isinstance(project, Mapping) else None
        if entry is not None and not is_ours(entry):
            yield entry
