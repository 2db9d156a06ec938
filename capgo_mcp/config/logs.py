"""What goes to stderr, a line per event: for people, or as JSON for a log collector. stdout belongs to the protocol."""

import json
import logging
import re
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from capgo_mcp.api.text import quoted
from capgo_mcp.client.origin import ORIGIN

_TEXT: Final = "%(asctime)s %(name)s %(message)s"
_PLAIN: Final = re.compile(r"[\w@.:+-]+", re.ASCII)
# Two come with the formatting, one with Python 3.12, and the last with uvicorn.
_USUAL: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
"""What every record has; anything else was added with `extra` and is a fact about the event."""


class TextFormatter(logging.Formatter):
    """Writes a record as a line for people, with what is known of its origin at the end."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name that logging calls
        """The first line; a traceback comes after it."""
        known = [f"{name}={_word(text)}" for name, text in ORIGIN.get().items()]
        return " ".join([super().formatMessage(record), *known])


class JsonFormatter(logging.Formatter):
    """Writes a record as one JSON object on one line, the facts of `extra` among its members."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= ORIGIN.get()
        line |= {name: value for name, value in vars(record).items() if name not in _USUAL and name not in line}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def _word(value: str) -> str:
    """A value that cannot be taken for more than one, nor for another line."""
    return value if _PLAIN.fullmatch(value) else quoted(value)


@dataclass(frozen=True)
class Logs:
    """What is logged, and how it is written.

    Attributes:
        level: From which level on this package logs; everything else warns only.
        style: `text` or `json`.
    """

    level: str = "INFO"
    style: str = "text"

    def start(self) -> None:
        """Log so from now on, in this process."""
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(JsonFormatter() if self.style == "json" else TextFormatter(_TEXT))
        logging.basicConfig(handlers=[handler], level=logging.WARNING)
        logging.getLogger("capgo_mcp").setLevel(self.level)
