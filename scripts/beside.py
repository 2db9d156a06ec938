"""The table of this server beside its peers, from the last run of `make bench PEERS=1`."""

import json
from typing import Any, Final

from bench.peers.beside import BARE, FILE
from scripts.markdown import table

_HEAD: Final = ("", "start", "memory", "a call adds", "calls a second", "its tools", "50 devices", "50 bundles")


def section() -> str:
    """When and where it was measured, and the table; times are multiples of what the SDK alone takes."""
    told = json.loads(FILE.read_text(encoding="utf-8"))
    bare = told["servers"][BARE]
    rows = [_row(name, one, bare) for name, one in told["servers"].items()]
    return f"Measured on {told['date']} ({told['machine']}), all in turns:\n\n{table(_HEAD, rows)}"


def _row(name: str, one: dict[str, Any], bare: dict[str, Any]) -> tuple[str, ...]:
    times = [f"x{one[what] / bare[what]:.2f}" if one[what] else "" for what in ("start", "memory", "adds", "rate")]
    rows = one["rows"] or {}
    tokens = [
        f"{count:,} tokens" if count else "" for count in (one["tools"], rows.get("devices"), rows.get("bundles"))
    ]
    return (name, *times, *tokens)
