"""A server that stops without losing a call: first it says that it will, then it finishes what runs."""

import asyncio
import signal
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import FrameType
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Lifespan, Message, Receive, Scope, Send


class Draining:
    """Whether this process is about to stop.

    At SIGTERM it becomes so, and goes on serving for a while, in which readiness lets fronts send no more and each
    answer ends its connection; then the signal takes its course. A second signal does not wait.

    Args:
        notice: Seconds to go on serving.

    Attributes:
        begun: Whether it has been told to stop.
    """

    def __init__(self, notice: float) -> None:
        self.begun = False
        self._notice = notice

    @contextmanager
    def watching(self) -> Iterator[None]:
        """A block in which SIGTERM is heard, if signals reach this thread."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        # Uvicorn's own by now, which ends the server.
        before: Any = signal.getsignal(signal.SIGTERM)

        def hear(number: int, frame: FrameType | None) -> None:
            if not callable(before):
                return
            if self.begun:
                before(number, frame)
            else:
                self.begun = True
                # A signal is handled between two steps of the loop, which may be asleep: this wakes it.
                loop.call_soon_threadsafe(loop.call_later, self._notice, before, number, frame)

        signal.signal(signal.SIGTERM, hear)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)

    def within(self, lifespan: Lifespan[Any]) -> Lifespan[Any]:
        """The lifespan of an application, during which SIGTERM is heard."""

        @asynccontextmanager
        async def both(app: Any) -> AsyncIterator[Any]:
            with self.watching():
                async with lifespan(app) as state:
                    yield state

        return both


class LastAnswers:
    """Ends connections with their answers while the server is about to stop, so that none is called into the void.

    Args:
        app: What answers the requests.
        draining: Whether the server is about to stop.
    """

    def __init__(self, app: ASGIApp, draining: Draining) -> None:
        self._app = app
        self._draining = draining

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""

        async def ended(message: Message) -> None:
            if message["type"] == "http.response.start" and self._draining.begun:
                MutableHeaders(scope=message)["connection"] = "close"
            await send(message)

        await self._app(scope, receive, ended if scope["type"] == "http" else send)
