"""A short way to ask a sandbox something."""

from typing import Any
from urllib.parse import urlencode

import httpx2

from capgo_mcp.sandbox import ADMIN_KEY, State, create_app

APP = "com.demo.app"


class Caller:
    """Asks a sandbox in process, as the admin key unless told otherwise."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._transport = httpx2.ASGITransport(app=create_app(state))

    async def ask(
        self,
        what: str,
        sent: Any = None,
        *,
        key: str | None = ADMIN_KEY,
        headers: dict[str, str] | None = None,
        content: str | None = None,
    ) -> httpx2.Response:
        """Ask "METHOD /path", with parameters in the query of a GET and in the body of anything else."""
        method, path = what.split(" ", 1)
        credentials = {"capgkey": key} if key else {}
        if method in {"GET", "HEAD"} and sent:
            path = f"{path}?{urlencode(sent)}"
        body = {} if method in {"GET", "HEAD"} or sent is None else {"json": sent}
        async with httpx2.AsyncClient(transport=self._transport, base_url="https://sandbox.example.com") as client:
            headers = credentials | (headers or {})
            return await client.request(method, path, headers=headers, **({"content": content} if content else body))


def code(response: httpx2.Response) -> tuple[int, str]:
    """Give the status and machine code of a refusal."""
    return response.status_code, response.json()["error"]
