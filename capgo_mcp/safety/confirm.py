"""Nothing is destroyed without the user's consent: the flag, the preview before it, and the question to the person."""

import hashlib
import json
from typing import Any, Final, NamedTuple

from capgo_mcp.agent.arguments import Controls
from capgo_mcp.agent.outcomes import Outcome, Preview
from capgo_mcp.agent.render import shown
from capgo_mcp.api.errors import CapgoError, InvalidArguments
from capgo_mcp.api.next_call import NextCall
from capgo_mcp.api.operation import Declared, Effect, Operation
from capgo_mcp.api.text import compact
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.safety.areas import MEANINGS
from capgo_mcp.safety.elicitation import Elicitor, Question, Reply
from capgo_mcp.safety.reading import Reading
from capgo_mcp.safety.undo import Facts

_ASK: Final = (
    "Nothing has changed yet. Show the preview to the user and ask whether to go on; only after they agree make the "
    "call in after_consent."
)

_MOVED: Final = "What was shown has changed since, so nothing was done. " + _ASK

_LENGTH: Final = 12
"""Digits of a mark: enough for a state that moved, and short to repeat."""


class NoConsent(CapgoError):
    """The person was asked and did not agree; nothing was sent."""


class Seen(NamedTuple):
    """What a call would change, as Capgo tells it now.

    Attributes:
        preview: What is shown of it.
        mark: Proves, with the next call, that this state was shown.
        warnings: Why what is there makes the call dangerous.
        name: By which name the user has to confirm; None where `confirm` is enough.
    """

    preview: Preview
    mark: str
    warnings: list[str]
    name: str | None


class Settled(NamedTuple):
    """How far the flags of a call bring it: to an answer instead of the change, or to what the user was shown."""

    outcome: Outcome[Any] | None = None
    seen: Seen | None = None


async def settle(operation: Operation[Any], controls: Controls, capgo: Capgo) -> Settled:
    """Find out whether the flags of a call are all the consent it needs.

    What it would destroy is read each time: what a preview showed may be old, and an agent that saw none may have made
    the consent up.

    Args:
        operation: What the agent wants to do.
        controls: Its flags.
        capgo: Where to read what would be destroyed.

    Raises:
        InvalidArguments: `confirm_name` is not the name of what would be destroyed.
        NotFound: What would be destroyed does not exist.
    """
    weighs = MEANINGS[type(operation)].weighs
    destroys = operation.spec.effect is Effect.DELETE or bool(operation.dangers())
    if not destroys and not (weighs and weighs(operation)):
        return Settled()
    seen = await preview(operation, capgo)
    if not destroys and not seen.warnings:
        return Settled()
    return agreed(operation, seen, controls)


def agreed(asked: Declared[Any], seen: Seen, controls: Controls) -> Settled:
    """Find out whether the flags agree to what was shown.

    Raises:
        InvalidArguments: `confirm_name` is not the name of what would be destroyed.
    """
    if not controls.confirm or (seen.name and controls.confirm_name is None):
        return Settled(_told(asked, seen, _ASK))
    if controls.seen not in (None, seen.mark):
        return Settled(_told(asked, seen, _MOVED))
    if seen.name and controls.confirm_name != seen.name:
        raise InvalidArguments(
            "confirm_name is not the name of what would be deleted, so nothing was deleted.",
            "Call without confirm, and show the user the name in the preview.",
        )
    return Settled(seen=seen)


async def preview(operation: Operation[Any], capgo: Capgo) -> Seen:
    """What the operation would change; what cannot be read is told instead of guessed.

    Raises:
        NotFound: What it would destroy does not exist.
        CapgoError: What the user has to name cannot be read.
    """
    reading = Reading(capgo)
    look = MEANINGS[type(operation)].preview
    if look is not None:
        await look(operation, reading)
    target = operation.model_dump(mode="json", exclude_defaults=True)
    seen = Preview(would=operation.spec.title, facts={**target, **reading.facts}, unknown=reading.unknown)
    # A fleet grows while somebody reads: that must not make their consent void.
    lasting = {name: fact for name, fact in seen.facts.items() if name not in reading.moving}
    return Seen(seen, mark(lasting), reading.warnings, reading.name)


def mark(facts: Facts) -> str:
    """The same state has the same mark, in every process; no secret is in it, and none is needed."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:_LENGTH]


def _told(asked: Declared[Any], seen: Seen, ask: str) -> Outcome[Any]:
    target = asked.model_dump(mode="json", exclude_defaults=True)
    named = {"confirm_name": seen.name} if seen.name else {}
    consent = NextCall(tool=asked.spec.name, arguments={**target, "confirm": True, **named, "seen": seen.mark})
    warning = "".join(f" Mind that {danger}." for danger in _dangers(asked, seen))
    return Outcome(done=False, preview=seen.preview, ask=ask + warning, after_consent=consent)


def _dangers(asked: Declared[Any], seen: Seen) -> list[str]:
    return [*asked.dangers(), *seen.warnings]


async def ask(asked: Declared[Any], seen: Seen, elicitor: Elicitor) -> None:
    """Return if the person agrees.

    Args:
        asked: What the agent wants to do.
        seen: What they are shown of it.
        elicitor: Who asks them.

    Raises:
        NoConsent: The person did not agree, or could not be asked.
        InputRequired: The client has to ask the person, and to call again.
    """
    reply = await elicitor.elicit(_question(asked, seen))
    if reply is Reply.AGREED:
        return
    hint = (
        "The user can do it in the Capgo console."
        if reply in {Reply.CANNOT_ASK, Reply.NO_WAY_TO_ASK}
        else "Take it as final: do not ask or call again unless the user brings it up. What they declined is not asked "
        "again for ten minutes."
    )
    raise NoConsent(f"consent_{reply.name.lower()}", f"Nothing was changed: {reply.value}.", hint)


def _question(asked: Declared[Any], seen: Seen) -> Question:
    facts = shown(seen.preview)
    lines = [f"{seen.preview.would}? {asked.spec.description}", compact(facts["facts"])]
    lines += [f"Mind that {danger}." for danger in _dangers(asked, seen)]
    lines += [f"Not known: {'; '.join(facts['unknown'])}"] if facts.get("unknown") else []
    call = {asked.spec.name: asked.model_dump(mode="json", exclude_defaults=True)}
    return Question("\n".join(lines), json.dumps(call, sort_keys=True), seen.mark)
