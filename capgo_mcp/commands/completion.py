"""What a shell has to know to complete the command line: written by shtab, which is an optional extra."""

import argparse
from importlib.util import find_spec
from typing import Final

from capgo_mcp.catalog import every_tool
from capgo_mcp.commands.parser import actions
from capgo_mcp.config.options import SettingsError
from capgo_mcp.install.clients import CLIENTS

_NAMES: Final = {
    "TOOL": [tool.spec.name for tool in every_tool()],
    "CLIENT": [client.name for client in CLIENTS],
}
"""What can stand for an argument that argparse takes as any word."""


def completion(whole: argparse.ArgumentParser, shell: str) -> str:
    """A script for a shell, which completes commands, flags, tools, clients and files.

    Raises:
        SettingsError: The extra is not installed.
    """
    if find_spec("shtab") is None:
        raise SettingsError("completion needs the extra capgo-mcp[completion], which is not installed.")
    import shtab  # noqa: PLC0415 - an optional extra

    for action in actions(whole):
        if action.metavar == "FILE":
            action.complete = shtab.FILE  # type: ignore[attr-defined]  # where shtab looks for it
        elif isinstance(action.metavar, str) and action.metavar in _NAMES:
            action.choices = _NAMES[action.metavar]
    return shtab.complete(whole, shell)
