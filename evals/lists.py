"""Lists of tools to compare: this server's, the vendor's, and the one that a generic OpenAPI wrapper makes."""

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import anyio
import httpx2
from fastmcp import FastMCP  # type: ignore[import-not-found]  # only there under `make evals`

from capgo_mcp.client.key import StaticKey
from capgo_mcp.config.settings import Settings
from capgo_mcp.server import tools

_VENDOR: Final = ("npx", "--yes", "@capgo/cli@8.68.1", "mcp")
_PROTOCOL: Final = "2025-06-18"
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True)
class Tool:
    """A tool as a client sees it."""

    name: str
    description: str
    schema: Mapping[str, Any]
    origin: tools.Tool | None = None
    """What is behind it where it is this server's."""

    @property
    def text(self) -> str:
        """What a tool search looks at."""
        words = _CAMEL.sub(" ", self.name.removeprefix("capgo_").replace("_", " "))
        return f"{words}: {self.description}"


def ours(toolsets: frozenset[str], app: str | None = None) -> list[Tool]:
    """The tools of this server, as they are without `--app` or with it."""
    chosen = tools.chosen(Settings(StaticKey(""), toolsets=toolsets, app=app))
    seen = [(tool, tool.definition()) for tool in chosen]
    return [Tool(one.name, one.description or "", one.input_schema, tool) for tool, one in seen]


def vendors() -> list[Tool]:
    """The tools of the vendor's server, asked for when it runs; none where npm cannot be used."""
    if shutil.which(_VENDOR[0]) is None:
        return []
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    process = subprocess.Popen(_VENDOR, stdin=pipe, stdout=pipe, stderr=nowhere, text=True)
    try:
        opening = {"protocolVersion": _PROTOCOL, "capabilities": {}, "clientInfo": {"name": "evals", "version": "1"}}
        _ask(process, "initialize", opening)
        listed = _ask(process, "tools/list", {})["tools"]
    except (OSError, ValueError, KeyError):
        return []
    finally:
        process.kill()
        process.wait()
    return [Tool(one["name"], one.get("description", ""), one["inputSchema"]) for one in listed]


def wrappers(openapi: Path | None) -> list[Tool]:
    """The tools that FastMCP makes from Capgo's OpenAPI file; none without the file."""
    return anyio.run(_wrapped, json.loads(openapi.read_text(encoding="utf-8"))) if openapi else []


async def _wrapped(document: dict[str, Any]) -> list[Tool]:
    async with httpx2.AsyncClient(base_url="http://nowhere.invalid") as client:
        server = FastMCP.from_openapi(openapi_spec=document, client=client)
        listed = [tool.to_mcp_tool() for tool in await server.list_tools()]
    return [Tool(one.name, one.description or "", one.input_schema) for one in listed]


def _ask(process: "subprocess.Popen[str]", method: str, params: Mapping[str, Any]) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}) + "\n")
    process.stdin.flush()
    result: dict[str, Any] = json.loads(process.stdout.readline())["result"]
    return result
