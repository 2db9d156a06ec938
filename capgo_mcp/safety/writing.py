"""The one way in which a call changes something: consent first, then the journal, then the change."""

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, NamedTuple

from capgo_mcp.agent.arguments import Controls
from capgo_mcp.agent.outcomes import Outcome
from capgo_mcp.api.answers import Answer
from capgo_mcp.api.errors import CapgoError, NotFound, StateMoved
from capgo_mcp.api.operation import Effect, Operation
from capgo_mcp.api.text import quoted
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.client.reads import together
from capgo_mcp.safety.areas import MEANINGS
from capgo_mcp.safety.confirm import Seen, Settled, ask, preview, settle
from capgo_mcp.safety.elicitation import Elicitor, InputRequired
from capgo_mcp.safety.journal import Entry, Journal
from capgo_mcp.safety.meaning import Meaning
from capgo_mcp.safety.reading import refuse_lookalikes
from capgo_mcp.safety.undo import Facts, Snapshot, Told, Undo

log = logging.getLogger(__name__)


class Writer:
    """Sends writes, each with the consent it needs and a line in the journal.

    Args:
        capgo: Where to send them.
        journal: Where to record them.
    """

    def __init__(self, capgo: Capgo, journal: Journal) -> None:
        self._capgo = capgo
        self._journal = journal

    async def write(self, operation: Operation[Any], controls: Controls, elicitor: Elicitor | None) -> Outcome[Any]:
        """Send a write, or answer what it would destroy or why it would change nothing.

        Args:
            operation: The write.
            controls: The agent's flags.
            elicitor: Who asks the person on top of them; None when the settings do not say so.

        Raises:
            NoConsent: The person did not agree; nothing was sent.
            Lookalike: Another thing has a name that looks the same; nothing was sent.
            StateMoved: What is there is not what the agent expects; nothing was sent.
            InputRequired: The client has to ask the person, and to call again; nothing was sent.
            JournalFailed: It cannot be recorded; nothing was sent.
            CapgoError: Capgo did not do it, or it is not known whether it did.
        """
        if operation.spec.looks_up:
            # By the names as they were given: what is resolved may have ids alone.
            named = partial(refuse_lookalikes, operation, self._capgo)
            operation, _ = await together(partial(operation.resolved, self._capgo), named)
        entry = Entry(operation.spec.name, operation.model_dump(mode="json", exclude_defaults=True))
        plan = await self.planned(entry, self._planned(operation, controls, elicitor))
        if plan.outcome is not None:
            return plan.outcome
        return _final(operation, await self.recorded(entry, operation, plan.before), plan.seen)

    async def planned(self, entry: Entry, planning: Awaitable["Plan"]) -> "Plan":
        """How far a call comes before anything is sent; however that ends, the journal tells it."""
        try:
            plan = await planning
        except InputRequired:
            await self._journal.note(entry.ended("asking"))
            raise
        except CapgoError as error:
            await self._journal.note(entry.ended("refused", error.code))
            raise
        entry.consent = plan.consent
        if plan.outcome is not None:
            await self._journal.note(entry.ended(plan.consent))
        return plan

    async def recorded(self, entry: Entry, operation: Operation[Any], before: Snapshot | None) -> Outcome[Any]:
        """Send a write that was agreed to, with its line in the journal.

        Args:
            entry: The line.
            operation: The write.
            before: What there was; None where nobody looked.

        Raises:
            JournalFailed: It cannot be recorded; nothing was sent.
            CapgoError: Capgo did not do it, or it is not known whether it did.
        """
        async with self._journal.recording(entry):
            try:
                outcome = await _carry_out(operation, before, self._capgo, request_id=entry.request_id)
            except CapgoError as error:
                entry.failed(error)
                raise
            entry.outcome = "done"
        return outcome

    async def _looked_at(self, operation: Operation[Any], controls: Controls) -> tuple[Settled, Snapshot | None]:
        """How far the flags bring the call, and what there is if they bring it to the change."""
        settled = await settle(operation, controls, self._capgo)
        if settled.outcome is not None:
            return settled, None
        return settled, await _snapshot(MEANINGS[type(operation)], operation, self._capgo)

    async def _planned(self, operation: Operation[Any], controls: Controls, elicitor: Elicitor | None) -> "Plan":
        """How far a call comes before anything is sent, the person's yes included."""
        meaning = MEANINGS[type(operation)]
        (settled, before), _ = await together(
            partial(self._looked_at, operation, controls), partial(refuse_lookalikes, operation, self._capgo)
        )
        if settled.outcome is not None:
            return Plan("previewed", settled.outcome)
        if controls.expected_version is not None:
            _expect(controls.expected_version, before)
        confirmed = "confirmed" if settled.seen else "not needed"
        if meaning.in_vain and before is not None and (why := meaning.in_vain(operation, before, controls)):
            return Plan(confirmed, Outcome(done=False, changed="nothing", note=why))
        if elicitor is None or not (settled.seen or meaning.consequential):
            return Plan(confirmed, None, before, settled.seen)
        await ask(operation, settled.seen or await preview(operation, self._capgo), elicitor)
        return Plan("confirmed and asked" if settled.seen else "asked", None, before, settled.seen)


