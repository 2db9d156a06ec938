"""The only path of a call."""

import logging
import time
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

import mcp_types as t
from pydantic import BaseModel

from capgo_mcp.agent import arguments, render
from capgo_mcp.api.errors import CapgoError, OutcomeUnknown, ServerFault, UnexpectedAnswer
from capgo_mcp.api.operation import A, Operation
from capgo_mcp.client import metrics
from capgo_mcp.client.bounds import Deadline
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.config.settings import Settings
from capgo_mcp.insights.batch import Batch
from capgo_mcp.insights.insight import Context, Insight, Report
from capgo_mcp.safety.batches import BatchWriter
from capgo_mcp.safety.elicitation import Elicitor, InputRequired, NoElicitor, Suspending
from capgo_mcp.safety.journal import Journal
from capgo_mcp.safety.scope import OUTSIDE, OrganizationScope, OutOfScope
from capgo_mcp.safety.writing import Writer
from capgo_mcp.server.completions import Completions
from capgo_mcp.server.selection import Tool, chosen

log = logging.getLogger(__name__)

_READS: Final = 2 / 3
"""Share of a write's time that looking before it may take: the change itself is not to be cut off by a slow preview."""


async def unheard(progress: float, total: float | None = None, message: str | None = None) -> None:
    """Tell nobody how far a call is."""


