"""Routes as rows of a table, and the search for the one a call means."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any
from urllib.parse import unquote

from capgo_mcp.sandbox.auth import Middleware
from capgo_mcp.sandbox.call import Call

Handler = Callable[[Call], Any]


class Source(Enum):
    """Where a route reads its parameters."""

    QUERY = auto()
    BODY = auto()
    EITHER = auto()
    FORM = auto()
    """A form, or the same as a JSON object."""
    PATH = auto()


@dataclass(frozen=True)
class Route:
    """One line of the routing table: what to call, behind which middleware, with parameters from where."""

    method: str
    path: str
    handler: Handler
    middleware: Middleware = Middleware.KEY
    source: Source | None = None
    status: int = 200

    @property
    def reads(self) -> Source:
        """Where the parameters are, which follows from the method unless the route says otherwise."""
        return self.source or (Source.QUERY if self.method == "GET" else Source.EITHER)


class Router:
    """The routing table: exact methods, one optional trailing slash, nothing else."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes = [(route, _pattern(route.path)) for route in routes]

    def find(self, method: str, raw_path: str) -> tuple[Route, dict[str, str]] | None:
        """Find the route of a call and the decoded values in its path."""
        for route, pattern in self._routes:
            match = pattern.fullmatch(raw_path) if route.method == method else None
            if match:
                return route, {name: unquote(value) for name, value in match.groupdict().items()}
        return None


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path)) + "/?")
