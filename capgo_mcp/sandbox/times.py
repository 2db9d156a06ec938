"""Points in time, in the two spellings the API mixes."""

import re
from datetime import UTC, datetime

# The data layer leaves out the zeros at the end of a fraction.
_FRACTION = re.compile(r"\.0+(?=\+)|0+(?=\+)")


def postgres(moment: datetime) -> str:
    """Spell a moment as the data layer does: microseconds when there are any, and an offset."""
    text = moment.isoformat()
    return _FRACTION.sub("", text, count=1) if "." in text else text


def javascript(text: str | None) -> str | None:
    """Respell a data-layer timestamp as JavaScript does: milliseconds and a Z."""
    return None if text is None else parsed(text).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parsed(text: str) -> datetime:
    """Read a timestamp in either spelling, or a plain day; raise ValueError for anything else."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def is_moment(value: object) -> bool:
    """Tell whether a value is text that reads as a point in time."""
    try:
        return isinstance(value, str) and bool(parsed(value))
    except (ValueError, OverflowError):
        return False
