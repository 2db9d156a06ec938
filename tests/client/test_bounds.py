"""However large and however many answers are, what is kept of them is bounded."""

import asyncio
import math
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from traceback import walk_tb
from typing import Final

import anyio
import pytest

from capgo_mcp.api.errors import UnexpectedAnswer
from capgo_mcp.client.bounds import MAX_ANSWER, AnswerTooLarge, Intake

AGAINST: Final = "a host that sends more than memory can bear"
ATTACKER: Final = "a host in Capgo's place"
ASSET: Final = "the service"

LARGE: Final = 2**17
MANY: Final = 20


async def in_pieces(size: int, piece: int = 2**14) -> AsyncIterator[bytes]:
    """A body as it comes over the network."""
    for start in range(0, size, piece):
        yield b"x" * min(piece, size - start)


async def test_few_large_answers_are_kept_at_once() -> None:
    """The others wait, and the host with them; each gets its turn."""
    intake = Intake()
    kept: set[int] = set()
    most = read = 0

    async def take_in(number: int) -> None:
        nonlocal most, read
        async with intake.body() as body:
            await body.fill(in_pieces(LARGE), stream=False)
            kept.add(number)
            most = max(most, len(kept))
            length = await body.read(len)
            read += length
        kept.remove(number)

    async with anyio.create_task_group() as tasks:
        for number in range(MANY):
            tasks.start_soon(take_in, number)
    assert 1 < most <= 3
    assert read == MANY * LARGE


async def test_small_answers_wait_for_nobody() -> None:
    """While large ones take all places, what most answers are like goes on."""
    intake = Intake()
    async with AsyncExitStack() as stack:
        for _ in range(3):
            body = await stack.enter_async_context(intake.body())
            await body.fill(in_pieces(LARGE), stream=False)
        for _ in range(MANY):
            small = await stack.enter_async_context(intake.body())
            await small.fill(in_pieces(1000), stream=False)
            assert await small.read(len) == 1000


async def test_who_gives_up_leaves_its_place() -> None:
    """A call whose time is over holds up no other one."""
    intake = Intake()
    for _ in range(MANY):
        with anyio.CancelScope(deadline=-math.inf):
            async with intake.body() as body:
                await body.fill(in_pieces(LARGE), stream=False)
                await anyio.sleep_forever()
    async with intake.body() as body:
        await body.fill(in_pieces(LARGE), stream=False)
        assert await body.read(len) == LARGE


async def test_large_answers_are_read_beside_the_event_loop_one_by_one() -> None:
    """By a thread that is always the same, so that no other one keeps memory for them."""
    intake = Intake()
    threads: list[int] = []

    async def read() -> None:
        async with intake.body() as body:
            await body.fill(in_pieces(LARGE), stream=False)
            threads.append(await body.read(lambda _: threading.get_ident()))

    await asyncio.gather(*(read() for _ in range(MANY)))
    assert len(threads) == MANY
    assert len({*threads}) == 1
    assert threading.get_ident() not in threads


async def test_nothing_is_read_beyond_the_bound() -> None:
    """However much is left to come."""
    came = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal came
        while True:
            came += 2**20
            yield b"x" * 2**20

    async with Intake().body() as body:
        with pytest.raises(AnswerTooLarge):
            await body.fill(endless(), stream=False)
    assert came <= MAX_ANSWER + 2**20


async def test_of_a_stream_the_end_is_kept() -> None:
    """It may be longer than any answer."""

    async def lines() -> AsyncIterator[bytes]:
        for number in range(10_000):
            yield b"data: %4d\n" % number * 100

    async with Intake().body() as body:
        await body.fill(lines(), stream=True)
        kept = await body.read(bytes)
    assert kept.endswith(b"data: 9999\n")
    assert 2**18 <= len(kept) < 2**18 + 1100


async def _failed(size: int) -> UnexpectedAnswer | AnswerTooLarge:
    """The error in which the reading of an answer ends."""

    def read(content: bytes) -> None:
        rows = [content[:9] for _ in range(9)]
        raise UnexpectedAnswer("unexpected_answer", f"{len(rows)} rows.", "None.")

    try:
        async with Intake().body() as body:
            await body.fill(in_pieces(size), stream=False)
            await body.read(read)
    except (UnexpectedAnswer, AnswerTooLarge) as error:
        return error
    raise AssertionError


@pytest.mark.parametrize("size", [1000, LARGE, 2 * MAX_ANSWER])
async def test_an_error_does_not_hold_the_answer_it_is_about(size: int) -> None:
    """Errors live on, in circles and logs, and many of them would fill the memory with what they refused."""
    error = await _failed(size)
    held = [value for frame, _ in walk_tb(error.__traceback__) for value in frame.f_locals.values()]
    assert not [value for value in held if isinstance(value, bytes | list)]
