"""A session as in a chat, through a real MCP client over stdio, on the sandbox: each step shown and checked."""

import json
import sys
import textwrap
from typing import Any

import mcp_types as t
from mcp import Client, StdioServerParameters
from mcp.client import ClientRequestContext

APP = "com.demo.app"


class Unexpected(Exception):
    """A step did not go as it should."""


class Person:
    """Whom the client asks before a change that matters.

    Attributes:
        agrees: What they say.
    """

    def __init__(self) -> None:
        self.agrees = True

    async def __call__(self, context: ClientRequestContext, params: t.ElicitRequestParams) -> t.ElicitResult:
        """Show the question and the reply."""
        del context
        would, _, rest = params.message.partition("? ")
        print(f"  asks   {would}? {rest.splitlines()[1]}  [{'Yes' if self.agrees else 'No'}]")
        if self.agrees:
            return t.ElicitResult(action="accept", content={"agree": True})
        return t.ElicitResult(action="decline")


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
        result, text = await self._result(tool, arguments)
        if result.is_error or not isinstance(result.structured_content, dict):
            raise Unexpected(f"{tool} answered: {text}")
        return result.structured_content

    async def refused(self, code: str, tool: str, **arguments: Any) -> None:
        """Call a tool that shall answer an error."""
        result, text = await self._result(tool, arguments)
        expect(result.is_error is True and f"[{code}]" in text, f"{tool} is refused with {code}, not: {text}")

    async def follow(self, calls: list[dict[str, Any]]) -> dict[str, Any]:
        """Make the calls that an answer named, and return the facts of the last one."""
        answer: dict[str, Any] = {}
        for call in calls:
            answer = await self.call(call["tool"], **call["arguments"])
        return answer

    async def _result(self, tool: str, arguments: dict[str, Any]) -> tuple[t.CallToolResult, str]:
        given = ", ".join(f"{name}={json.dumps(value)}" for name, value in arguments.items())
        print(f"  tool   {tool}({given})")
        result = await self._client.call_tool(tool, arguments)
        return result, "".join(block.text for block in result.content if isinstance(block, t.TextContent))


def expect(fact: bool, what: str) -> None:
    """End the demo unless a fact holds."""
    if not fact:
        raise Unexpected(f"expected that {what}")


async def demo() -> int:
    """Run the session; returns the exit code."""
    server = StdioServerParameters(
        command=sys.executable,
        # A person takes minutes for what runs here in seconds, in which it would wait for the pace of requests.
        args=["-m", "capgo_mcp", "--sandbox", "--ask", "--rate", "1000", "--log-level", "ERROR"],
    )
    person = Person()
    async with Client(server, elicitation_callback=person) as client:
        print(f"Connected over stdio, MCP {client.protocol_version}, to a Capgo with sample data.")
        session = Session(client)
        try:
            await _who_runs_what(session)
            await _release_in_stages(session)
            await _go_back_and_forth(session)
            await _pin_a_phone(session)
            await _delete_with_consent(session, person)
        except Unexpected as problem:
            print(f"\nThe demo failed: {problem}", file=sys.stderr)
            return 1
    print("\nEvery step went as expected.")
    return 0


async def _who_runs_what(session: Session) -> None:
    session.ask("Which versions are my devices running?")
    summary = await session.call("capgo_summarize_devices", app_id=APP, group_by=["version"])
    (by_version,) = summary["breakdown"]
    expect(summary["complete"] and summary["devices"] == 260, "all 260 devices are counted")  # noqa: PLR2004 - the sandbox
    common = ", ".join(f"{group['percent']} % on {group['value']}" for group in by_version["groups"][:3])
    session.say(f"{summary['devices']} devices: {common}, ...")


