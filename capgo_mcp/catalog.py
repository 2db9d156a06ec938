"""Every tool there can be: the operations of the API, and the insights over them."""

from typing import Any, Final

from capgo_mcp.api.operation import Declared
from capgo_mcp.insights import BATCHES, INSIGHTS
from capgo_mcp.operations import DEFAULT, OPT_IN, every, toolset

TOOLSETS: Final = frozenset({*map(toolset, (*DEFAULT, *OPT_IN)), *(insight.spec.toolset for insight in INSIGHTS)})
"""All toolsets."""

DEFAULT_TOOLSETS: Final = TOOLSETS - frozenset(map(toolset, OPT_IN))
"""Toolsets that are on unless settings say otherwise."""


def every_tool() -> list[type[Declared[Any]]]:
    """Everything that can be a tool, toolset by toolset."""
    return [*every(), *INSIGHTS, *BATCHES]
