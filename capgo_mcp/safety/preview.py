"""What a call would destroy, read from Capgo before anything is sent that writes."""

import hashlib
import json
from typing import Any, Final, NamedTuple

from capgo_mcp.agent.outcomes import Preview
from capgo_mcp.api.operation import Operation
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.safety.areas import MEANINGS
from capgo_mcp.safety.reading import Reading

_LENGTH: Final = 12
"""Digits of a mark: enough for a state that moved, and short to repeat."""


class Seen(NamedTuple):
    """A preview, and the mark by which the next call proves that this state was shown."""

    preview: Preview
    mark: str


async def preview(operation: Operation[Any], capgo: Capgo) -> Seen:
    """What the operation would destroy; what cannot be read is told instead of guessed.

    Raises:
        NotFound: What it would destroy does not exist.
    """
    reading = Reading(capgo)
    look = MEANINGS[type(operation)].preview
    if look is not None:
        await look(operation, reading)
    target = operation.model_dump(mode="json", exclude_defaults=True)
    seen = Preview(would=operation.spec.title, facts={**target, **reading.facts}, unknown=reading.unknown)
    return Seen(seen, _mark({name: fact for name, fact in seen.facts.items() if name not in reading.moving}))


def _mark(facts: dict[str, Any]) -> str:
    """The same state has the same mark, in every process; no secret is in it, and none is needed."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:_LENGTH]
