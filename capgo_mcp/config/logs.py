"""What goes to stderr, a line per event: for people, or as JSON for a log collector. stdout belongs to the protocol."""

import json
import logging
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

_TEXT: Final = "%(asctime)s %(name)s %(message)s"
_USUAL: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
"""What every record has; anything else was added with `extra` and is a fact about the event."""


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
        line |= {name: value for name, value in vars(record).items() if name not in _USUAL and name not in line}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


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
        handler.setFormatter(JsonFormatter() if self.style == "json" else logging.Formatter(_TEXT))
        logging.basicConfig(handlers=[handler], level=logging.WARNING)
        logging.getLogger("capgo_mcp").setLevel(self.level)
