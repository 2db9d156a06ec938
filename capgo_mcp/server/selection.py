"""Which tools exist under the settings."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import mcp_types as t

from capgo_mcp.agent import definitions
from capgo_mcp.api.operation import Effect
from capgo_mcp.catalog import ENTRIES, KnownTool
from capgo_mcp.config.settings import Settings
from capgo_mcp.server import icons


@dataclass(frozen=True)
class Tool:
    """A tool: what is known of it, and which of its arguments are locked."""

    entry: KnownTool
    locked: Mapping[str, str]

    @property
    def name(self) -> str:
        """The name agents call it by."""
        return self.entry.name

    @cached_property
    def writes(self) -> bool:
        """Whether a call may change something at Capgo."""
        return self.entry.effect is not Effect.READ

    def definition(self) -> t.Tool:
        """The tool as clients see it: a locked argument is not there."""
        tool = _definition(self.entry)
        tool.icons = [icons.BY_EFFECT[self.entry.effect]]
        for name in self.locked:
            tool.input_schema["properties"].pop(name)
            if name in tool.input_schema.get("required", ()):
                tool.input_schema["required"].remove(name)
        return tool


def chosen(settings: Settings) -> Iterator[Tool]:
    """The tools that exist under the settings, in the order in which they are declared."""
    for entry in ENTRIES.values():
        # What a batch does many times has to be on by itself.
        if _is_on(entry, settings) and (entry.write is None or _is_on(ENTRIES[entry.write], settings)):
            yield Tool(entry, {name: value for name, value in settings.locks.items() if name in entry.arguments})


def _is_on(entry: KnownTool, settings: Settings) -> bool:
    return (
        entry.toolset in settings.toolsets
        and entry.name not in settings.excluded
        and not (settings.read_only and entry.effect is not Effect.READ)
        and settings.contains(entry.arguments)
    )


def _definition(entry: KnownTool) -> t.Tool:
    try:
        return definitions.stored(entry.name)
    except FileNotFoundError:  # the operation is being written
        from capgo_mcp.agent.generated import generated  # noqa: PLC0415 - a start has no use for it

        return generated(entry.kind)
