"""Nothing is destroyed without the user's consent: the flag, the preview before it, and the question to the person."""

from typing import Any, Final

from capgo_mcp.agent.arguments import Controls
from capgo_mcp.agent.outcomes import NextCall, Outcome, Preview
from capgo_mcp.agent.render import compact, shown
from capgo_mcp.api.errors import CapgoError, InvalidArguments, NotFound
from capgo_mcp.api.operation import Operation
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.safety.areas import MEANINGS
from capgo_mcp.safety.elicitation import Elicitor, Reply
from capgo_mcp.safety.preview import Seen, preview

_ASK: Final = (
    "Nothing has changed yet. Show the preview to the user and ask whether to go on; only after they agree make the "
    "call in after_consent."
)

_MOVED: Final = "What was shown has changed since, so nothing was done. " + _ASK


class NoConsent(CapgoError):
    """The person was asked and did not agree; nothing was sent."""


async def settle(
    operation: Operation[Any], controls: Controls, capgo: Capgo, elicitor: Elicitor | None
) -> Outcome[Any] | None:
    """What to answer instead of sending the operation; None when it may be sent.

    Args:
        operation: What the agent wants to do.
        controls: Its flags.
        capgo: Where to read what would be destroyed.
        elicitor: Who asks the person on top of the flag; None when the settings do not say so.

    Raises:
        InvalidArguments: `confirm_name` is not the name of what would be destroyed.
        NoConsent: The person did not agree, or could not be asked.
        InputRequired: The client has to ask the person, and to call again.
    """
    if not operation.needs_consent():
        return None
    named_by = MEANINGS[type(operation)].named_by
    if not controls.confirm or (named_by and controls.confirm_name is None):
        return await _previewed(operation, capgo)
    if controls.seen is not None:
        now = await preview(operation, capgo)
        if now.mark != controls.seen:
            return _told(operation, now, _MOVED)
    # Read again: what the preview showed may be old, and an agent that saw none may have made the name up.
    if named_by and controls.confirm_name != await _name(named_by(operation), capgo):
        raise InvalidArguments(
            "confirm_name is not the name of what would be deleted, so nothing was deleted.",
            "Call without confirm, and show the user the name in the preview.",
        )
    if elicitor is not None:
        await _ask(operation, capgo, elicitor)
    return None


async def _previewed(operation: Operation[Any], capgo: Capgo) -> Outcome[Any]:
    return _told(operation, await preview(operation, capgo), _ASK)


def _told(operation: Operation[Any], seen: Seen, ask: str) -> Outcome[Any]:
    target = operation.model_dump(mode="json", exclude_defaults=True)
    facts = seen.preview.facts
    named = {"confirm_name": facts.get("name", facts.get("app_id"))} if operation.spec.by_name else {}
    warning = "".join(f" Mind that {danger}." for danger in operation.dangers())
    consent = NextCall(tool=operation.spec.name, arguments={**target, "confirm": True, **named, "seen": seen.mark})
    return Outcome(done=False, preview=seen.preview, ask=ask + warning, after_consent=consent)


async def _name(read: Operation[Any], capgo: Capgo) -> str:
    facts = shown(await capgo.send(read))
    name = facts.get("name") or facts.get("app_id")
    if not name:
        raise NotFound("no_name", "Capgo tells no name to confirm by, so nothing was deleted.")
    return str(name)


async def _ask(operation: Operation[Any], capgo: Capgo, elicitor: Elicitor) -> None:
    """Return if the person agrees."""
    reply = await elicitor.elicit(_question(operation, (await preview(operation, capgo)).preview))
    if reply is Reply.AGREED:
        return
    hint = (
        "The user can do it in the Capgo console."
        if reply is Reply.CANNOT_ASK
        else "Take it as final: do not ask or call again unless the user brings it up."
    )
    raise NoConsent(f"consent_{reply.name.lower()}", f"Nothing was changed: {reply.value}.", hint)


def _question(operation: Operation[Any], seen: Preview) -> str:
    facts = shown(seen)
    lines = [f"{seen.would}? {operation.spec.description}", compact(facts["facts"])]
    lines += [f"Mind that {danger}." for danger in operation.dangers()]
    lines += [f"Not known: {'; '.join(facts['unknown'])}"] if facts.get("unknown") else []
    return "\n".join(lines)
