"""What of a configuration file may be shown: names, layout, and the values of this program's own entry."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from capgo_mcp.install.entries import words

_KEY: Final = "CAPGO_API_KEY"
_TOKEN: Final = re.compile(
    r'(?P<text>"""(?:\\.|[^\\])*?"{3,5}'
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*')"
    r"|(?P<comment>//[^\n]*|/\*.*?\*/|\#[^\n]*)"
    r"|(?P<number>(?<![\w.$-])[-+]?\d[\w.:+-]*)",
    re.DOTALL,
)
_IS_NAME: Final = re.compile(r"[ \t]*[:=]")
_MARKS: Final = {"//": "//...", "/*": "/*...*/"}


def showable(entry: Mapping[str, Any]) -> frozenset[str]:
    """The values of an entry of this program, as texts, without an API key that stands in it."""
    return frozenset(_values(entry))


def commands(*entries: Any) -> frozenset[str]:
    """The words of commands; what else stands in an entry, somebody may have added by hand."""
    return frozenset(word for entry in entries for word in words(entry))


def masked(text: str, shown: Collection[str]) -> str:
    """A text in JSON or TOML in which every value but those, and every comment, is three dots.

    It need not know where an entry begins: a value that this program wrote is no secret wherever it stands.
    """

    def mask(match: re.Match[str]) -> str:
        token = match[0]
        if match["comment"]:
            return _MARKS.get(token[:2], "#...")
        if _IS_NAME.match(text, match.end()) or _value(token) in shown:
            return token
        return '"..."' if match["text"] else "..."

    return _TOKEN.sub(mask, text)


def _values(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            # A reference to a variable, in whatever words the client has for it, is what shall be seen.
            if name != _KEY or "$" in inner or "{" in inner:
                yield from _values(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _values(inner)
    else:
        yield str(value)


def _value(token: str) -> str:
    """What a token says, where it is written as this program writes; no value of ours is like any other."""
    try:
        return str(json.loads(token))
    except ValueError:
        return token
