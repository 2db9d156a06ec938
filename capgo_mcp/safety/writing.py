"""The one way in which a call changes something: consent first, then the journal, then the change."""

from typing import Any

from capgo_mcp.agent.arguments import Controls
from capgo_mcp.agent.outcomes import Outcome
from capgo_mcp.api.errors import CapgoError
from capgo_mcp.api.operation import Operation
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.safety.change import carry_out
from capgo_mcp.safety.confirm import settle
from capgo_mcp.safety.elicitation import Elicitor, InputRequired
from capgo_mcp.safety.journal import Entry, Journal


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
        """Send a write, or answer what it would destroy.

        Args:
            operation: The write.
            controls: The agent's flags.
            elicitor: Who asks the person on top of them; None when the settings do not say so.

        Raises:
            NoConsent: The person did not agree; nothing was sent.
            InputRequired: The client has to ask the person, and to call again; nothing was sent.
            JournalFailed: It cannot be recorded; nothing was sent.
            CapgoError: Capgo did not do it, or it is not known whether it did.
        """
        entry = Entry(operation.spec.name, operation.model_dump(mode="json", exclude_defaults=True))
        previewed = await self._settled(entry, operation, controls, elicitor)
        if previewed is not None:
            return previewed
        async with self._journal.recording(entry):
            try:
                outcome = await carry_out(operation, controls, self._capgo, request_id=entry.request_id)
            except CapgoError as error:
                entry.outcome, entry.request_id = error.code, error.request_id or entry.request_id
                raise
            entry.outcome = "nothing sent" if outcome.changed == "nothing" else "done"
        return outcome

    async def _settled(
        self, entry: Entry, operation: Operation[Any], controls: Controls, elicitor: Elicitor | None
    ) -> Outcome[Any] | None:
        """What to answer instead of sending; however consent ends there, the journal tells it."""
        try:
            previewed = await settle(operation, controls, self._capgo, elicitor)
        except InputRequired:
            await self._journal.note(entry.ended("asking"))
            raise
        except CapgoError as error:
            await self._journal.note(entry.ended("refused", error.code))
            raise
        if previewed is not None:
            await self._journal.note(entry.ended("previewed"))
        elif operation.needs_consent():
            entry.consent = "confirmed and asked" if elicitor else "confirmed"
        return previewed
