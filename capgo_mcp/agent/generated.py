"""What operations make of themselves as tools: the definitions that are stored."""

from typing import Any, Final

import mcp_types as t

from capgo_mcp.agent import arguments, render
from capgo_mcp.agent.outcomes import Outcome
from capgo_mcp.agent.schema import Schema, input_schema, output_schema
from capgo_mcp.api.operation import Declared, Effect

_NAMED: Final = 3


def generated(kind: type[Declared[Any]]) -> t.Tool:
    """The definition that the operation makes."""
    spec = kind.spec
    writes = spec.effect is not Effect.READ
    return t.Tool(
        name=spec.name,
        title=spec.title,
        description=spec.description,
        input_schema=_input_schema(kind),
        output_schema=output_schema(Outcome[spec.answer] if writes else spec.answer),  # type: ignore[name-defined]
        # All are said, though some follow from others: clients take what lacks one for destructive,
        # and directories refuse it.
        annotations=t.ToolAnnotations(
            title=spec.title,
            read_only_hint=not writes,
            destructive_hint=spec.effect in (Effect.CHANGE, Effect.DELETE),
            idempotent_hint=spec.effect is not Effect.CREATE,
            open_world_hint=True,
        ),
    )


def controls(kind: type[Declared[Any]]) -> frozenset[str]:
    """The names of the arguments that steer the tool and never reach Capgo."""
    consent = {"confirm", "seen"} if kind.can_destroy() else set()
    named = {"confirm_name"} if kind.spec.by_name else set()
    reads = kind.spec.effect is Effect.READ
    further = {"fields"} if reads and render.requestable(kind.spec.answer) else set()
    return frozenset({*consent, *named, *further, *kind.spec.controls})


def _fields(kind: type[Declared[Any]]) -> str:
    """What `fields` can be: all names would be most of a definition, and a wrong one is answered with them."""
    names = render.requestable(kind.spec.answer)
    return f"More fields{':' if len(names) <= _NAMED else ', e.g.'} {', '.join(names[:_NAMED])}."


def _input_schema(kind: type[Declared[Any]]) -> Schema:
    schema = input_schema(kind)
    offered: Schema = input_schema(arguments.Controls)["properties"]
    offered["fields"] |= {"description": _fields(kind), "items": {"type": "string"}}
    schema["properties"] |= {name: offered[name] for name in sorted(controls(kind))}
    return schema
