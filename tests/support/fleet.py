"""A stand-in for Capgo that lists as many devices as a test wants, and remembers what it was asked."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from capgo_mcp.api.errors import CapgoError
from capgo_mcp.api.operation import A, Operation
from capgo_mcp.client.clock import Clock, SystemClock
from capgo_mcp.insights.insight import Context
from capgo_mcp.operations.devices import Device, ListDevices


@dataclass
class FakeCapgo:
    """Answers a list of devices from an iterator, page by page, and fails at the pages it is told to.

    Attributes:
        devices: Makes the devices, from the first one on.
        fails: The error to raise at a page, by its number.
        pages: The pages that were asked for.
    """

    devices: Callable[[], Iterator[Device]]
    fails: dict[int, CapgoError] = field(default_factory=dict)
    pages: list[ListDevices] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._rest = self.devices()

    async def send(self, operation: Operation[A]) -> A:
        """The next page."""
        assert isinstance(operation, ListDevices)
        self.pages.append(operation)
        if error := self.fails.get(len(self.pages)):
            raise error
        rows = list(islice(self._rest, operation.limit))
        more = f"after|{rows[-1].device_id}" if len(rows) == operation.limit else None
        answer: Any = operation.spec.answer(items=rows, next=more)
        return answer  # type: ignore[no-any-return]  # the answer of a list of devices, as asserted


@dataclass
class Heard:
    """Remembers the progress it is told."""

    figures: list[float] = field(default_factory=list)

    async def __call__(self, progress: float, total: float | None = None, message: str | None = None) -> None:
        """Remember one figure."""
        assert total is None
        assert message
        self.figures.append(progress)


def context(capgo: Any, seconds: float = 3600, report: Heard | None = None, clock: Clock | None = None) -> Context:
    """What an insight works with, and plenty of time."""
    return Context(capgo, report or Heard(), seconds, clock or SystemClock())


def devices(count: int, **facts: Any) -> Callable[[], Iterator[Device]]:
    """Makes so many devices, made one by one so that they take no memory."""
    return lambda: (Device(device_id=f"device-{number:07}", **facts) for number in range(count))
