"""Haystack; its tools, with the parameters that it sends."""

import asyncio
from typing import Any

from checks import ARGUMENTS, COMMAND, report
from haystack_integrations.tools.mcp import MCPToolset, StdioServerInfo

toolset = MCPToolset(
    StdioServerInfo(command=COMMAND, args=ARGUMENTS), eager_connect=True, connection_timeout=120, invocation_timeout=120
)
by_name = {tool.name: tool for tool in toolset}


def call(name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
    """What a model reads; a failure is raised."""
    return str(by_name[name].invoke(**arguments)), False


asyncio.run(report("mcp-haystack", list(by_name), [tool.parameters for tool in toolset], call))
toolset.close()
