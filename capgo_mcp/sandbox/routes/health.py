"""The liveness probe."""

from capgo_mcp.sandbox.answers import OK, Row
from capgo_mcp.sandbox.auth import Middleware
from capgo_mcp.sandbox.call import Call
from capgo_mcp.sandbox.routing import Route, Source


def alive(_: Call) -> Row:
    """Say that the service is up; keys are not looked at."""
    return OK


ROUTES = (Route("GET", "/ok", alive, Middleware.NONE, Source.PATH),)
