"""Every tool there can be: the operations of the API, and the insights over them."""

from typing import Any, Final

from capgo_mcp.api.operation import Declared
from capgo_mcp.insights import BATCHES, INSIGHTS
from capgo_mcp.operations import DEFAULT, OPT_IN, every, toolset

DEFAULT_TOOLSETS: Final = frozenset({*map(toolset, DEFAULT), *(insight.spec.toolset for insight in INSIGHTS)})
"""Toolsets that are on unless settings say otherwise."""

TOOLSETS: Final = DEFAULT_TOOLSETS | frozenset(map(toolset, OPT_IN))
"""All toolsets."""


def every_tool() -> list[type[Declared[Any]]]:
    """Everything that can be a tool, toolset by toolset."""
    return [*every(), *INSIGHTS, *BATCHES]
