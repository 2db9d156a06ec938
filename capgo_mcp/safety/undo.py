"""The way back from a change: what it is, and what the areas share in finding it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Self

from capgo_mcp.agent.render import shown
from capgo_mcp.api.answers import Answer
from capgo_mcp.api.channel_edit import ChannelRow
from capgo_mcp.api.next_call import NextCall
from capgo_mcp.api.operation import Operation

Facts = dict[str, Any]


@dataclass(frozen=True)
class Snapshot:
    """What a write changes, at one moment.

    Attributes:
        facts: As an agent sees them: cleaned, without nulls.
        stored: As Capgo stores them, from which the way back is made: exact names, and null where nothing is.
        channel: The same, of a channel.
        defaults: The app's default channels by name, where the write may move the default.
        at: When it was taken.
    """

    facts: Facts = field(default_factory=dict)
    stored: Facts = field(default_factory=dict)
    channel: ChannelRow | None = None
    defaults: Mapping[str, ChannelRow] = field(default_factory=dict)
    at: datetime | None = None

    @classmethod
    def of(cls, row: Answer) -> Self:
        """The snapshot of one row."""
        return cls(shown(row), {name: None if value == "" else value for name, value in row})


class Told(NamedTuple):
    """What came of a write.

    Attributes:
        now: What is so now, in a sentence.
        met: Whether all is as was asked.
        notes: What else the person should know, a sentence each.
    """

    now: str
    met: bool = True
    notes: Sequence[str] = ()


class Undo(NamedTuple):
    """How a change is taken back: the calls, and what they do not bring back."""

    calls: list[NextCall]
    lost: list[str]
    note: str = ""


def next_call(kind: type[Operation[Any]], **arguments: Any) -> NextCall:
    """A call as an agent has to make it, with consent where it needs that.

    Raises:
        ValidationError: No argument may say what Capgo had stored.
    """
    return NextCall.of(kind(**arguments))


def former(kind: type[Operation[Any]], before: Snapshot, after: Snapshot) -> tuple[Facts, list[str]]:
    """The arguments that set back what changed, and those whose former value is nothing that could be set."""
    old, new = before.stored, after.stored
    changed = [name for name in kind.model_fields if name in new and old.get(name) != new[name]]
    return (
        {name: old[name] for name in changed if old.get(name) is not None},
        [name for name in changed if old.get(name) is None],
    )


def untold(operation: Operation[Any], *names: str) -> list[str]:
    """Which of these arguments, that Capgo never shows, the operation sets."""
    return [name for name in names if getattr(operation, name) is not None]
