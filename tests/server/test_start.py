"""What a client waits for when it starts the server: nothing is imported that the first list of tools does not need."""

import json
import subprocess
import sys
from typing import Final

from tests.server.test_stdio import environment
from tests.support.limits import GENEROUS
from tests.support.tools import child

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
OURS_AT_START: Final = {
    "agent": {"definitions"},
    "api": {"answers", "behaviour", "errors", "fields", "operation", "text"},
    "catalog": set(),
    "client": {"address", "bounds", "clock", "defaults", "key", "origin", "version"},
    "commands": {"cli", "parser"},
    "config": {
        *("credentials", "garbage", "keystore", "keytext", "logs", "machine", "options", "private_file"),
        *("settings", "signed_in"),
    },
    "safety": {"elicitation", "tokens"},
    "sandbox": {"embedded"},
    "server": {
        *(
            "apps",
            "icons",
            "identity",
            "lines",
            "mcp",
            "pipes",
            "prompts",
            "recipes",
            "resources",
            "selection",
            "skills",
        ),
        *("stdio",),
    },
}
"""What is needed of this package, room by room. No operation is among it: those come with the first call."""
OUTSIDE: Final = {"anyio", "argparse", "difflib", "gc", "pydantic"}
"""Packages beyond those of a bare server, or parts of them that it has no use for."""


def imported(program: str) -> set[str]:
    """The modules that a program has imported when it has answered the first list of tools."""
    command = [sys.executable, "-c", program]
    pipe = subprocess.PIPE
    with child(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment()) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for message in MESSAGES:
            process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
            process.stdin.flush()
            # The answer is waited for before stdin is closed: the SDK need not answer what comes right before the end.
            answer = process.stdout.readline() if "id" in message else b""
        assert b'"tools":[' in answer
        _, told = process.communicate(timeout=GENEROUS)
    return set(json.loads(told.splitlines()[-1]))


def test_a_start_imports_what_it_needs_and_no_more() -> None:
    """Beyond a bare server on the same SDK there are few modules, and each stands on this list."""
    more = imported(OURS) - imported(BARE)
    parts = [name.split(".")[1:3] for name in more if name.startswith("capgo_mcp.")]
    assert [part for part in parts if not set(part[1:]) <= OURS_AT_START.get(part[0], set())] == []
    assert {part[0] for part in parts} <= OURS_AT_START.keys()
    assert {name.partition(".")[0] for name in more} - {"capgo_mcp"} <= OUTSIDE
