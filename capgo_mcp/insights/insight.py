"""What an insight is: a tool without an endpoint, which says with `gather` which reads its answer is made from."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, Generic, Protocol

from capgo_mcp.api.operation import A, Declared, Sender, Spec
from capgo_mcp.client.clock import Clock


class Report(Protocol):
    """Tells whoever waits how far a long call is."""

    async def __call__(self, progress: float, total: float | None = None, message: str | None = None) -> None:
        """Report a number that grows, and what it counts."""
        ...


@dataclass(frozen=True)
class Context:
    """What an insight works with.

    Attributes:
        capgo: Where it reads.
        report: Whom it tells how far it is.
        seconds: How long it may read page after page before it tells what it has.
        clock: What tells the time.
    """

    capgo: Sender
    report: Report
    seconds: float
    clock: Clock


class Insight(Declared[A], Generic[A]):
    """A question that several reads answer together."""

    def __init_subclass__(cls, *, toolset: str = "insights", **kwargs: Any) -> None:
        """Read the declaration: the class, its docstring, and the toolset if it is another one."""
        super().__init_subclass__(**kwargs)
        if cls.__bases__[0] is not Insight:  # not the intermediate Insight[Found] that pydantic makes
            cls.spec = Spec(**cls.described(), toolset=toolset)

    @abstractmethod
    async def gather(self, context: Context) -> A:
        """Read what the answer is made from, and make it.

        Raises:
            CapgoError: Nothing could be read, or the question is about something that does not exist.
        """
