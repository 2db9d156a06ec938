"""The way back from a change: what it is, and what the areas share in finding it."""

from typing import Any, NamedTuple

from capgo_mcp.agent.outcomes import NextCall
from capgo_mcp.api.operation import Operation

Facts = dict[str, Any]


class Undo(NamedTuple):
    """How a change is taken back: the calls, and the arguments whose former value Capgo does not tell."""

    calls: list[NextCall]
    lost: list[str]
    note: str = ""


def next_call(kind: type[Operation[Any]], **arguments: Any) -> NextCall:
    """A call as an agent has to make it, with consent where it needs that."""
    consent = {"confirm": True} if kind(**arguments).needs_consent() else {}
    return NextCall(tool=kind.spec.name, arguments=arguments | consent)


def former(kind: type[Operation[Any]], before: Facts, after: Facts) -> tuple[Facts, list[str]]:
    """The arguments that set back what changed, and those whose former value is nothing that could be set."""
    changed = [name for name in kind.model_fields if before.get(name) != after.get(name)]
    return {name: before[name] for name in changed if name in before}, [name for name in changed if name not in before]


def untold(operation: Operation[Any], *names: str) -> list[str]:
    """Which of these arguments, that Capgo never shows, the operation sets."""
    return [name for name in names if getattr(operation, name) is not None]
