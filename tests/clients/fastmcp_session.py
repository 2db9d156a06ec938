"""A session with FastMCP's client, in an environment of its own: `python fastmcp_session.py COMMAND ARGUMENT...`.

Where the command is an address, the session goes over HTTP, and the first argument is the key.
"""

import asyncio
import json
import sys

from fastmcp import Client  # type: ignore[import-not-found]  # in an environment of its own
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport  # type: ignore[import-not-found]  # the same
from fastmcp.exceptions import ToolError  # type: ignore[import-not-found]  # the same


async def main(command: str, *arguments: str) -> None:
    """Print what a session sees, as JSON."""
    if command.startswith("http"):
        transport = StreamableHttpTransport(command, headers={"x-capgo-api-key": arguments[0]})
    else:
        transport = StdioTransport(command, list(arguments))
    async with Client(transport) as client:
        tools = [tool.name for tool in await client.list_tools()]
        apps = await client.call_tool("capgo_list_apps", {})
        deletion = await client.call_tool("capgo_delete_channel", {"app_id": "com.demo.app", "channel": "qa"})
        try:
            wrong = str(await client.call_tool("capgo_get_app", {"app_id": "com.other.app"}))
        except ToolError as error:
            wrong = str(error)
    seen = {
        "tools": tools,
        "apps": [app["app_id"] for app in apps.structured_content["items"]],
        "deleted": deletion.structured_content["done"],
        "wrong": wrong,
    }
    sys.stdout.write(json.dumps(seen))


asyncio.run(main(*sys.argv[1:]))
