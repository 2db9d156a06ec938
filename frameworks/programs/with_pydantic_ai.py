"""Pydantic AI, with a scripted model instead of a real one."""

import asyncio
from typing import Any

import pydantic_ai.mcp
from checks import ARGUMENTS, COMMAND, report
from fastmcp.client.transports import StdioTransport
from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel


async def main() -> None:
    """List, convert, call."""
    seen: list[Any] = []
    script: list[ToolCallPart] = []

    def model(_: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        seen[:] = info.function_tools
        return ModelResponse(parts=[script.pop() if script else TextPart("done")])

    toolset = pydantic_ai.mcp.MCPToolset(StdioTransport(COMMAND, ARGUMENTS))
    agent = Agent(FunctionModel(model), toolsets=[toolset])
    async with agent:

        async def call(name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
            script.append(ToolCallPart(name, arguments))
            run = await agent.run("?")
            parts = [part for message in run.all_messages() for part in message.parts]
            (told,) = [part for part in parts if part.part_kind in ("tool-return", "retry-prompt")]
            return str(told.content), getattr(told, "outcome", "retried") != "success"

        await agent.run("?")
        await report(
            "pydantic-ai-slim", [tool.name for tool in seen], [tool.parameters_json_schema for tool in seen], call
        )


asyncio.run(main())
