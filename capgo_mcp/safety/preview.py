"""What a call would destroy, read from Capgo before anything is sent that writes."""

from typing import Any

from capgo_mcp.agent.outcomes import Preview
from capgo_mcp.api.operation import Operation
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.safety.areas import MEANINGS
from capgo_mcp.safety.reading import Reading


async def preview(operation: Operation[Any], capgo: Capgo) -> Preview:
    """What the operation would destroy; what cannot be read is told instead of guessed.

    Raises:
        NotFound: What it would destroy does not exist.
    """
    reading = Reading(capgo)
    look = MEANINGS[type(operation)].preview
    if look is not None:
        await look(operation, reading)
    target = operation.model_dump(mode="json", exclude_defaults=True)
    return Preview(would=operation.spec.title, facts={**target, **reading.facts}, unknown=reading.unknown)
