"""A session as in a chat, through a real MCP client over stdio, on the sandbox: each step shown and checked."""

import json
import sys
import textwrap
from collections import Counter
from typing import Any

import mcp_types as t
from mcp import Client, StdioServerParameters

APP = "com.demo.app"


class Unexpected(Exception):
    """A step did not go as it should."""


class Session:
    """The conversation: prints what is asked, called and answered."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def ask(self, question: str) -> None:
        """Print what the person says."""
        print(f"\nYou      {question}")

    def say(self, text: str) -> None:
        """Print what the agent answers."""
        print(textwrap.fill(text, 100, initial_indent="Agent    ", subsequent_indent=" " * 9))

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool, print the call and return its facts."""
        given = ", ".join(f"{name}={json.dumps(value)}" for name, value in arguments.items())
        print(f"  tool   {tool}({given})")
        result = await self._client.call_tool(tool, arguments)
        text = "".join(block.text for block in result.content if isinstance(block, t.TextContent))
        if result.is_error or not isinstance(result.structured_content, dict):
            raise Unexpected(f"{tool} answered: {text}")
        return result.structured_content


def expect(fact: bool, what: str) -> None:
    """End the demo unless a fact holds."""
    if not fact:
        raise Unexpected(f"expected that {what}")


async def demo() -> int:
    """Run the session; returns the exit code."""
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "capgo_mcp", "--sandbox", "--log-level", "ERROR"]
    )
    failed = False
    try:
        async with Client(server) as client:
            print(f"Connected over stdio, MCP {client.protocol_version}, to a Capgo with sample data.")
            session = Session(client)
            device = await _who_runs_what(session)
            await _move_a_channel(session)
            await _pin_and_unpin(session, device)
            await _delete_with_consent(session)
    except* Unexpected as group:
        for problem in group.exceptions:
            print(f"\nThe demo failed: {problem}", file=sys.stderr)
        failed = True
    if not failed:
        print("\nEvery step went as expected.")
    return int(failed)


async def _who_runs_what(session: Session) -> str:
    session.ask("Which versions are my devices running?")
    devices = (await session.call("capgo_list_devices", app_id=APP, limit=1000))["items"]
    versions = Counter(device.get("version_name", "built-in") for device in devices)
    common = ", ".join(f"{number} on {name}" for name, number in versions.most_common(3))
    session.say(f"{len(devices)} devices on {len(versions)} versions: {common}, ...")
    expect(len(devices) > 240, "there are more than 240 devices")  # noqa: PLR2004 - what the sandbox promises

    pinned = {device["device_id"] for device in devices if device.get("channel")}
    straggler = next(device for device in devices if device["device_id"] not in pinned)
    session.ask(f"Tell me more about {straggler['device_id']}.")
    detail = await session.call("capgo_get_device", app_id=APP, device_id=straggler["device_id"])
    expect(detail["device_id"] == straggler["device_id"], "the device is the one asked for")
    session.say(
        f"{detail['platform']} {detail['os_version']}, plugin {detail['plugin_version']}, runs "
        f"{detail['version_name']}, last seen {detail['updated_at']}, follows the default channel."
    )
    return str(detail["device_id"])


async def _move_a_channel(session: Session) -> None:
    session.ask("Put the newest bundle on staging.")
    newest = (await session.call("capgo_list_bundles", app_id=APP, limit=1))["items"][0]
    moved = await session.call("capgo_set_channel", app_id=APP, channel="staging", version=newest["name"])
    expect(moved["done"], "the channel was moved")
    channel = await session.call("capgo_get_channel", app_id=APP, channel="staging")
    former = moved["before"]["version"]["name"]
    expect(channel["version"]["name"] == newest["name"] != former, "staging serves another bundle")
    session.say(f"staging served {former} and now serves {newest['name']}. I can take that back if you want.")

    session.ask("Hm, do that.")
    for step in moved["undo"]:
        await session.call(step["tool"], **step["arguments"])
    channel = await session.call("capgo_get_channel", app_id=APP, channel="staging")
    expect(channel["version"]["name"] == former, "staging serves what it served before")
    session.say(f"staging serves {former} again.")


async def _pin_and_unpin(session: Session, device: str) -> None:
    session.ask("Pin that device to beta.")
    await session.call("capgo_set_device_channel", app_id=APP, device_id=device, channel="beta")
    pinned = await session.call("capgo_get_device", app_id=APP, device_id=device)
    expect(pinned.get("channel") == "beta", "the device is pinned to beta")
    session.say("Done: it is pinned to beta.")

    session.ask("And take that back, please. Yes, I am sure.")
    await session.call("capgo_unset_device_channel", app_id=APP, device_id=device, confirm=True)
    free = await session.call("capgo_get_device", app_id=APP, device_id=device)
    expect("channel" not in free, "the device is no longer pinned")
    session.say("It follows the default channel again.")


async def _delete_with_consent(session: Session) -> None:
    session.ask("Delete the channel qa.")
    refused = await session.call("capgo_delete_channel", app_id=APP, channel="qa")
    expect(not refused["done"], "nothing is deleted without confirm")
    still = await session.call("capgo_get_channel", app_id=APP, channel="qa")
    expect(still["name"] == "qa", "the channel is still there")
    facts = refused["preview"]["facts"]
    session.say(
        f"Nothing is deleted yet. {facts['channel']} serves {facts['version']['name']} and is "
        f"{'' if facts['public'] else 'not '}the default channel. Shall I delete it?"
    )

    session.ask("Yes, delete it.")
    gone = await session.call("capgo_delete_channel", app_id=APP, channel="qa", confirm=True)
    expect(gone["done"], "the channel is deleted")
    names: list[str] = []
    page: int | None = 0
    while page is not None:
        answer = await session.call("capgo_list_channels", app_id=APP, page=page)
        names += [channel["name"] for channel in answer["items"]]
        page = answer.get("next")
    expect("qa" not in names and "beta" in names, "qa is gone and beta is not")
    session.say(f"qa is gone; {len(names)} channels are left.")
