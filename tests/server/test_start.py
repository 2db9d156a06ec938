"""What a client waits for when it starts the server: nothing is imported that the first list of tools does not need."""

import json
import subprocess
import sys
from typing import Final

from tests.server.test_stdio import environment
from tests.support.limits import GENEROUS

MESSAGES: Final = (
    {"id": 0, "method": "initialize",
     "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "tests", "version": "1"}}},
    {"method": "notifications/initialized"},
    {"id": 1, "method": "tools/list", "params": {}},
)  # fmt: skip
_TELL: Final = """
import atexit, json, sys
atexit.register(lambda: print(json.dumps(sorted(sys.modules)), file=sys.stderr))
"""
OURS: Final = f"""{_TELL}
from capgo_mcp.commands.cli import main
main(["--sandbox", "--log-level", "ERROR"])
"""
BARE: Final = f"""{_TELL}
import runpy
runpy.run_module("bench.bare", run_name="__main__")
"""
"""The least a server on the same SDK can be."""
ROOMS: Final = (
    *("agent", "api", "catalog", "client", "config", "insights", "operations", "safety", "server"),
    *("commands.cli", "commands.parser", "sandbox.embedded"),
)
"""What is needed of this package; of the command line and the sandbox, only what begins with them."""
OUTSIDE: Final = {"anyio", "argparse", "difflib", "gc", "opentelemetry", "pydantic"}
"""Packages beyond those of a bare server, or parts of them that it has no use for."""


def imported(program: str) -> set[str]:
    """The modules that a program has imported when it has answered the first list of tools."""
    lines = "".join(json.dumps({"jsonrpc": "2.0", **message}) + "\n" for message in MESSAGES).encode()
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, input=lines, capture_output=True, env=environment(), timeout=GENEROUS, check=True)
    assert b'"tools":[' in ended.stdout
    return set(json.loads(ended.stderr.splitlines()[-1]))


def test_a_start_imports_what_it_needs_and_no_more() -> None:
    """Beyond a bare server on the same SDK there are few modules, and each stands on this list."""
    more = imported(OURS) - imported(BARE)
    rooms = {name.removeprefix("capgo_mcp.") for name in more if name.startswith("capgo_mcp.")}
    assert {name for name in rooms if not any(f"{name}.".startswith(f"{room}.") for room in ROOMS)} == {
        "commands",
        "sandbox",
    }
    assert {name.partition(".")[0] for name in more} - {"capgo_mcp"} <= OUTSIDE
