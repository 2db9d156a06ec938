"""Lists of tools to compare: this server's, and the one that the vendor's command line serves."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from capgo_mcp.catalog import every_tool
from capgo_mcp.definitions import stored

_VENDOR: Final = ("npx", "--yes", "@capgo/cli@8.68.1", "mcp")
_PROTOCOL: Final = "2025-06-18"


@dataclass(frozen=True)
class Tool:
    """A tool as a client sees it."""

    name: str
    description: str
    schema: Mapping[str, Any]

    @property
    def text(self) -> str:
        """What a tool search looks at."""
        return f"{self.name.removeprefix('capgo_').replace('_', ' ')}: {self.description}"


def ours() -> list[Tool]:
    """The tools of this server, all toolsets on."""
    definitions = [stored(kind) for kind in every_tool()]
    return [Tool(one.name, one.description or "", one.input_schema) for one in definitions]


def vendors() -> list[Tool]:
    """The tools of the vendor's server, asked for when it runs; none where npm cannot be used."""
    if shutil.which(_VENDOR[0]) is None:
        return []
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    process = subprocess.Popen(_VENDOR, stdin=pipe, stdout=pipe, stderr=nowhere, text=True)
    try:
        opening = {"protocolVersion": _PROTOCOL, "capabilities": {}, "clientInfo": {"name": "evals", "version": "1"}}
        _ask(process, "initialize", opening)
        tools = _ask(process, "tools/list", {})["tools"]
    except (OSError, ValueError, KeyError):
        return []
    finally:
        process.kill()
        process.wait()
    return [Tool(one["name"], one.get("description", ""), one["inputSchema"]) for one in tools]


def _ask(process: "subprocess.Popen[str]", method: str, params: Mapping[str, Any]) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}) + "\n")
    process.stdin.flush()
    result: dict[str, Any] = json.loads(process.stdout.readline())["result"]
    return result