class Toolbox:
    """The tools of one server and their calls.

    Args:
        capgo: Where they are answered.
        settings: Which of them there are.
        tools: The same, worked out before: with many toolboxes, that is done once.

    Attributes:
        clock: What tells the time to all that belongs to a call.
        completions: What a person may mean while typing.
    """

    def __init__(self, capgo: Capgo, settings: Settings, tools: Mapping[str, Tool] | None = None) -> None:
        self._capgo = capgo
        self._settings = settings
        self._journal = Journal(settings.journal)
        self._scope = OrganizationScope(settings.org, capgo.clock) if settings.org else None
        self._tools = tools or {tool.name: tool for tool in chosen(settings)}
        self.clock = capgo.clock
        # They read through `send`, and so through this toolbox: what is locked is not offered either.
        self.completions = Completions(self, self.clock, settings.app)

    def __contains__(self, name: object) -> bool:
        return name in self._tools

    def __iter__(self) -> Iterator[str]:
        return iter(self._tools)

    async def call(
        self, name: str, raw: Mapping[str, Any], elicitor: Elicitor | None = None, report: Report = unheard
    ) -> t.CallToolResult:
        """Call a tool that exists; whatever goes wrong is told in the result.

        Args:
            name: The tool.
            raw: Its arguments as they came.
            elicitor: Who asks the person before something is destroyed, where the settings say so.
            report: Whom to tell how far a long call is.

        Raises:
            InputRequired: The client has to ask the person, and to call again.
        """
        tool = self._tools[name]
        started = time.monotonic()
        code = outcome = "cancelled"  # which is no exception that is caught here: only the last lines hear of it
        try:
            result = _result(await self._answer(tool, raw, elicitor, report))
            code = outcome = "ok"
        except InputRequired:
            code = outcome = "ok"  # a question is no failure of the tool
            raise
        except CapgoError as error:
            code, outcome = error.code, metrics.outcome(error)
            return _failure(error)
        except Exception:  # the low-level server would tell its text to clients of the older era
            code = outcome = "internal_error"
            log.exception("%s failed", name)
            sentence = f"{name} failed inside this server; its log says where."
            return _failure(CapgoError(code, sentence, "Tell the user, and read back before repeating a change."))
        else:
            return result
        finally:
            seconds = time.monotonic() - started
            metrics.CALLS.add(1, {"tool": name, "outcome": outcome})
            metrics.CALL_SECONDS.record(seconds, {"tool": name})
            took = round(seconds * 1000)
            facts = {"tool": name, "outcome": code, "milliseconds": took}
            log.info("%s %s %d ms", name, code, took, extra=facts)

    async def _answer(
        self, tool: Tool, raw: Mapping[str, Any], elicitor: Elicitor | None, report: Report
    ) -> render.Written:
        asked, controls = arguments.read(tool.entry.kind, tool.entry.controls, tool.locked, raw)
        deadline = self._deadline(tool)
        capgo = self._capgo.within(deadline)
        if self._scope:
            await self._scope.admit(asked, capgo)
        context = Context(capgo, report, self._settings.insight_timeout, self.clock)
        asking = Suspending(elicitor or NoElicitor(), deadline) if self._settings.ask else None
        writer = Writer(capgo, self._journal)
        match asked:
            case Operation() if tool.writes:
                return await self._written(tool, asked, controls, writer, asking)
            case Operation():
                facts = self.shown(await capgo.send(asked), controls.fields)
            case Insight():
                facts = self.shown(await asked.gather(context), controls.fields)
            case Batch():
                found = await asked.sort(context)
                outcome = await BatchWriter(writer, report).write(asked, found, controls, asking)
                return render.shortened(self.shown(outcome))
        return render.fitted(asked, facts, controls.fields)

    def _deadline(self, tool: Tool) -> Deadline:
        """The deadline of all requests of a call."""
        # A batch needs as long again, for its many writes.
        walks = 2 if issubclass(tool.entry.kind, Batch) else 1 if issubclass(tool.entry.kind, Insight) else 0
        seconds = self._settings.timeout + walks * self._settings.insight_timeout
        return Deadline(self.clock, seconds, reads=_READS if tool.writes else 1)

    async def _written(
        self,
        tool: Tool,
        operation: Operation[Any],
        controls: arguments.Controls,
        writer: Writer,
        elicitor: Elicitor | None,
    ) -> render.Written:
        try:
            return render.shortened(self.shown(await writer.write(operation, controls, elicitor)))
        except (OutcomeUnknown, ServerFault, UnexpectedAnswer) as error:
            error.hint = f"{error.hint} Read back with {self._readers(tool)}."
            raise

    async def send(self, operation: Operation[A]) -> A:
        """Send a read that a tool of this server could send.

        Raises:
            OutOfScope: The settings leave that tool out, or lock it to something else.
            CapgoError: It brought no answer.
        """
        tool = self._tools.get(operation.spec.name)
        locked = tool.locked if tool else {}
        if tool is None or any(getattr(operation, name) not in (None, value) for name, value in locked.items()):
            raise OutOfScope("out_of_scope", "The settings of this server do not include that.", OUTSIDE)
        operation = operation.model_copy(update=dict(locked))
        if self._scope:
            await self._scope.admit(operation, self._capgo)
        return await self._capgo.send(operation)

    async def facts(self, operation: Operation[Any]) -> dict[str, Any]:
        """The answer to such a read, as an agent sees it.

        Raises:
            CapgoError: As `send`.
        """
        return render.fitted(operation, self.shown(await self.send(operation))).facts

    def shown(self, answer: BaseModel, fields: Collection[str] = ()) -> dict[str, Any]:
        """The facts of an answer as an agent sees them, with secrets masked unless the settings reveal them."""
        return render.shown(answer, fields, reveal=self._settings.reveal_secrets)

    def _readers(self, tool: Tool) -> str:
        """The tools that tell whether a write of this tool happened."""
        toolset = tool.entry.toolset
        return " or ".join(
            name for name, other in self._tools.items() if other.entry.toolset == toolset and not other.writes
        )


def _result(answer: render.Written) -> t.CallToolResult:
    """The same facts in both channels: some clients show only one of them."""
    return t.CallToolResult(structured_content=answer.facts, content=[t.TextContent(type="text", text=answer.text)])


def _failure(error: CapgoError) -> t.CallToolResult:
    return t.CallToolResult(is_error=True, content=[t.TextContent(type="text", text=str(error))])
