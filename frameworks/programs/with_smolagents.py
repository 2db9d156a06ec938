"""smolagents; its tools, with the inputs that it describes to a model."""

import asyncio
from typing import Any

from checks import ARGUMENTS, COMMAND, report
from mcp import StdioServerParameters
from smolagents import MCPClient

with MCPClient(StdioServerParameters(command=COMMAND, args=ARGUMENTS), structured_output=False) as tools:
    by_name = {tool.name: tool for tool in tools}

    def call(name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
        """What a model reads; a failure is raised."""
        return str(by_name[name](**arguments)), False

    asyncio.run(report("smolagents", list(by_name), [tool.to_code_prompt() for tool in tools], call))
