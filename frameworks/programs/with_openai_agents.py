"""OpenAI Agents, in its strict mode: every argument is sent, null for what is not wanted."""

import asyncio
import json
from typing import Any

from agents import Agent, RunContextWrapper, set_tracing_disabled
from agents.mcp import MCPServerStdio, MCPUtil
from checks import ARGUMENTS, COMMAND, report

set_tracing_disabled(disabled=True)


async def main() -> None:
    """List, convert, call."""
    server = MCPServerStdio({"command": COMMAND, "args": ARGUMENTS}, client_session_timeout_seconds=120)
    async with server:
        tools = await MCPUtil.get_all_function_tools(
            [server], convert_schemas_to_strict=True, run_context=RunContextWrapper(None), agent=Agent(name="x")
        )
        by_name = {tool.name: tool for tool in tools}

        async def call(name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
            schema = by_name[name].params_json_schema
            result = await server.call_tool(name, dict.fromkeys(schema["required"]) | arguments)
            failed = getattr(result, "isError", None) or getattr(result, "is_error", False)
            return result.content[0].text, failed

        strict = [json.dumps(tool.params_json_schema) for tool in tools if tool.strict_json_schema]
        await report("openai-agents", list(by_name), strict, call)


asyncio.run(main())
