"""A terminal of a given width, in which a command runs as a person would see it."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Final

from tests.support.limits import GENEROUS

_HEIGHT: Final = 40
_STYLE: Final = re.compile(r"\033\[\d*m")


class Window:
    """What runs in a terminal, and what it has shown there."""

    def __init__(self, process: subprocess.Popen[bytes], screen: int) -> None:
        self.process = process
        self._screen = screen
        self.raw = ""

    def read(self, until: str = "") -> str:
        """Everything shown up to some words, or to the end."""
        while not until or until not in self.raw:
            ready, _, _ = select.select([self._screen], [], [], GENEROUS)
            assert ready, f"nothing came after {self.raw!r}"
            data = b""
            with suppress(OSError):  # as Linux says that nobody writes any more
                data = os.read(self._screen, 65_536)
            if not data:
                break
            self.raw += data.decode()
        return self.raw

    def type(self, characters: bytes) -> None:
        """Type something, such as Ctrl-C."""
        os.write(self._screen, characters)

    def lines(self) -> list[str]:
        """What is left to be seen when it has ended, without colours."""
        self.read()
        return [_STYLE.sub("", _overwritten(line)).rstrip() for line in self.raw.rstrip("\n").split("\n")]


def _at_a_terminal() -> None:
    """Let Ctrl-C of the window count, also where the tests run in the background of a shell, which ignores it."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _overwritten(line: str) -> str:
    """A line after the cursor has gone back to its beginning, as often as it did."""
    seen = ""
    for part in line.rstrip("\r").split("\r"):
        seen = part + seen[len(part) :]
    return seen


@contextmanager
def window(*arguments: str, width: int = 100, environment: Mapping[str, str] | None = None) -> Iterator[Window]:
    """The command line in a terminal of a width, with these variables beside its own."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", _HEIGHT, width, 0, 0))
    kept = {name: text for name, text in os.environ.items() if not name.startswith("CAPGO_")}
    for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"):
        kept.pop(name, None)
    process = subprocess.Popen(
        [sys.executable, "-m", "capgo_mcp", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**kept, "TERM": "xterm-256color", **(environment or {})},
        start_new_session=True,
        preexec_fn=_at_a_terminal,  # noqa: PLW1509 - so that Ctrl-C reaches it, as it does a person's
    )
    os.close(theirs)
    try:
        yield Window(process, ours)
        process.wait(GENEROUS)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
