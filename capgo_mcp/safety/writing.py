"""The one way in which a call changes something: consent first, then the journal, then the change."""

from typing import Any

import mcp_types as t

from capgo_mcp.agent.arguments import Controls
from capgo_mcp.agent.outcomes import Outcome
from capgo_mcp.api.errors import CapgoError
from capgo_mcp.api.operation import Operation
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.safety import confirm
from capgo_mcp.safety import undo as changes
from capgo_mcp.safety.elicitation import Asker
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

    async def write(
        self, operation: Operation[Any], controls: Controls, asker: Asker | None
    ) -> Outcome[Any] | t.InputRequiredResult:
        """Send a write, or answer what it would destroy.

        Raises:
            NoConsent: The person did not agree; nothing was sent.
            JournalFailed: It cannot be recorded; nothing was sent.
            CapgoError: Capgo did not do it, or it is not known whether it did.
        """
        entry = Entry(operation.spec.name, operation.model_dump(mode="json", exclude_defaults=True))
        pending = await self._settled(entry, operation, controls, asker)
        if pending is not None:
            return pending
        async with self._journal.recording(entry):
            try:
                outcome = await changes.carry_out(operation, self._capgo, request_id=entry.request_id)
            except CapgoError as error:
                entry.outcome, entry.request_id = error.code, error.request_id or entry.request_id
                raise
            entry.outcome = "done"
        return outcome

    async def _settled(
        self, entry: Entry, operation: Operation[Any], controls: Controls, asker: Asker | None
    ) -> Outcome[Any] | t.InputRequiredResult | None:
        try:
            pending = await confirm.settle(operation, controls, self._capgo, asker)
        except CapgoError as error:
            entry.consent, entry.outcome = "refused", error.code
            await self._journal.note(entry)
            raise
        if operation.needs_consent():
            entry.consent = "confirmed and asked" if asker else "confirmed"
        if pending is not None:
            entry.consent = "previewed" if isinstance(pending, Outcome) else "asking"
            entry.outcome = "nothing sent"
            await self._journal.note(entry)
        return pending
