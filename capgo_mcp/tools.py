"""Which tools exist under the settings, and the only path of a call."""

import logging
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import mcp_types as t
from pydantic import BaseModel

from capgo_mcp import arguments, definitions, render
from capgo_mcp.asking import Person
from capgo_mcp.client import Capgo
from capgo_mcp.errors import CapgoError, OutcomeUnknown, ServerFault
from capgo_mcp.journal import Journal
from capgo_mcp.operation import Effect, Operation
from capgo_mcp.operations import every
from capgo_mcp.scope import OrganizationScope
from capgo_mcp.settings import Settings
from capgo_mcp.writing import Writer

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tool:
    """A tool: the operation it sends, the controls it offers beside the operation's arguments, and what is locked."""

    operation: type[Operation[Any]]
    locked: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name agents call it by."""
        return self.operation.spec.name

    @property
    def writes(self) -> bool:
        """Whether a call may change something at Capgo."""
        return self.operation.spec.effect is not Effect.READ

    def definition(self) -> t.Tool:
        """The tool as clients see it: a locked argument is not there."""
        tool = definitions.stored(self.operation)
        for name in self.locked:
            tool.input_schema["properties"].pop(name)
            tool.input_schema["required"].remove(name)
        return tool


def chosen(settings: Settings) -> Iterator[Tool]:
    """The tools that exist under the settings, in the order in which the operations are declared."""
    for operation in every():
        locks = {name: value for name, value in settings.locks.items() if name in operation.model_fields}
        tool = Tool(operation, locks)
        if (
            operation.spec.toolset in settings.toolsets
            and operation.spec.name not in settings.excluded
            and not (settings.read_only and tool.writes)
            and settings.contains(operation)
        ):
            yield tool


class Toolbox:
    """The tools of one server and their calls."""

    def __init__(self, capgo: Capgo, settings: Settings) -> None:
        self._capgo = capgo
        self._settings = settings
        self._writer = Writer(capgo, Journal(settings.journal))
        self._scope = OrganizationScope(settings.org, capgo) if settings.org else None
        self._tools = {tool.name: tool for tool in chosen(settings)}

    def __contains__(self, name: object) -> bool:
        return name in self._tools

    def definitions(self) -> list[t.Tool]:
        """Every tool, in the order in which the operations are declared."""
        return [tool.definition() for tool in self._tools.values()]

    async def call(
        self, name: str, raw: Mapping[str, Any], person: Person | None = None
    ) -> t.CallToolResult | t.InputRequiredResult:
        """Call a tool that exists; whatever goes wrong is told in the result.

        Args:
            name: The tool.
            raw: Its arguments as they came.
            person: Whom to ask before something is destroyed, where the settings say so.
        """
        tool = self._tools[name]
        started = time.monotonic()
        code = "ok"
        try:
            answer = await self._answer(tool, raw, person)
            return answer if isinstance(answer, t.InputRequiredResult) else _result(answer)
        except CapgoError as error:
            code = error.code
            return _failure(error)
        except Exception:
            code = "internal_error"
            log.exception("%s failed", name)
            return _failure(CapgoError(code, f"{name} failed inside this server; its log says where."))
        finally:
            log.info("%s %s %.0f ms", name, code, (time.monotonic() - started) * 1000)

    async def _answer(
        self, tool: Tool, raw: Mapping[str, Any], person: Person | None
    ) -> dict[str, Any] | t.InputRequiredResult:
        operation, controls = arguments.read(tool.operation, definitions.controls(tool.operation), tool.locked, raw)
        if self._scope:
            await self._scope.admit(operation)
        if not tool.writes:
            return self._shown(await self._capgo.send(operation), controls.fields)
        try:
            outcome = await self._writer.write(operation, controls, person if self._settings.ask else None)
        except (OutcomeUnknown, ServerFault) as error:
            error.hint = f"{error.hint} Read back with {self._readers(tool)}."
            raise
        return outcome if isinstance(outcome, t.InputRequiredResult) else self._shown(outcome)

    def _shown(self, answer: BaseModel, fields: Collection[str] = ()) -> dict[str, Any]:
        return render.shown(answer, fields, reveal=self._settings.reveal_secrets)

    def _readers(self, tool: Tool) -> str:
        """The tools that tell whether a write of this tool happened."""
        toolset = tool.operation.spec.toolset
        return " or ".join(
            name for name, other in self._tools.items() if other.operation.spec.toolset == toolset and not other.writes
        )


def _result(facts: dict[str, Any]) -> t.CallToolResult:
    """The same facts in both channels: some clients show only one of them."""
    return t.CallToolResult(structured_content=facts, content=[t.TextContent(type="text", text=render.compact(facts))])


def _failure(error: CapgoError) -> t.CallToolResult:
    return t.CallToolResult(is_error=True, content=[t.TextContent(type="text", text=str(error))])
