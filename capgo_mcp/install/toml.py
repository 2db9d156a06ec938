"""Changes one table of a TOML text and no other character of it."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, time
from typing import Any, Final, NamedTuple

from capgo_mcp.install.text import Keys, Splice, Unusable, apply, found, newline, with_entry, without_entry

_TOKEN: Final = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
    r"|\#[^\n]*"
    r"|[\[\]{}]"
    r"|\n"
    r"|[^\S\n]+"
    r"""|[^\s\[\]{}"'\#]+""",
    re.DOTALL,
)


class Table(NamedTuple):
    """A table with a header of its own: its name, and where header and content stand, without comments after them."""

    name: Keys
    start: int
    end: int


class Toml:
    """TOML, with entries as tables of their own."""

    def read(self, text: str) -> dict[str, Any]:
        """What the text says; see `Editor`."""
        try:
            return tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise Unusable(f"it is not valid TOML: {error}.") from None
        except RecursionError:
            raise Unusable("it is nested too deeply.") from None

    def put(self, text: str, keys: Keys, entry: Mapping[str, Any]) -> str:
        """The text with an entry added or replaced; see `Editor`."""
        wanted = with_entry(self.read(text), keys, entry)
        own = _tables(text, keys)
        table = _laid_out(keys, entry, newline(text))
        if own:
            splices = [Splice(own[0].start, own[0].end, table), *(Splice(start, end, "") for _, start, end in own[1:])]
            return self._checked(apply(text, *splices), wanted)
        between = newline(text) * (0 if not text.strip() else 1 if text.endswith("\n") else 2)
        return self._checked(f"{text}{between}{table}", wanted)

    def drop(self, text: str, keys: Keys) -> str:
        """The text without an entry; see `Editor`."""
        wanted = without_entry(self.read(text), keys)
        splices = [Splice(_before(text, start), end, "") for _, start, end in _tables(text, keys)]
        changed = apply(text, *splices)
        parent = keys[:-1]
        # A table that only the entry's own header made is gone with it.
        allowed = [wanted] if found(wanted, parent) else [wanted, without_entry(wanted, parent)]
        return self._checked(changed, *allowed)

    def _checked(self, text: str, *wanted: dict[str, Any]) -> str:
        if self.read(text) not in wanted:
            raise Unusable("it is written in a way that cannot be changed safely.")
        return text


def _tables(text: str, keys: Keys) -> list[Table]:
    """The tables of an entry, its sub-tables included."""
    return [table for table in _all_tables(text) if table.name[: len(keys)] == keys]


def _all_tables(text: str) -> Iterator[Table]:
    """Every table that has a header."""
    open_at: int | None = None
    name: Keys = ()
    depth = end = 0
    fresh = True  # nothing but white space since the line began
    for token in _TOKEN.finditer(text):
        sign = token[0]
        if sign == "[" and fresh and depth == 0:
            if open_at is not None:
                yield Table(name, open_at, end)
            open_at, name = token.start(), _name(text, token.start())
        depth += (sign in ("[", "{")) - (sign in ("]", "}"))
        if sign == "\n":
            end = end if fresh else token.end()
            fresh = True
        elif not sign.isspace() and not sign.startswith("#"):
            fresh = False
    if open_at is not None:
        yield Table(name, open_at, end if fresh else len(text))


def _name(text: str, start: int) -> Keys:
    """The name in the header that begins there; an array of tables has none that an entry could have."""
    line = text[start:].partition("\n")[0]
    if line.startswith("[["):
        return ()
    # A header is a document of its own, in which quotes and dots are read as TOML has them.
    data: dict[str, Any] = tomllib.loads(line)
    names: list[str] = []
    while data:
        ((name, data),) = data.items()
        names.append(name)
    return tuple(names)


def _before(text: str, start: int) -> int:
    """Where the blank line before a table begins."""
    above = text[:start]
    for line_end in ("\r\n", "\n"):
        if above.endswith(line_end * 2):
            return start - len(line_end)
    return start


def _laid_out(keys: Keys, entry: Mapping[str, Any], line_end: str) -> str:
    lines = [f"[{'.'.join(keys)}]", *(f"{name} = {_value(value)}" for name, value in entry.items())]
    return "".join(f"{line}{line_end}" for line in lines)


def _value(value: Any) -> str:
    """A value on one line; JSON writes texts, numbers and truth values as TOML does."""
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{json.dumps(name)} = {_value(inner)}' for name, inner in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, date | time):
        return value.isoformat()
    # The one character that JSON leaves as it is and TOML does not take.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
