"""Reads that do not wait for each other: made at once, within the client's pace, and told in the order of the code."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar, cast, overload

import anyio

from capgo_mcp.api.answers import Answer
from capgo_mcp.api.errors import CapgoError
from capgo_mcp.api.operation import Operation, Sender

A = TypeVar("A", bound=Answer)
X = TypeVar("X")
Y = TypeVar("Y")


@overload
async def together(first: Callable[[], Awaitable[X]], second: Callable[[], Awaitable[Y]], /) -> tuple[X, Y]: ...


@overload
async def together(*reads: Callable[[], Awaitable[Any]]) -> tuple[Any, ...]: ...


async def together(*reads: Callable[[], Awaitable[Any]]) -> tuple[Any, ...]:
    """What reads bring that are made at once; they wait for the client's pace side by side.

    Raises:
        CapgoError: One of them failed; the others are given up.
    """
    brought: dict[int, Any] = {}

    async def bring(number: int, read: Callable[[], Awaitable[Any]]) -> None:
        brought[number] = await read()

    try:
        async with anyio.create_task_group() as tasks:
            for number, read in enumerate(reads):
                tasks.start_soon(bring, number, read)
    except ExceptionGroup as group:
        failed, bugs = group.split(CapgoError)
        if failed is None or bugs is not None:
            raise
        raise failed.exceptions[0] from None
    return tuple(brought[number] for number in range(len(reads)))


class Ahead:
    """Brings the answers to operations, some of which were read at once before anybody asked for them.

    What was read ahead is told once, whether it was an answer or an error, when it is sent for.

    Args:
        sender: Where to read.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
        self._told: list[tuple[Operation[Any], Answer | CapgoError]] = []

    async def read(self, *operations: Operation[Any]) -> None:
        """Read what will be asked for, as far as it is not at hand."""
        at_hand = [operation for operation, _ in self._told]
        await together(*(partial(self._read, operation) for operation in operations if operation not in at_hand))

    async def _read(self, operation: Operation[Any]) -> None:
        try:
            outcome: Answer | CapgoError = await self._sender.send(operation)
        except CapgoError as error:
            outcome = error
        self._told.append((operation, outcome))

    async def send(self, operation: Operation[A]) -> A:
        """The answer to an operation, which is sent now if it was not read ahead.

        Raises:
            CapgoError: There is none.
        """
        told = next((one for one in self._told if one[0] == operation), None)
        if told is None:
            return await self._sender.send(operation)
        self._told.remove(told)
        outcome = told[1]
        if isinstance(outcome, CapgoError):
            raise outcome
        return cast("A", outcome)
