"""What every framework is asked to do; it stands beside the programs, whose environments have nothing of ours."""

import inspect
import json
import os
import sys
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

COMMAND = os.environ["CAPGO_MCP"]
"""The server's program."""
ARGUMENTS = ["--sandbox", "--log-level", "WARNING"]
APP = {"app_id": "com.demo.app"}
CALLS = {
    "call": ("capgo_list_devices", {**APP, "limit": 2}),
    "preview": ("capgo_delete_channel", {**APP, "channel": "qa"}),
    "error": ("capgo_get_channel", {**APP, "channel": "nope"}),
}


async def report(package: str, names: list[str], schemas: list[Any], call: Callable[..., Any]) -> None:
    """Print what the framework sees, as a line of JSON.

    Args:
        package: What is installed, for its version.
        names: The tools it lists.
        schemas: The schemas that it made for a model.
        call: Calls a tool; gives what a model reads, and whether the framework takes it for a failure.
    """
    seen: dict[str, Any] = {
        "version": version(package),
        "sdk": version("mcp"),
        "tools": len(names),
        "schemas": len([s for s in schemas if s]),
    }
    for what, (name, arguments) in CALLS.items():
        try:
            answer = call(name, arguments)
            text, failed = await answer if inspect.isawaitable(answer) else answer
        except Exception as error:  # noqa: BLE001 - how a framework tells a failure is what is asked here
            text, failed = str(error), True
        seen[what] = {"text": str(text)[:2000], "failed": bool(failed)}
    sys.stdout.write(f"\n{json.dumps(seen)}\n")
    sys.stdout.flush()
