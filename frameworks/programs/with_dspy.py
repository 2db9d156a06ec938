"""DSPy; its tools, with the arguments that it describes to a model."""

import asyncio
from typing import Any

import dspy
from checks import ARGUMENTS, COMMAND, report
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


async def main() -> None:
    """List, convert, call."""
    server = StdioServerParameters(command=COMMAND, args=ARGUMENTS)
    async with stdio_client(server) as (reads, writes), ClientSession(reads, writes) as session:
        await session.initialize()
        tools = [dspy.Tool.from_mcp_tool(session, tool) for tool in (await session.list_tools()).tools]
        by_name = {tool.name: tool for tool in tools}

        async def call(name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
            """What a model reads; a failure is raised."""
            return str(await by_name[name].acall(**arguments)), False

        await report("dspy", list(by_name), [tool.format_as_litellm_function_call() for tool in tools], call)


asyncio.run(main())
