"""The window in which a person reads: how wide it is, what it can show, and how far something is.

Nothing reaches it but characters that can be seen: whatever a stranger wrote, it moves no cursor and colours nothing.
"""

import os
import shutil
import sys
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Self, TextIO

from capgo_mcp.api.text import visible

NARROWEST: Final = 40
"""Columns below which nothing can be laid out; a narrower window breaks the lines by itself."""

_WIDE: Final = frozenset("WF")
_BOLD, _DIM, _RED, _GREEN, _YELLOW = "1", "2", "31", "32", "33"
_STYLES: Final = {
    "heading": _BOLD,
    "name": _DIM,
    "bar": _GREEN,
    "failing": _RED,
    "no": _RED,
    "healthy": _GREEN,
    "go": _GREEN,
    "wait": _YELLOW,
    "too_few": _YELLOW,
    "unknown": _YELLOW,
}
"""How words of ours look: what they are, or the verdict that they say."""
_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"


def cells(text: str) -> int:
    """The columns that a text takes: two for the wide characters of East Asia and emoji, none for marks."""
    if text.isascii():
        return len(text)
    return sum(_cells_of(character) for character in text)


def _cells_of(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in _WIDE else 1


def padded(text: str, width: int, *, right: bool = False) -> str:
    """A text with spaces up to a width."""
    space = " " * (width - cells(text))
    return f"{space}{text}" if right else f"{text}{space}"


def cut(text: str, width: int) -> tuple[str, str]:
    """As much of a text as fits, at least one character, and the rest."""
    taken = 0
    for index, character in enumerate(text):
        taken += _cells_of(character)
        if taken > width and index:
            return text[:index], text[index:]
    return text, ""


def wrapped(text: str, width: int) -> list[str]:
    """A text as lines that fit, broken between words, or within one that is too long by itself."""
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if cells(joined) <= width:
            lines[-1] = joined
            continue
        if lines[-1]:
            lines.append("")
        rest = word
        while rest:
            lines[-1], rest = cut(rest, width)
            if rest:
                lines.append("")
    return lines


@dataclass(frozen=True)
class Terminal:
    """A window.

    Attributes:
        width: Its columns.
        colours: Whether words may have colours.
        blocks: Whether it can show the characters that bars are made of.
    """

    width: int = 80
    colours: bool = False
    blocks: bool = True

    @classmethod
    def of(cls, stream: TextIO, environment: Mapping[str, str] = os.environ) -> Self | None:
        """The window behind a stream; None where it leads to a file or another program."""
        if not stream.isatty():
            return None
        plain = environment.get("NO_COLOR") or environment.get("TERM") == "dumb"
        old = sys.platform == "win32" and "WT_SESSION" not in environment  # a console that may show codes as they are
        try:
            _EIGHTHS.encode(stream.encoding or "ascii")
        except UnicodeEncodeError:
            blocks = False
        else:
            blocks = True
        width = max(NARROWEST, shutil.get_terminal_size().columns)
        return cls(width, not plain and not old, blocks)

    def styled(self, text: str, style: str) -> str:
        """A text that looks as what it is; it is made of characters that can be seen only."""
        shown = visible(text)  # the last thing before the window: nothing that comes later adds a text
        code = _STYLES.get(style)
        return f"\033[{code}m{shown}\033[0m" if code and self.colours and shown.strip() else shown

    def bar(self, percent: float, width: int) -> str:
        """A bar as long as its share of a width."""
        eighths = round(max(0.0, min(100.0, percent)) / 100 * width * 8)
        if not self.blocks:
            return "#" * round(eighths / 8)
        return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


class Progress:
    """A line on stderr that tells how far a long call is, and goes away before anything else is printed.

    Args:
        terminal: The window; without one, nothing is told.
        stream: Where it is.
    """

    _BAR: Final = 20
    _PIECE: Final = 4

    def __init__(self, terminal: Terminal | None, stream: TextIO) -> None:
        self._terminal = terminal
        self._stream = stream
        self._shown = 0
        self._steps = 0

    async def __call__(self, progress: float, total: float | None = None, message: str | None = None) -> None:
        """Show a number that grows, and what it counts."""
        if self._terminal is None:
            return
        if total:
            bar = padded(self._terminal.bar(100 * progress / total, self._BAR), self._BAR)
        else:  # nobody knows how much there is: something moves for each step
            self._steps += 1
            place = self._steps % (self._BAR - self._PIECE + 1)
            bar = padded(" " * place + self._terminal.bar(100, self._PIECE), self._BAR)
        # One column less: a full line makes some terminals begin another one.
        line, _ = cut(f"{bar} {visible(message or f'{progress:g}')}", self._terminal.width - 1)
        self._put(line)

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            self._put("")

    def _put(self, line: str) -> None:
        # Spaces instead of a code that clears the line: they work in any window.
        over = " " * max(0, self._shown - cells(line))
        self._stream.write(f"\r{line}{over}" if line else f"\r{over}\r")
        self._stream.flush()
        self._shown = cells(line)


def indented(lines: Iterator[str], by: str = "  ") -> Iterator[str]:
    """Lines further to the right."""
    return (f"{by}{line}" if line else line for line in lines)
