"""What a write means: what to look at before it, how its change is seen, and how that is taken back."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from capgo_mcp.agent.arguments import Controls
from capgo_mcp.api.operation import Operation
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.safety.reading import Reading
from capgo_mcp.safety.undo import Snapshot, Told, Undo

W = TypeVar("W", bound=Operation[Any])


@dataclass(frozen=True)
class Meaning(Generic[W]):
    """What one kind of write means; a write of which nothing is said is told by its answer alone.

    Attributes:
        operation: The kind of write.
        preview: Reads what the user has to know before they agree to it.
        weighs: Whether what is there decides if the write needs consent, where the declaration does not.
        snapshot: Reads, before and after, what the write changes.
        in_vain: Says, from what was before, why the write would not do what it seems to; then it is not sent.
        told: Says in words what came of it, and whether that is what was asked.
        answered: The same from Capgo's answer alone, of a write that is not looked at before and after.
        undo: Finds the way back from what was before and what is after.
        created: Finds it from the answer, which alone tells what was created.
        consequential: Whether it reaches devices, people or settings, so that `--ask` asks about it in any case.
        noise: Facts of the snapshot that change by themselves, or repeat another one.

    Raises:
        TypeError: Less is said than the declaration of the operation asks for.
    """

    operation: type[W]
    preview: Callable[[W, Reading], Awaitable[None]] | None = None
    weighs: Callable[[W], bool] | None = None
    snapshot: Callable[[W, Capgo], Awaitable[Snapshot]] | None = None
    in_vain: Callable[[W, Snapshot, Controls], str | None] | None = None
    undo: Callable[[W, Snapshot, Snapshot], Undo] | None = None
    created: Callable[[W, Any], Undo] | None = None
    told: Callable[[W, Snapshot, Snapshot], Told] | None = None
    answered: Callable[[W, Any], Told] | None = None
    consequential: bool = True
    noise: frozenset[str] = frozenset({"updated_at"})

    def __post_init__(self) -> None:
        """Say at import what is missing: at run time it would show when somebody is about to lose something."""
        if (self.operation.can_destroy() or self.weighs) and self.preview is None:
            raise self._lacking("can destroy", "preview", "what is read and shown before anybody agrees to it")
        if (self.snapshot is None) is not (self.undo is None and self.in_vain is None):
            raise self._lacking("is told by half", "a snapshot and undo or in_vain", "they are found from it")

    def _lacking(self, because: str, what: str, why: str) -> TypeError:
        kind = self.operation
        return TypeError(
            f"{kind.__name__} {because}, so its Meaning in capgo_mcp/safety/{kind.spec.toolset}.py needs {what}: {why}."
        )
