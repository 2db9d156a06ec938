"""Who calls: the tools and the account that belong to a request."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any, Protocol

from mcp.server import ServerRequestContext

from capgo_mcp.server.tools import Toolbox

RequestContext = ServerRequestContext[Any]


class Callers(Protocol):
    """Everyone a server serves."""

    def open(self, server: object, /) -> AbstractAsyncContextManager[None]:
        """The time during which they are served."""
        ...

    def toolbox(self, context: RequestContext, /) -> AbstractAsyncContextManager[Toolbox]:
        """The tools of whoever made a request, for as long as the block runs."""
        ...

    def principal(self, context: RequestContext, /) -> str | None:
        """Who made a request, to tell whether the next one comes from the same; None where there is only one."""
        ...


class OneCaller:
    """The client at the other end of stdin and stdout."""

    def __init__(self, toolbox: Toolbox) -> None:
        self._toolbox = toolbox

    def open(self, _: object) -> AbstractAsyncContextManager[None]:
        """Whoever made the tools also opens and closes their connections."""
        return nullcontext()

    @asynccontextmanager
    async def toolbox(self, _: RequestContext) -> AsyncIterator[Toolbox]:
        """The only tools there are."""
        yield self._toolbox

    def principal(self, _: RequestContext) -> str | None:
        """Nobody else can call."""
        return None
