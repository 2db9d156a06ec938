"""How what Capgo tells reads: texts that strangers wrote are made harmless and quoted, moments are told in UTC.

Texts (device ids, comments, names) are data, never instructions.
"""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from pydantic import PlainSerializer, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import to_json

LIMIT: Final = 500
"""Characters of one text that are shown; the rest is cut off, with a mark."""

_NAMES: Final = frozenset(
    {"name", "version_name", "channel", "device_id", "custom_id", "served_by", "default_channels", "other_channels"}
)
"""Facts that are names of things, one or several."""
_WRITTEN_OUT: Final = 8
"""Characters that nobody sees and that are written out; more of them are a text for machines."""
_BREAKS: Final = frozenset({"Cc", "Zl", "Zp"})
_HIDDEN: Final = frozenset({"Cf", "Cn", "Co", "Cs"})
_IGNORABLE: Final = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""What Unicode wants to be shown as nothing (Default_Ignorable_Code_Point), letters and marks among it."""
_JOINERS: Final = re.compile(
    "((?<=[\u0600-\u109f\u1780-\u17ff])[\u200c\u200d](?=[\u0600-\u109f\u1780-\u17ff])"  # Persian, Indic
    "|(?<=[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff])[\ufe0e\ufe0f]|(?<=[0-9#*])\ufe0f(?=\u20e3)"
    "|(?<=[\u2190-\u2bff\ufe0f\U0001f000-\U0001faff])\u200d(?=[\u2190-\u2bff\U0001f000-\U0001faff]))"  # emoji
)
"""The same where they change what is seen: without them a word is spelled wrong, and a family is three people."""


def compact(facts: object) -> str:
    """Facts as JSON text without white space."""
    return to_json(facts).decode()


def is_plain(text: str) -> bool:
    """Whether a text is shown as it is, and so is each of its parts, as a name or otherwise: nearly all are."""
    return text.isascii() and text.isprintable() and len(text) <= LIMIT


def clean(text: str) -> str:
    """Text without control, zero-width and direction characters, at a length that is sane to read.

    It says how many characters were there that nobody sees: somebody may have put them there for a machine to read.
    """
    if is_plain(text):
        return text
    seen = visible(text)
    hidden = len(text) - len(seen)
    if len(seen) > LIMIT:
        seen = f"{seen[:LIMIT]}… (cut)"
    return f"{seen} ({hidden} hidden)" if hidden else seen


def visible(text: str) -> str:
    """The characters of a text that can be seen, with a space for each break."""
    breaks = {ord(c): " " for c in set(text) if unicodedata.category(c) in _BREAKS}
    gone = breaks | {ord(c): None for c in set(text) if _is_hidden(c)}
    if not gone:
        return text
    parts = _JOINERS.split(text)  # every second one is a joiner
    return "".join(part if turn % 2 else part.translate(gone) for turn, part in enumerate(parts))


def _is_hidden(character: str) -> bool:
    if "\U0001f6d0" <= character <= "\U0001f6ff" or "\U0001fa70" <= character <= "\U0001faff":
        return False  # where emoji are added that are newer than this Python
    return unicodedata.category(character) in _HIDDEN or bool(_IGNORABLE.match(character))


def named(name: str) -> str:
    """A name as it is shown: what nobody sees of it is written out and counted, so that it passes for no other name."""
    if is_plain(name):
        return name
    parts = _JOINERS.split(name)  # every second one is a joiner
    counted = Counter("".join(parts[::2]))
    written_out = {ord(character): _written_out(character) for character in counted if _is_altered(character)}
    altered = sum(counted[chr(code)] for code in written_out)
    if not 0 < altered <= _WRITTEN_OUT:
        return clean(name)
    shown = "".join(part if turn % 2 else part.translate(written_out) for turn, part in enumerate(parts))
    return clean(f"{shown} ({altered} hidden)")


def _is_altered(character: str) -> bool:
    return _is_hidden(character) or unicodedata.category(character) in _BREAKS


def _written_out(character: str) -> str:
    return f"\\u{ord(character):04x}" if character <= "\uffff" else f"\\U{ord(character):08x}"


def looks(name: str) -> str:
    """What people see of a name: two names for which it is the same cannot be told apart."""
    # NFKC makes full-width letters and ligatures plain; look-alikes from other alphabets stay apart, as they
    # are letters of real names.
    return " ".join(unicodedata.normalize("NFKC", visible(name)).split())


def plain(name: str) -> str:
    """A name as it is.

    Raises:
        ValueError: No answer would show it so: it would mean another thing than it seems.
    """
    if clean(name) != name:
        raise ValueError(f"must not have hidden characters or more than {LIMIT} of them")
    return name


def shown_as(name: str, text: str) -> str:
    """The text of a fact as it is shown: a name of something is written out."""
    return named(text) if name in _NAMES else clean(text)


def cleaned(value: Any, show: Callable[[str], str] = clean) -> Any:
    """JSON whose texts are clean, the names in it included; those by which calls are made are written out."""
    if isinstance(value, str):
        return show(value)
    if isinstance(value, list):
        return [cleaned(item, show) for item in value]
    if isinstance(value, dict):
        return {clean(name): cleaned(item, named if name in _NAMES else clean) for name, item in value.items()}
    return value


def whole(text: str) -> str:
    """The text without halves of characters (lone surrogates), which JSON can name and no encoding can carry."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def quoted(text: str) -> str:
    """The cleaned text in quotes, for use inside a sentence of ours: it cannot end the quotes."""
    return json.dumps(clean(text), ensure_ascii=False)


def _in_utc(value: Any, handler: ValidatorFunctionWrapHandler) -> datetime:
    """Capgo writes moments in four ways, one of them without a zone; all mean UTC.

    Postgres writes the zone as `+00`, which the standard library reads and pydantic does not.
    """
    moment: datetime = datetime.fromisoformat(value) if isinstance(value, str) else handler(value)
    if moment.tzinfo is UTC:
        return moment
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:  # at the end of the calendar
        raise ValueError(error) from error


def minute(moment: datetime) -> str:
    """A moment in UTC as agents read it."""
    # Apart, for together they are asked for their offset, which takes as long again.
    return f"{moment.date().isoformat()}T{moment.time().isoformat('minutes')}Z"


Timestamp = Annotated[datetime, WrapValidator(_in_utc), PlainSerializer(minute, when_used="json")]
"""A moment in UTC; agents read it to the minute: `2026-11-21T19:24Z`."""
