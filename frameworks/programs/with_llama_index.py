"""LlamaIndex; schemas as its OpenAI models send them."""

import asyncio
from typing import Any

from checks import ARGUMENTS, COMMAND, report
from llama_index.tools.mcp import BasicMCPClient, McpToolSpec


async def main() -> None:
    """List, convert, call."""
    tools = await McpToolSpec(client=BasicMCPClient(COMMAND, args=ARGUMENTS)).to_tool_list_async()
    by_name = {str(tool.metadata.name): tool for tool in tools}

    async def call(name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
        output = await by_name[name].acall(**arguments)
        result = output.raw_output
        failed = getattr(result, "isError", None) or getattr(result, "is_error", False) or output.is_error
        return str(output.content), bool(failed)

    schemas = [tool.metadata.to_openai_tool(skip_length_check=True) for tool in tools]
    await report("llama-index-tools-mcp", list(by_name), schemas, call)


asyncio.run(main())
