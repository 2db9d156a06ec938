"""Semantic Kernel; its functions, with the schemas that it sends."""

import asyncio
from typing import Any

from checks import ARGUMENTS, COMMAND, report
from semantic_kernel import Kernel
from semantic_kernel.connectors.mcp import MCPStdioPlugin


async def main() -> None:
    """List, convert, call."""
    async with MCPStdioPlugin(name="capgo", description="Capgo", command=COMMAND, args=ARGUMENTS) as plugin:
        kernel = Kernel()
        kernel.add_plugin(plugin)
        every = kernel.get_plugin("capgo").functions
        functions = {name: one for name, one in every.items() if name.startswith("capgo_")}  # not its prompts

        async def call(name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
            result = await kernel.invoke(plugin_name="capgo", function_name=name, **arguments)
            return str(result.value[0] if isinstance(result.value, list) else result.value), False

        schemas = [
            [parameter.schema_data for parameter in one.metadata.parameters] or [{}] for one in functions.values()
        ]
        await report("semantic-kernel", list(functions), schemas, call)


asyncio.run(main())
