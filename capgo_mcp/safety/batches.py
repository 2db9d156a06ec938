"""Many writes of one kind after one consent: each with its own line in the journal, and an end at the first doubt."""

from collections.abc import Mapping
from typing import Any, Final

from capgo_mcp.agent.arguments import Controls
from capgo_mcp.agent.outcomes import Outcome, Preview
from capgo_mcp.api.errors import CapgoError, Conflict, NotFound, OutcomeUnknown, ServerFault, UnexpectedAnswer
from capgo_mcp.api.next_call import NextCall
from capgo_mcp.api.operation import Operation
from capgo_mcp.api.text import quoted
from capgo_mcp.insights.batch import Batch, BatchResult, NotDone, Sorted
from capgo_mcp.insights.insight import Report
from capgo_mcp.safety.confirm import Seen, agreed, ask, mark
from capgo_mcp.safety.elicitation import Elicitor
from capgo_mcp.safety.journal import Entry
from capgo_mcp.safety.writing import Plan, Writer

_FINAL: Final = "This is final: no call brings them back."
_UNKNOWN: Final = (
    "Whether that one was done is not known. Call again without confirm: that reads back, and shows what is left."
)
_GO_ON: Final = "The user has agreed to those that are left: to go on, make the call in after_consent."


class BatchWriter:
    """Sends the writes of a batch one by one.

    Args:
        writer: What sends a write and records it.
        report: Whom to tell how far it is.
    """

    def __init__(self, writer: Writer, report: Report) -> None:
        self._writer = writer
        self._report = report

    async def write(
        self, batch: Batch[Any], found: Sorted, controls: Controls, elicitor: Elicitor | None
    ) -> Outcome[BatchResult]:
        """Do what was sorted out, or answer what that would be.

        Args:
            batch: What the agent wants to do.
            found: What that means now.
            controls: Its flags; without the mark of what was shown, `confirm` counts for nothing.
            elicitor: Who asks the person on top of them; None when the settings do not say so.

        Raises:
            NoConsent: The person did not agree; nothing was sent.
            InputRequired: The client has to ask the person, and to call again; nothing was sent.
            CapgoError: Nothing was done.
        """
        target = batch.model_dump(mode="json", exclude_defaults=True)
        preview = Preview(would=batch.spec.title, facts={**target, **found.facts}, unknown=found.unknown)
        if not found.writes:
            return Outcome(done=False, changed="nothing", now="There is nothing to do: all stay.", preview=preview)
        # An agent that cannot tell the mark has shown nobody what goes, and here that is many things.
        if controls.seen is None:
            controls = controls.model_copy(update={"confirm": False})
        entry = Entry(batch.spec.name, target)
        seen = Seen(preview, _mark(target, found.writes), [], None)
        plan = await self._writer.planned(entry, _planned(batch, seen, controls, elicitor))
        if plan.outcome is not None:
            return plan.outcome
        return await self._each(batch, found, entry.consent)

    async def _each(self, batch: Batch[Any], found: Sorted, consent: str) -> Outcome[BatchResult]:
        done = 0
        not_done: list[NotDone] = []
        left = dict(found.writes)
        total = len(left)
        for name, write in found.writes.items():
            entry = Entry(write.spec.name, write.model_dump(mode="json", exclude_defaults=True), consent=consent)
            try:
                await self._writer.recorded(entry, write, None)
                done += 1
            except (Conflict, NotFound) as error:  # about this one alone: it is in use by now, or gone
                not_done.append(NotDone(name=name, why=error.sentence))
            except CapgoError as error:
                result = BatchResult(done=done, left=len(left), not_done=not_done or None)
                return _stopped(batch, result, left, error)
            del left[name]
            await self._report(done, total, f"{done} of {total} {batch.told}")
        result = BatchResult(done=done, left=found.later, not_done=not_done or None)
        whole = not not_done and not found.later
        more = f"{found.later} more can go: call again." if found.later else ""
        return Outcome(
            done=whole,
            changed=None if whole else "in part" if done else "nothing",
            now=f"{done} of {total} {batch.told}.",
            result=result,
            note=f"{_FINAL} {more}".strip(),
        )


async def _planned(batch: Batch[Any], seen: Seen, controls: Controls, elicitor: Elicitor | None) -> Plan:
    settled = agreed(batch, seen, controls)
    if settled.outcome is not None:
        return Plan("previewed", settled.outcome)
    if elicitor is None:
        return Plan("confirmed", seen=seen)
    await ask(batch, seen, elicitor)
    return Plan("confirmed and asked", seen=seen)


def _stopped(
    batch: Batch[Any], result: BatchResult, left: Mapping[str, Operation[Any]], error: CapgoError
) -> Outcome[BatchResult]:
    """What to answer after an error that would meet the others as well, or that leaves one in doubt.

    Raises:
        CapgoError: The very error, where nothing was done before.
    """
    name = next(iter(left))
    in_doubt = isinstance(error, OutcomeUnknown | ServerFault | UnexpectedAnswer)
    if not in_doubt and not result.done:
        raise error
    target = batch.model_dump(mode="json", exclude_defaults=True)
    onward = NextCall(tool=batch.spec.name, arguments={**target, "confirm": True, "seen": _mark(target, left)})
    return Outcome(
        done=False,
        changed="in part" if result.done else None,
        now=f"{result.done} of {result.done + result.left} {batch.told}.",
        result=result.model_copy(update={"not_known": name if in_doubt else None}),
        note=f"Stopped at {quoted(name)}: {error} {_UNKNOWN if in_doubt else _GO_ON}",
        after_consent=None if in_doubt else onward,
    )


def _mark(target: Mapping[str, Any], writes: Mapping[str, Operation[Any]]) -> str:
    """What goes is the state that was agreed to; what stays may change, and more devices may run it."""
    return mark({**target, "writes": [*writes]})