class Plan(NamedTuple):
    """What is to be done: an answer to give at once, or the change, from what there is."""

    consent: str
    outcome: Outcome[Any] | None = None
    before: Snapshot | None = None
    seen: Seen | None = None


def _final(operation: Operation[Any], outcome: Outcome[Any], seen: Seen | None) -> Outcome[Any]:
    """What is gone, and that no call brings it back where none does."""
    if outcome.undo is not None:
        return outcome
    if operation.spec.effect is Effect.DELETE:
        gone = seen.preview.facts if seen else None
        return outcome.model_copy(update={"before": gone, "note": "This is final: no call brings it back."})
    note = " ".join(filter(None, (outcome.note, "No call takes this back.")))
    return outcome.model_copy(update={"note": note})


async def _carry_out(
    operation: Operation[Any], before: Snapshot | None, capgo: Capgo, *, request_id: str
) -> Outcome[Any]:
    """Send a write and tell what it changed.

    Args:
        operation: The write.
        before: What there was; None where nobody could see it.
        capgo: Where to send it.
        request_id: Under which name Capgo's logs shall keep it.

    Raises:
        CapgoError: The write did not succeed; the reads around it never fail it.
    """
    meaning = MEANINGS[type(operation)]
    answer = await capgo.send(operation, request_id=request_id)
    result = _told(answer)
    if meaning.undo is None:
        told = meaning.answered(operation, answer) if meaning.answered else Told("")
        created = meaning.created and _undo(operation, partial(meaning.created, operation, answer))
        return _outcome(told, created, result=result)
    after = await _snapshot(meaning, operation, capgo)
    if before is None or after is None:
        return Outcome(done=True, result=result, note="Done. What it changed could not be read.")
    undo = _undo(operation, partial(meaning.undo, operation, before, after))
    return _outcome(
        meaning.told(operation, before, after) if meaning.told else Told(""),
        undo,
        before=_different(before.facts, after.facts, meaning.noise),
        after=_different(after.facts, before.facts, meaning.noise),
    )


def _outcome(told: Told, undo: Undo | None, **facts: Any) -> Outcome[Any]:
    """What came of a write that Capgo said was done.

    Args:
        told: That in words.
        undo: The way back; None where nobody looks for one.
        facts: What else there is to tell.
    """
    lost = f"The undo does not bring back: {', '.join(undo.lost)}." if undo and undo.lost else ""
    return Outcome(
        done=told.met,
        changed=None if told.met else "in part",
        now=told.now or None,
        undo=undo.calls if undo else None,
        note=" ".join(filter(None, (*told.notes, undo.note if undo else "", lost))) or None,
        **facts,
    )


def _expect(version: str, before: Snapshot | None) -> None:
    row = before.channel if before else None
    if row is None:
        raise StateMoved("The channel could not be read, so that nobody can say what it serves")
    if row.version != version:
        now = f"It serves {quoted(str(row.version))}." if row.version else "It serves no bundle."
        raise StateMoved(f"The channel does not serve {quoted(version)}", now)


def _undo(operation: Operation[Any], find: Callable[[], Undo]) -> Undo:
    """The way back; the change is done, so that there is none must not make it look failed."""
    try:
        return find()
    except Exception as error:  # noqa: BLE001 - whatever it is, the change is done
        # Only its kind: the text may hold what Capgo had stored.
        log.warning("no undo for %s: %s", operation.spec.name, type(error).__name__)
        return Undo([], [], "There is no undo: what was stored before is nothing that a call may set.")


async def _snapshot(meaning: Meaning[Any], operation: Operation[Any], capgo: Capgo) -> Snapshot | None:
    """What the write changes, as it is now: nothing where it does not exist yet, None where nobody can see it."""
    if meaning.snapshot is None:
        return None
    try:
        return await meaning.snapshot(operation, capgo)
    except NotFound:
        return Snapshot()
    except CapgoError:
        return None


def _told(answer: Answer) -> Answer | None:
    """The answer, if it says more than that it was done."""
    return answer if set(answer.model_fields_set) - {"status"} else None


def _different(facts: Facts, others: Facts, noise: frozenset[str]) -> Facts:
    return {name: value for name, value in facts.items() if name not in noise and others.get(name) != value}
