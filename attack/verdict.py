"""What is wrong with an answer, and where the key shows."""

import json
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Final

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # its stubs are a distribution of their own

from attack.victim import Message
from capgo_mcp.agent.definitions import stored
from capgo_mcp.agent.render import LARGEST
from tests.support.keys import found

_WRITTEN: Final = ("stdout", "stderr", "journal")


def crashes(tool: str, answer: Message) -> Iterator[str]:
    """Why an answer is none that a server should give; nothing for a good one.

    Args:
        tool: What was called.
        answer: The message that came.
    """
    result = answer.get("result")
    if result is None:
        yield str(answer.get("error"))
        return
    text = result["content"][0]["text"]
    if len(text) > LARGEST:
        yield f"an answer of {len(text):,} characters"
    if result.get("isError"):
        if text.startswith("[internal_error]"):
            yield "an internal error"
        return
    if json.loads(text) != result["structuredContent"]:
        yield "two channels that differ"
    if wrong := next(_schema(tool).iter_errors(result["structuredContent"]), None):
        yield f"an answer against its schema: {wrong.message[:200]}"


def leaks(key: str, folder: Path) -> Iterator[str]:
    """The writings of a key in all that a server has written."""
    for name in _WRITTEN:
        for line in (folder / name).read_text(encoding="utf-8", errors="replace").splitlines():
            yield from (f"{form} in {name}: {text[:200]}" for text in _texts(line) for form in found(key, text))


def tracebacks(folder: Path) -> int:
    """How many tracebacks a server has logged."""
    return (folder / "stderr").read_text(encoding="utf-8", errors="replace").count("Traceback")


def _texts(line: str) -> Iterator[str]:
    """A line, and all texts in it where it is JSON, in which texts may be JSON again."""
    yield line
    try:
        told = json.loads(line)
    except ValueError:
        return
    yield "\n".join(_strings(told))


def texts(value: Any) -> Iterator[str]:
    """Every text in a JSON value, the names of its members included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield name
            yield from texts(item)


def _strings(value: Any) -> Iterator[str]:
    for text in texts(value):
        yield text
        if text.startswith(("{", "[")):
            with suppress(ValueError):
                yield from _strings(json.loads(text))


@cache
def _schema(tool: str) -> Draft202012Validator:
    return Draft202012Validator(stored(tool).output_schema)
