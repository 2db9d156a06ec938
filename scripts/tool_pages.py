"""A page for each tool: arguments, rights, what it reads and sends, an example with its answer, and the way back."""

import json
from collections.abc import Sequence
from typing import Any, Final

from capgo_mcp.agent.definitions import stored
from capgo_mcp.api.operation import Declared, Effect, Endpoint
from capgo_mcp.api.rights import holders
from capgo_mcp.catalog import DEFAULT_TOOLSETS, every_tool
from scripts.examples import Example, examples
from scripts.markdown import table

_LONGEST: Final = 80
"""Lines of an answer that a page shows."""
_PAGE: Final = """\
# {title}

Written by `make docs`: what stands here is what clients see, and what the sandbox answered.

`{name}`: {description}

{facts}

## Arguments

{arguments}

## Example

{example}

## What undoes it

{undo}
"""
_EFFECTS: Final = {
    Effect.READ: "reads, and changes nothing",
    Effect.CREATE: "creates something: a repeat creates it twice",
    Effect.CHANGE: "changes something",
    Effect.DELETE: "deletes, after consent",
}


def pages() -> dict[str, str]:
    """Every page under `docs/tools/`, by its file name."""
    shown = examples()
    tools = every_tool()
    return {
        "index.md": _index(tools),
        **{f"{tool.spec.name}.md": _page(tool, shown[tool.spec.name]) for tool in tools},
    }


def _index(tools: Sequence[type[Declared[Any]]]) -> str:
    rows = [
        (f"[`{tool.spec.name}`]({tool.spec.name}.md)", tool.spec.toolset, _EFFECTS[tool.spec.effect]) for tool in tools
    ]
    listed = table(("tool", "toolset", "effect"), rows)
    return f"# Tools\n\nWritten by `make docs`: a page for each tool.\n\n{listed}\n"


def _page(tool: type[Declared[Any]], example: Example) -> str:
    return _PAGE.format(
        title=tool.spec.title,
        name=tool.spec.name,
        description=tool.spec.description,
        facts=table(("", ""), _facts(tool, example)),
        arguments=_arguments(tool),
        example=_example(example),
        undo=_undo(tool, example),
    )


def _facts(tool: type[Declared[Any]], example: Example) -> list[tuple[str, str]]:
    spec = tool.spec
    opt_in = "" if spec.toolset in DEFAULT_TOOLSETS else f" (off unless `--toolsets {spec.toolset}` or `all`)"
    facts = [("toolset", f"{spec.toolset}{opt_in}"), ("effect", _EFFECTS[spec.effect])]
    match spec:
        case Endpoint(needs=permission):
            facts.append(("rights", holders(permission) if permission else "any key, or none"))
        case _:
            facts.append(("rights", "those of what it reads; without one of them it says what it could not read"))
    sent = list(dict.fromkeys([*example.requests, *(example.done.requests if example.done else [])]))
    for verb, wanted in (("reads", True), ("sends", False)):
        requests = [f"`{one}`" for one in sent if _is_read(one) is wanted]
        if requests:
            facts.append((f"{verb}, in the example", ", ".join(requests)))
    return facts


def _is_read(request: str) -> bool:
    """Whether a request only reads: some questions of Capgo's own tools are sent with POST."""
    return request.startswith(("GET ", "POST /private/"))


def _arguments(tool: type[Declared[Any]]) -> str:
    schema = stored(tool.spec.name).input_schema
    required = schema.get("required", ())
    rows = [
        (f"`{name}`", _kind(about), "yes" if name in required else "", about.get("description", ""))
        for name, about in schema["properties"].items()
    ]
    return table(("argument", "type", "required", "what it is"), rows) if rows else "None."


def _kind(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if schema["type"] == "array":
        return f"list of {_kind(schema['items'])}"
    bounds = [f"{word} {schema[key]}" for key, word in (("minimum", "from"), ("maximum", "to")) if key in schema]
    return " ".join([schema["type"], *bounds])


def _example(example: Example) -> str:
    given = ["With", f"```json\n{_json(example.arguments)}\n```"] if example.arguments else ["Without arguments,"]
    parts = [*given, "the sandbox answers", _answer(example)]
    if example.done:
        parts += ["and after consent, to the call in `after_consent`,", _answer(example.done)]
    return "\n\n".join(parts)


def _answer(example: Example) -> str:
    """An answer as it came; what is long is cut, and an error stands as an agent reads it."""
    if "error" in example.answer:
        return f"```text\n{example.answer['error']}\n```"
    lines = _json(example.answer).splitlines()
    if len(lines) <= _LONGEST:
        return "```json\n" + "\n".join(lines) + "\n```"
    return "```text\n" + "\n".join([*lines[:_LONGEST], f"... {len(lines) - _LONGEST} more lines"]) + "\n```"


def _undo(tool: type[Declared[Any]], example: Example) -> str:
    if tool.spec.effect is Effect.READ:
        return "Nothing has to be undone."
    if calls := example.undo:
        steps = "\n".join(f"- `{call['tool']}` with `{json.dumps(call['arguments'])}`" for call in calls)
        return f"The answer names the calls. In the example:\n\n{steps}"
    if tool.spec.effect is Effect.DELETE:
        return "No call does: what is deleted is gone."
    return "The answer names no call for it."


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
