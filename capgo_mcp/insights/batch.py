"""What a batch is: a tool without an endpoint that makes many writes of one kind, sorted out by reading first."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Generic, NamedTuple

from capgo_mcp.api.answers import Answer
from capgo_mcp.api.operation import A, Declared, Operation, Spec
from capgo_mcp.insights.insight import Context


class Sorted(NamedTuple):
    """What a batch would do.

    Attributes:
        writes: The writes in their order, each by the name of what it is about.
        facts: What whoever agrees has to know: what the writes are about, what is left alone and why.
        unknown: What could not be learned, and why.
        later: How many more would be done by the next call.
    """

    writes: Mapping[str, Operation[Any]]
    facts: dict[str, Any]
    unknown: list[str]
    later: int = 0


class NotDone(Answer):
    """One that Capgo did not accept, and why."""

    name: str
    why: str


class BatchResult(Answer):
    """How many are done and how many are left; `not_known` is the one of which nobody knows whether it is done."""

    done: int
    left: int
    not_done: list[NotDone] | None = None
    not_known: str | None = None


class Batch(Declared[A], Generic[A]):
    """Many writes of one kind in one call.

    `write` is the kind of each, and `told` says in words what has become of those that are done.
    """

    write: ClassVar[type[Operation[Any]]]
    told: ClassVar[str]

    def __init_subclass__(
        cls, *, write: type[Operation[Any]] | None = None, told: str = "", toolset: str = "insights", **kwargs: Any
    ) -> None:
        """Read the declaration: the class, its docstring, and what it does many times."""
        super().__init_subclass__(**kwargs)
        if write is not None:  # unlike the intermediate Batch[BatchResult] that pydantic makes
            cls.write, cls.told = write, told
            cls.spec = Spec(**cls.described(), toolset=toolset, effect=write.spec.effect)

    @abstractmethod
    async def sort(self, context: Context) -> Sorted:
        """Read what there is, and say what to write.

        Raises:
            CapgoError: What decides about it could not be read.
        """
