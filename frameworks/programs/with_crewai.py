"""CrewAI; its tools, with the description that a model reads, which holds their arguments."""

import asyncio
import os
from typing import Any

from checks import ARGUMENTS, COMMAND, report
from crewai_tools import MCPServerAdapter
from mcp import StdioServerParameters

with MCPServerAdapter(StdioServerParameters(command=COMMAND, args=ARGUMENTS, env={**os.environ})) as tools:
    by_name = {tool.name: tool for tool in tools}

    def call(name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
        """What a model reads; a failure is raised."""
        return str(by_name[name].run(**arguments)), False

    schemas = [tool.args_schema.model_json_schema() for tool in tools]
    asyncio.run(report("crewai-tools", list(by_name), schemas, call))
