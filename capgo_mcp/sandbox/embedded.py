"""The sandbox inside this process: carries requests to it without a network."""

from typing import Final

import httpx2

from capgo_mcp.api.behaviour import Behaviour

ADDRESS: Final = "http://sandbox.invalid"
"""Where it is asked; a name that no network has, so that nothing can leave this process by mistake."""


class EmbeddedSandbox(httpx2.AsyncBaseTransport):
    """A transport to a sandbox of its own, which is built at the first request so that starting costs nothing."""

    def __init__(self, behaviour: Behaviour = Behaviour.NOVEMBER) -> None:
        self._behaviour = behaviour
        self._inner: httpx2.ASGITransport | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer a request out of the sandbox's memory."""
        if self._inner is None:
            from capgo_mcp.sandbox import create_app, seeded  # noqa: PLC0415 - only a sandbox session needs it

            self._inner = httpx2.ASGITransport(app=create_app(seeded(behaviour=self._behaviour)))
        return await self._inner.handle_async_request(request)


class SandboxKey:
    """The key with every right in the sandbox."""

    async def read(self) -> str:
        """The key, which opens nothing but the sandbox."""
        from capgo_mcp.sandbox import ADMIN_KEY  # noqa: PLC0415 - only a sandbox session needs it

        return ADMIN_KEY