async def _release_in_stages(session: Session) -> None:
    session.ask("Is 2.3.0 ready for production? Let us begin with 10 %.")
    plan = await session.call("capgo_plan_release", app_id=APP, version="2.3.0", percentage=10)
    grave = [reason["what"].partition(", and ")[0] for reason in plan["reasons"] if reason["says"] != "go"]
    expect(plan["verdict"] == "no" and "failing" in grave[0], "a bundle that is failing is not called ready")
    session.say(f"{plan['verdict'].capitalize()}. {' '.join(sentence.rstrip('.') + '.' for sentence in grave)}")

    session.ask("Those are our test phones. Start it, but let it stop by itself.")
    started = await session.follow(plan["calls"])
    expect(started["done"] and _rollout(started["after"]) == ("2.3.0", 10), "2.3.0 is rolled out to 10 %")
    expect(started["after"]["auto_pause_enabled"], "it pauses by itself")
    session.say(f"{started['now']} It pauses by itself when more than 5 % of the updates fail.")

    session.ask("Support is getting calls. Pause it.")
    paused = await session.call(
        "capgo_set_rollout", app_id=APP, channel="production", action="pause", pause_reason="calls to support"
    )
    expect(paused["done"] and "rollout_paused_at" in paused["after"], "the rollout is paused")
    session.say(paused["now"])

    session.ask("That was about something else. Go on, with 25 %.")
    wider = await session.call("capgo_set_rollout", app_id=APP, channel="production", action="resume", percentage=25)
    expect(wider["done"] and "rollout_paused_at" in wider["before"], "the rollout goes on")
    session.say(wider["now"])


async def _go_back_and_forth(session: Session) -> None:
    session.ask("They do mean 2.3.0. Roll it back.")
    back = await session.call("capgo_set_rollout", app_id=APP, channel="production", action="drop")
    expect(back["done"] and "rollout_version_info" not in back["after"], "the rollout is over")
    session.say(f"{back['now']} I can take that back if you want.")

    session.ask("Hm, do that.")
    again = await session.follow(back["undo"])
    channel = await session.call("capgo_get_channel", app_id=APP, channel="production")
    expect(_rollout(channel) == ("2.3.0", 25), "2.3.0 is rolled out to 25 % again")
    session.say(again["now"])


async def _pin_a_phone(session: Session) -> None:
    session.ask("Pin Robin's phone to beta.")
    found = (await session.call("capgo_find_devices", app_id=APP, custom_id="robin"))["items"]
    expect(len(found) == 1, "Robin has one phone")
    device = found[0]["device_id"]
    await session.call("capgo_set_device_channel", app_id=APP, device_id=device, channel="beta")
    pinned = await session.call("capgo_get_device", app_id=APP, device_id=device)
    expect(pinned.get("channel") == "beta", "the phone is pinned to beta")
    session.say(f"{pinned['custom_id']} is pinned to beta.")


async def _delete_with_consent(session: Session, person: Person) -> None:
    session.ask("Delete the channel qa.")
    consent = await _previewed(session, "qa")

    session.ask("Yes. Or wait: what does my client show me there?")
    person.agrees = False
    await session.refused("consent_declined", consent["tool"], **consent["arguments"])
    still = await session.call("capgo_get_channel", app_id=APP, channel="qa")
    expect(still["name"] == "qa", "the channel is still there")
    session.say("You said no there, so qa is still here. That no holds for ten minutes, whatever I am told.")

    session.ask("Good. Then pr-547: it is merged.")
    consent = await _previewed(session, "pr-547")
    session.ask("Yes.")
    person.agrees = True
    gone = await session.follow([consent])
    expect(gone["done"], "the channel is deleted")
    await session.refused("cannot_find_version", "capgo_get_channel", app_id=APP, channel="pr-547")
    session.say("pr-547 is gone.")


async def _previewed(session: Session, channel: str) -> dict[str, Any]:
    """The call to make once the person has agreed to what they are shown."""
    shown = await session.call("capgo_delete_channel", app_id=APP, channel=channel)
    expect(not shown["done"], "nothing is deleted without confirm")
    facts = shown["preview"]["facts"]
    session.say(
        f"Nothing is deleted yet. {facts['channel']} serves {facts['version']['name']} and is "
        f"{'' if facts['public'] else 'not '}the default channel. Shall I delete it?"
    )
    consent: dict[str, Any] = shown["after_consent"]
    return consent


def _rollout(channel: dict[str, Any]) -> tuple[str, float]:
    """The bundle that a channel rolls out, and to how many percent."""
    return channel["rollout_version_info"]["name"], channel["rollout_percentage_bps"] / 100
