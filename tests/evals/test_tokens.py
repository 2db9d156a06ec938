"""What the tools cost a client that sends all of them along: about, by the estimate that `evals.tokens` explains."""

import json
from typing import Final

import mcp_types as t

from capgo_mcp.agent.definitions import stored
from capgo_mcp.catalog import DEFAULT_TOOLSETS, every_tool
from evals.tokens import estimated

MOST_ON_AVERAGE: Final = 155
MOST: Final = 560
"""Of a single tool: 600, less the 6 % by which the estimate of one tool can be short."""
DEFAULT: Final = [stored(kind.spec.name) for kind in every_tool() if kind.spec.toolset in DEFAULT_TOOLSETS]


def cost(tool: t.Tool) -> int:
    """The tokens of what a client passes on to its model: name, description and input schema."""
    told = {"name": tool.name, "description": tool.description, "inputSchema": tool.input_schema}
    return estimated(json.dumps(told, ensure_ascii=False, separators=(",", ":")))


def test_tools_are_cheap_on_average() -> None:
    """The usual tools take at most 155 tokens each, on average."""
    costs = {tool.name: cost(tool) for tool in DEFAULT}
    assert sum(costs.values()) / len(costs) <= MOST_ON_AVERAGE, sorted(costs.items(), key=lambda one: -one[1])[:8]


def test_no_tool_is_expensive() -> None:
    """None of the tools takes more than 600, those that have to be asked for included."""
    costs = {kind.spec.name: cost(stored(kind.spec.name)) for kind in every_tool()}
    assert {name: tokens for name, tokens in costs.items() if tokens > MOST} == {}


def test_estimate_knows_words_digits_and_signs() -> None:
    """Words take the sign before them along and long ones count more, digits go by three, signs together."""
    assert estimated('"app_id":') == 3
    assert estimated("internationalization") == 3
    assert estimated("2026-11-01") == 6
    assert estimated("") == 0
