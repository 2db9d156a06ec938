"""What the editors of configuration texts have in common."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from capgo_mcp.config.options import SettingsError

Keys = tuple[str, ...]
"""The way to an entry: the names of the objects it lies in, then its own."""


class Unusable(SettingsError):
    """A configuration file that cannot be read or changed safely; nothing was written."""


class Splice(NamedTuple):
    """A piece of a text, and what to put in its place."""

    start: int
    end: int
    new: str


class Editor(Protocol):
    """Reads and changes one format. What is not changed keeps every character."""

    def read(self, text: str) -> dict[str, Any]:
        """What the text says; an empty one says nothing.

        Raises:
            Unusable: It is not in this format.
        """
        ...

    def put(self, text: str, keys: Keys, entry: Mapping[str, Any]) -> str:
        """The text with an entry added or replaced.

        Raises:
            Unusable: The text cannot take it.
        """
        ...

    def drop(self, text: str, keys: Keys) -> str:
        """The text without an entry.

        Raises:
            Unusable: It is written in a way this cannot take out.
        """
        ...


def apply(text: str, *splices: Splice) -> str:
    """The text after splices that do not overlap."""
    # From the end, so that the places before stay where they are.
    for splice in sorted(splices, reverse=True):
        text = text[: splice.start] + splice.new + text[splice.end :]
    return text


def newline(text: str) -> str:
    """How the text ends its lines."""
    return "\r\n" if "\r\n" in text else "\n"


def found(data: Mapping[str, Any], keys: Keys) -> Any:
    """What the data hold at the end of the way, or None."""
    value: Any = data
    for key in keys:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def with_entry(data: Mapping[str, Any], keys: Keys, entry: Mapping[str, Any]) -> dict[str, Any]:
    """The data as they are with an entry.

    Raises:
        Unusable: Something that is not an object lies on the way.
    """
    inner = entry if len(keys) == 1 else with_entry(_object(data, keys[0]), keys[1:], entry)
    return {**data, keys[0]: inner}


def without_entry(data: Mapping[str, Any], keys: Keys) -> dict[str, Any]:
    """The data as they are without an entry that is there; the objects it lay in stay."""
    if len(keys) == 1:
        return {key: value for key, value in data.items() if key != keys[0]}
    return {**data, keys[0]: without_entry(data[keys[0]], keys[1:])}


def _object(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    inner = data.get(key, {})
    if not isinstance(inner, Mapping):
        raise Unusable(f"{key} is not an object there.")
    return inner
