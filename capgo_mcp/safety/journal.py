"""A journal of every call that changed something or tried to: one JSON line each, append-only, for its owner's eyes.

Nothing is sent that could not be recorded: the record is written beside the journal first, and moves into it when the
outcome is known. What a crash or a full disk leaves beside it tells which call has an unknown outcome.
"""

import json
import os
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import anyio.to_thread

from capgo_mcp.api.errors import CapgoError
from capgo_mcp.client.origin import ORIGIN

_OWNER_ONLY: Final = 0o600
_NOTHING_SENT: Final = "so nothing was sent to Capgo"
_APPEND: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT


class JournalFailed(CapgoError):
    """The journal cannot be written, so nothing is sent that it would have to record."""


@dataclass
class Entry:
    """One call: what was asked, how far consent went, and how it ended.

    Attributes:
        tool: The tool that was called.
        arguments: What it was called with.
        time: When, by this machine's clock.
        consent: How far consent went.
        outcome: How it ended.
        caller: Who called, where there are several who may.
        request_id: Under which name the request is kept: in the log, by a front, and in Capgo's logs.
        trace_id: The trace it belongs to.
        answered_as: The name under which Capgo kept it, where that is another one.
    """

    tool: str
    arguments: Mapping[str, Any]
    time: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"))
    consent: str = "not needed"
    outcome: str = "unknown"
    caller: str | None = field(default_factory=lambda: ORIGIN.get().get("caller"))
    request_id: str = field(default_factory=lambda: ORIGIN.get().get("request_id") or uuid.uuid4().hex)
    trace_id: str | None = field(default_factory=lambda: ORIGIN.get().get("trace_id"))
    answered_as: str | None = None

    def ended(self, consent: str, outcome: str = "nothing sent") -> "Entry":
        """The entry of a call that ended before anything was sent."""
        return replace(self, consent=consent, outcome=outcome)

    def failed(self, error: CapgoError) -> None:
        """Note that Capgo did not do it, or that it is not known whether it did."""
        self.outcome = error.code
        if error.request_id != self.request_id:
            self.answered_as = error.request_id

    def line(self) -> bytes:
        """The entry as a line of the journal."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


@dataclass(frozen=True)
class Journal:
    """The file that records are appended to; without a path, nothing is recorded."""

    path: Path | None = None

    @asynccontextmanager
    async def recording(self, entry: Entry) -> AsyncIterator[None]:
        """Record a call around sending it.

        Raises:
            JournalFailed: It cannot be recorded; when raised on entering, nothing has been sent.
        """
        if self.path is None:
            yield
            return
        # A name of its own: a caller can choose the id of a request, and choose it twice.
        pending = self.path.with_name(f"{self.path.name}.{uuid.uuid4().hex}.pending")
        await self._append(self.path, b"", _NOTHING_SENT)  # it can be opened, at least
        # In a file of its own: many calls append to the journal, and none of them could take back a line amid others.
        await self._append(pending, entry.line(), _NOTHING_SENT)
        try:
            yield
        finally:
            with anyio.CancelScope(shield=True):  # a client that gave up does not unmake what was sent
                await self._append(self.path, entry.line(), f"the call was made; its record stays in {pending.name}")
                await anyio.to_thread.run_sync(pending.unlink)

    async def note(self, entry: Entry) -> None:
        """Record a call that sent nothing, such as a preview or a declined one."""
        if self.path is not None:
            await self._append(self.path, entry.line(), _NOTHING_SENT)

    async def _append(self, path: Path, line: bytes, consequence: str) -> None:
        try:
            await anyio.to_thread.run_sync(_append, path, line)
        except OSError as error:
            reason = error.strerror or "it cannot be written"
            raise JournalFailed(
                "journal_failed", f"The journal could not be written ({reason}), {consequence}.", "Tell the user."
            ) from error


def _append(path: Path, line: bytes) -> None:
    # Opened each time: the file may be rotated or taken away between two calls, and the line shall be where it says.
    descriptor = os.open(path, _APPEND, _OWNER_ONLY)
    try:
        os.fchmod(descriptor, _OWNER_ONLY)  # also where somebody made the file before
        if os.write(descriptor, line) != len(line):
            raise OSError(0, "the disk is full")
        # On the disk before anything is sent: a crash must not take the record along.
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
