"""An upstream that answers at once, with what the sandbox answered: PORT. What is measured is what stands before it."""

import sys
from typing import Final

import anyio
import httpx2
import uvicorn
from starlette.types import Receive, Scope, Send

from capgo_mcp.sandbox import ADMIN_KEY
from capgo_mcp.sandbox.embedded import ADDRESS, EmbeddedSandbox
from capgo_mcp.sandbox.seed.people import DEMO_APP

READS: Final = {
    "/device": {"app_id": DEMO_APP, "limit": "50"},
    "/bundle": {"app_id": DEMO_APP},
    "/channel": {"app_id": DEMO_APP, "channel": "production"},
}


async def _answers() -> dict[str, bytes]:
    async with httpx2.AsyncClient(base_url=ADDRESS, transport=EmbeddedSandbox()) as http:
        headers = {"authorization": ADMIN_KEY}
        return {path: (await http.get(path, params=asked, headers=headers)).content for path, asked in READS.items()}


class Canned:
    """Answers a path with the same bytes each time, and whatever else with nothing.

    Args:
        answers: The bytes of each path.
    """

    def __init__(self, answers: dict[str, bytes]) -> None:
        self._answers = answers

    async def __call__(self, scope: Scope, _: Receive, send: Send) -> None:
        """Answer a request."""
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self._answers.get(scope["path"], b"{}")})


def main() -> None:
    """Serve on the port that the command line names."""
    app = Canned(anyio.run(_answers))
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", lifespan="off", timeout_keep_alive=600, ws="none")


if __name__ == "__main__":
    main()
