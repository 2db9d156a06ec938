"""The lines of a client: what is a message goes on to the SDK, which drops the others; here they are answered.

Without an answer, whoever sent such a request would wait for ever (python-sdk#2751).
"""

import asyncio
import json
import logging
import re
from typing import Any, Final, Protocol, Self

import anyio
import mcp_types as t
from anyio.lowlevel import checkpoint
from pydantic import ValidationError
from pydantic_core import from_json

log = logging.getLogger(__name__)

LONGEST: Final = 2**22
"""Bytes of one line that are read; what an agent sends has some thousands."""

_LAST_TURNS: Final = 500
"""Turns of the event loop between the last line and the end, which gives up what is not answered by then: whoever sends
some lines and closes gets all answers that need no network."""
# As much of JSON as it takes to find the id in a line that no reader of JSON takes.
_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\]]|[^\s"{}\[\]:,]+')
# The id behind everything else, where some clients write it, at the end of a line of which the middle was not kept.
_LAST_ID: Final = re.compile(
    rb'[]}"\w]\s*,\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"id"\s*:\s*("(?:[^"\\]|\\.)*"|-?\d+)'
    rb'\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?}\s*$'
)
_LONGEST_ID: Final = 100
_ENDING: Final = 500
"""Bytes of a line that are kept of its end."""


class Outlet(Protocol):
    """Where answers go."""

    async def write(self, text: str, /) -> None:
        """Send one line."""
        ...

    async def flush(self) -> None:
        """Wait until the client has read enough of what was sent."""
        ...


class Lines:
    """The messages of a client, line by line; ends with its last one, or when it can be sent nothing more.

    Args:
        stream: The bytes it sends, with a limit of `LONGEST`.
        outlet: Where it is answered; while it does not read there, nothing more is read of it.
    """

    def __init__(self, stream: asyncio.StreamReader, outlet: Outlet) -> None:
        self._stream = stream
        self._outlet = outlet

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """The next line that is a message."""
        try:
            while True:
                await self._outlet.flush()
                line, ending = await self._line()
                if not line:
                    for _ in range(_LAST_TURNS):
                        await checkpoint()
                    raise StopAsyncIteration
                error = refusal(line, ending)
                if error is None:
                    return line
                await self._outlet.write(error.model_dump_json(exclude_none=True) + "\n")
        except anyio.ClosedResourceError:
            raise StopAsyncIteration from None

    async def _line(self) -> tuple[bytes, bytes]:
        """The next line, or nothing at the end; of one that is too long the beginning and the last bytes."""
        beginning = ending = b""
        while True:
            try:
                line = await self._stream.readuntil()
            except asyncio.IncompleteReadError as end:
                line = end.partial
            except asyncio.LimitOverrunError as more:
                part = await self._stream.readexactly(more.consumed)
                beginning, ending = beginning or part, part[-_ENDING:]
                continue
            if beginning:
                return beginning, (ending + line)[-_ENDING:]
            if not line or not line.isspace():
                return line, b""


def refusal(line: bytes, ending: bytes = b"") -> t.JSONRPCError | None:
    """The error that answers a line which is no message; None for a message, and for an answer that cannot be read.

    Args:
        line: The line, or the beginning of a long one.
        ending: The last bytes of a long one.
    """
    try:
        message = t.jsonrpc_message_adapter.validate_json(line, by_name=False)
    except ValidationError:
        pass
    else:
        # To the SDK, what has an id of a wrong type is a notification.
        if not (isinstance(message, t.JSONRPCNotification) and b'"id"' in line and "id" in _members(line)):
            return None
    members = _members(line)
    if "id" not in members and (last := _LAST_ID.search(ending)):
        members["id"] = _id(last[1])
    if "method" not in members and not members.keys().isdisjoint({"result", "error"}):
        log.warning("an answer of the client cannot be read")
        return None
    code, why = _problem(line)
    return t.JSONRPCError(jsonrpc="2.0", id=members.get("id"), error=t.ErrorData(code=code, message=why))


def _problem(line: bytes) -> tuple[int, str]:
    """Which error of JSON-RPC it is, and why."""
    try:
        body = from_json(line, allow_inf_nan=True)
    except ValueError:
        why = f"no JSON in UTF-8 of at most {LONGEST:,} bytes, 200 levels and 4,300 digits, without half characters"
        return t.PARSE_ERROR, f"Parse error: {why}"
    if isinstance(body, dict) and not isinstance(body.get("params"), dict | None):
        return t.INVALID_PARAMS, "Invalid params: they must be an object"
    return t.INVALID_REQUEST, "Invalid request: no JSON-RPC 2.0 message with a method and an id that is text or whole"


def _members(line: bytes) -> dict[str, Any]:
    """The members of the outermost object, whatever else is wrong with a line; of values only that of an id."""
    members: dict[str, Any] = {}
    depth, before, end = 0, b"", 0
    for match in _TOKEN.finditer(line):
        token = match[0]
        if depth == 1 and before and line[end : match.start()].strip() == b":":
            members[before[1:-1].decode("utf-8", "replace")] = _id(token) if before == b'"id"' else None
        depth += (token in b"{[") - (token in b"}]")
        before, end = (token if token.startswith(b'"') else b""), match.end()
    return members


def _id(token: bytes) -> str | int | None:
    """An id as it stands in a line; None if it cannot be one."""
    try:
        name = json.loads(token) if len(token) <= _LONGEST_ID else None
        str(name).encode()
    except ValueError:
        return None
    return name if isinstance(name, str | int) and not isinstance(name, bool) else None
