"""Plays a job on a fresh sandbox, through the tools that clients call."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx2
import mcp_types as t

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.client.key import StaticKey
from capgo_mcp.config.settings import Settings
from capgo_mcp.sandbox import ADMIN_KEY, State, create_app, seeded
from capgo_mcp.server.tools import Toolbox
from evals.jobs.script import APP, Answer, Job, Step
from evals.tokens import estimated


@dataclass
class Played:
    """What became of a job.

    Attributes:
        job: The job.
        calls: How many calls it took.
        tokens: The tokens of these calls and their answers, about.
        faults: What is not as it should be.
    """

    job: Job
    calls: int = 0
    tokens: int = 0
    faults: list[str] = field(default_factory=list)


async def play(job: Job, behaviour: Behaviour = Behaviour.NOVEMBER) -> Played:
    """Play a job on a sandbox of its own."""
    state = seeded()
    state.behaviour = behaviour
    played = Played(job)
    transport = httpx2.ASGITransport(app=create_app(state))
    async with Capgo(ADMIN_KEY, url="http://sandbox.invalid", transport=transport, rate=10_000) as capgo:
        tools = Toolbox(capgo, Settings(StaticKey(ADMIN_KEY)))
        await _made(tools, job.earlier, Played(job))
        before = _channels(state)
        answers = await _made(tools, job.steps, played)
    played.faults += [*_unfinished(job, answers[-1]), *_wrong(job, before, state)]
    return played


def seen(state: State, channel: Mapping[str, Any]) -> dict[str, Any]:
    """A channel's row as a job speaks of it: bundles by name, and a rollout only where one is on."""
    names = {number: bundle["name"] for number, bundle in state.bundles.items()}
    row = {name: value for name, value in channel.items() if name != "updated_at"}
    row["version"] = names.get(channel["version"])
    on = channel["rollout_enabled"]
    row["rollout"] = names.get(channel["rollout_version"]) if on else None
    row["percent"] = channel["rollout_percentage_bps"] / 100 if on else None
    row["paused"] = channel["rollout_paused_at"] is not None
    return row


async def _made(tools: Toolbox, steps: Sequence[Step], played: Played) -> list[Answer]:
    """Make the calls of some steps, each knowing the answers so far."""
    answers: list[Answer] = []
    for step in steps:
        for tool, arguments in step(answers):
            result = await tools.call(tool, arguments)
            text = "".join(block.text for block in result.content if isinstance(block, t.TextContent))
            played.calls += 1
            played.tokens += estimated(json.dumps({"name": tool, "arguments": arguments}) + text)
            answers.append({"error": text} if result.is_error else result.structured_content or {})
    return answers


def _channels(state: State) -> dict[str, dict[str, Any]]:
    return {row["name"]: seen(state, row) for row in state.channels.values() if row["app_id"] == APP}


def _unfinished(job: Job, answer: Answer) -> Iterator[str]:
    """What the last answer fails to tell."""
    if "error" in answer:
        yield f"answered {answer['error']}"
    for name, wanted in job.says.items():
        if answer.get(name) != wanted:
            yield f"answered {name} {answer.get(name)!r}, not {wanted!r}"


def _wrong(job: Job, before: Mapping[str, Any], state: State) -> Iterator[str]:
    """What is otherwise than it must be at the end."""
    after = _channels(state)
    for name in {*before, *after, *job.channels}:
        wanted = job.channels.get(name, before.get(name))
        found = after.get(name)
        if wanted is None or found is None:
            if wanted is not found:
                yield f"channel {name} is {'gone' if found is None else 'there'}"
        else:
            yield from (f"{name}: {key} is {found[key]!r}" for key in wanted if found[key] != wanted[key])
    for device, channel in job.pins.items():
        pinned = state.overrides.get((APP, device), {}).get("channel_id")
        if state.channels.get(pinned or 0, {}).get("name") != channel:
            yield f"{device} is pinned to {pinned}, not to {channel}"
    for version in job.deleted:
        if not (state.bundle_named(APP, version) or {}).get("deleted"):
            yield f"bundle {version} is still there"
