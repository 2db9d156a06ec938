"""Google ADK; schemas as Gemini's declarations."""

import asyncio
import warnings
from typing import Any
from unittest.mock import MagicMock

from checks import ARGUMENTS, COMMAND, report
from google.adk.tools.mcp_tool import McpToolset
from google.adk.tools.mcp_tool.mcp_session_manager import StdioConnectionParams
from mcp import StdioServerParameters

warnings.filterwarnings("ignore")


async def main() -> None:
    """List, convert, call."""
    parameters = StdioServerParameters(command=COMMAND, args=ARGUMENTS)
    toolset = McpToolset(connection_params=StdioConnectionParams(server_params=parameters, timeout=120))
    tools = await toolset.get_tools()
    by_name = {tool.name: tool for tool in tools}
    context = MagicMock()
    context._invocation_context.session.state = {}

    async def call(name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
        result = await by_name[name]._run_async_impl(args=arguments, tool_context=context, credential=None)
        return str(result["content"][0]["text"]), bool(result.get("isError") or result.get("is_error"))

    await report("google-adk", list(by_name), [tool._get_declaration() for tool in tools], call)
    await toolset.close()


asyncio.run(main())
