"""Shows which files of the package a call crosses: `python -m scripts.trace` follows a read and a confirmed delete.

The call goes the whole way, from an MCP client in this process to the sandbox and back. What happens inside the sandbox
does not count, nor does what an import runs.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, Final

import anyio
from mcp import Client

from capgo_mcp.config.settings import Settings
from capgo_mcp.server.mcp import OneCaller, build
from capgo_mcp.server.tools import Toolbox

PACKAGE: Final = Path(__file__).parents[1] / "capgo_mcp"

READ: Final = ("capgo_get_channel", {"app_id": "com.demo.app", "channel": "beta"})
DELETE: Final = ("capgo_delete_channel", {"app_id": "com.demo.app", "channel": "qa", "confirm": True})


async def way(tool: str, arguments: dict[str, Any]) -> list[str]:
    """The files that a call crosses, in the order in which it comes to them.

    Raises:
        RuntimeError: The call did not do what was asked, so this was not its way.
    """
    settings = Settings.read({"sandbox": True}, {})
    async with settings.connect() as capgo:
        server = build(OneCaller(partial(Toolbox, capgo, settings)), settings)
        async with Client(server) as client:
            await client.call_tool(*READ)  # opens the connection
            look = {name: value for name, value in arguments.items() if name != "confirm"}
            await client.call_tool(tool, look)  # builds what a first call builds
            with _crossed() as files:
                result = await client.call_tool(tool, arguments)
    if result.is_error or not (result.structured_content or {}).get("done", True):
        raise RuntimeError(f"{tool} failed: {result.content}")
    return list(files)


@contextmanager
def _crossed() -> Iterator[dict[str, None]]:
    """The files of the package whose functions are called while the block runs."""
    files: dict[str, None] = {}

    def note(frame: FrameType, event: str, _: Any) -> None:
        path = Path(frame.f_code.co_filename)
        if event == "call" and frame.f_code.co_name != "<module>" and path.is_relative_to(PACKAGE):
            name = str(path.relative_to(PACKAGE))
            if not name.startswith("sandbox"):
                files.setdefault(name)

    sys.setprofile(note)
    try:
        yield files
    finally:
        sys.setprofile(None)


def main() -> None:
    """Print both ways."""
    for tool, arguments in (READ, DELETE):
        files = anyio.run(way, tool, arguments)
        print(f"{tool}: {len(files)} files")
        for name in files:
            print(f"  {name}")


if __name__ == "__main__":
    main()
