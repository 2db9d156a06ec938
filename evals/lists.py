"""Lists of tools to compare: this server's, the vendor's, and the one that a generic OpenAPI wrapper makes."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import anyio
import httpx2

from capgo_mcp.client.key import StaticKey
from capgo_mcp.config.settings import Settings
from capgo_mcp.server.selection import chosen

_VENDOR: Final = ("npx", "--yes", "@capgo/cli@8.68.1", "mcp")
_PROTOCOL: Final = "2025-06-18"


class Tool(NamedTuple):
    """What a tool search looks at."""

    name: str
    description: str
    arguments: str
    """The names of the arguments, each with its description."""

    @classmethod
    def of(cls, name: str, description: str | None, schema: Mapping[str, Any]) -> Self:
        """The tool of a definition, which is all that a client knows."""
        properties: Mapping[str, Any] = schema.get("properties", {})
        told = (f"{argument} {rule.get('description', '')}" for argument, rule in properties.items())
        return cls(name, description or "", " ".join(told))


def ours(toolsets: frozenset[str]) -> tuple[Tool, ...]:
    """The tools of this server."""
    seen = [tool.definition() for tool in chosen(Settings(StaticKey(""), toolsets=toolsets))]
    return tuple(Tool.of(one.name, one.description, one.input_schema) for one in seen)


def vendors() -> tuple[Tool, ...]:
    """The tools of the vendor's server, asked for when it runs; none where npm cannot be used."""
    if shutil.which(_VENDOR[0]) is None:
        return ()
    pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
    process = subprocess.Popen(_VENDOR, stdin=pipe, stdout=pipe, stderr=nowhere, text=True)
    try:
        opening = {"protocolVersion": _PROTOCOL, "capabilities": {}, "clientInfo": {"name": "evals", "version": "1"}}
        _ask(process, "initialize", opening)
        listed = _ask(process, "tools/list", {})["tools"]
    except (OSError, ValueError, KeyError):
        return ()
    finally:
        process.kill()
        process.wait()
    return tuple(Tool.of(one["name"], one.get("description"), one["inputSchema"]) for one in listed)


def wrappers(openapi: Path) -> tuple[Tool, ...]:
    """The tools that FastMCP makes from Capgo's OpenAPI file."""
    return anyio.run(_wrapped, json.loads(openapi.read_text(encoding="utf-8")))


async def _wrapped(document: dict[str, Any]) -> tuple[Tool, ...]:
    fastmcp = import_module("fastmcp")  # only there under `make evals`
    async with httpx2.AsyncClient(base_url="http://nowhere.invalid") as client:
        server = fastmcp.FastMCP.from_openapi(openapi_spec=document, client=client)
        listed = [tool.to_mcp_tool() for tool in await server.list_tools()]
    return tuple(Tool.of(one.name, one.description, one.input_schema) for one in listed)


def _ask(process: "subprocess.Popen[str]", method: str, params: Mapping[str, Any]) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}) + "\n")
    process.stdin.flush()
    result: dict[str, Any] = json.loads(process.stdout.readline())["result"]
    return result
