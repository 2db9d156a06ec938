"""An answer as a person looks at it: sentences, tables, bars and commands, instead of JSON.

It knows the shapes of answers and none of the tools: what is new in an answer is drawn by its shape.
"""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from capgo_mcp.api.audience import to_person
from capgo_mcp.api.text import visible
from capgo_mcp.commands.terminal import Terminal, cells, indented, padded, wrapped

_HEADINGS: Final = {
    "after_consent": "to go on",
    "undo": "to take it back",
    "calls": "the calls, in this order",
    "back": "the way back",
    "items": "",
}
"""What stands above a part, where its name alone says too little to a person, or nothing is needed."""
_SAID: Final = frozenset({"ask", "do", "note"})
"""Facts that are sentences of ours to an agent."""
_VERDICTS: Final = frozenset({"verdict", "says"})
"""Facts that are one word of ours about a release."""
_NAMED: Final = frozenset({"id", "name"})
"""What is told of a thing by which it is named, and nothing else."""
_BAR: Final = 20
_GAP: Final = "  "
_LONGEST: Final = 20
"""Columns of a word that is not broken to make a table fit."""
_SPARKS: Final = "▁▂▃▄▅▆▇█"

Pairs = list[tuple[str, str]]


def picture(facts: Mapping[str, Any], terminal: Terminal) -> Iterator[str]:
    """The lines of an answer, none longer than the window but for commands, which are to be copied."""
    blank = True
    for line in _lines(facts, terminal):
        if line or not blank:
            yield line
        blank = not line


def _lines(facts: Mapping[str, Any], terminal: Terminal) -> Iterator[str]:
    pairs: Pairs = []
    for name, value in _unrolled(facts).items():
        if not _is_part(value):
            pairs.append((name, _fact(name, value, terminal)))
            continue
        yield from _drawn(pairs, terminal)
        pairs = []
        yield from _part(name, value, terminal)
    yield from _drawn(pairs, terminal)


def _unrolled(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """The facts, where a series by day has a row for each day."""
    days = facts.get("days")
    if not isinstance(days, list):
        return facts
    series = {name: one for name, one in facts.items() if _is_series(one) and len(one) == len(days)}
    if not series:
        return facts
    rest = {name: one for name, one in facts.items() if name not in series and name != "days"}
    return {"items": [{"day": day, **{n: s[at] for n, s in series.items()}} for at, day in enumerate(days)], **rest}


def _is_series(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(type(one) in (int, float) for one in value)


def _is_part(value: object) -> bool:
    """Whether a fact has lines of its own."""
    if isinstance(value, dict):
        return not value.keys() <= _NAMED
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def _part(name: str, value: Any, terminal: Terminal) -> Iterator[str]:
    heading = _HEADINGS.get(name, _words(name))
    if heading:
        yield ""
        yield terminal.styled(heading, "heading")
    inner = replace(terminal, width=terminal.width - len(_GAP)) if heading else terminal
    lines = _inside(value, inner)
    yield from indented(lines) if heading else lines


def _inside(value: Any, terminal: Terminal) -> Iterator[str]:
    rows = value if isinstance(value, list) else [value]
    if not rows:
        yield "(none)"
    elif all(isinstance(row, dict) and {"tool", "arguments"} <= row.keys() for row in rows):
        for row in rows:
            yield command(row["tool"], row["arguments"])  # in one piece: a broken line would be copied broken
    elif isinstance(value, dict):
        yield from _lines(value, terminal)
    elif any(_is_part(one) and isinstance(one, list) for row in rows for one in row.values()):
        for row in rows:
            yield from _lines(row, terminal)
    else:
        yield from _table(rows, terminal)


def command(tool: str, arguments: Mapping[str, Any]) -> str:
    """A call as it is typed."""
    return visible(f"capgo-mcp call {tool} {shlex.quote(json.dumps(arguments, ensure_ascii=False))}")


def _drawn(pairs: Pairs, terminal: Terminal) -> Iterator[str]:
    """Names and what they stand for, in two columns; in one above the other where that leaves too little room."""
    column = max((cells(_words(name)) for name, _ in pairs), default=0)
    room = terminal.width - column - len(_GAP)
    for name, text in pairs:
        label = terminal.styled(padded(_words(name), column), "name")
        style = text if name in _VERDICTS else ""
        if room < column:
            yield terminal.styled(_words(name), "name")
            yield from (f"{_GAP}{terminal.styled(line, style)}" for line in wrapped(text, terminal.width - len(_GAP)))
            continue
        first, *others = wrapped(text, room)
        yield f"{label}{_GAP}{terminal.styled(first, style)}".rstrip()
        yield from (f"{' ' * column}{_GAP}{line}" for line in others)


def _table(rows: Sequence[Mapping[str, Any]], terminal: Terminal) -> Iterator[str]:
    """Rows beneath each other, with a bar where they have a share; one block for each where they do not fit."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    numbers = {name for name in names if all(type(row.get(name, 0)) in (int, float) for row in rows)}
    shares = [row.get("percent") for row in rows]
    bars = all(type(share) in (int, float) for share in shares)  # by type: to Python, true is a number as well
    texts = [[_fact(name, row.get(name, ""), terminal) for name in names] for row in rows]
    texts = _aligned(texts, [name in numbers for name in names])
    room = terminal.width - (len(_GAP) + _BAR if bars else 0)
    widths = _fitted(names, texts, room)
    if not widths:
        for row in rows:
            yield from _drawn([(name, _fact(name, value, terminal)) for name, value in row.items()], terminal)
            yield ""
        return
    columns = [_Column(width, name in numbers) for name, width in zip(names, widths, strict=True)]
    yield from _row([_words(name) for name in names], columns, ["name"] * len(names), terminal)
    for share, told in zip(shares, texts, strict=True):
        styles = [text if name in _VERDICTS else "" for name, text in zip(names, told, strict=True)]
        first, *others = _row(told, columns, styles, terminal)
        bar = terminal.styled(terminal.bar(float(share or 0), _BAR), "bar") if bars else ""
        yield f"{first}{_GAP}{bar}".rstrip()
        yield from (line.rstrip() for line in others)


def _aligned(texts: list[list[str]], numbers: list[bool]) -> list[list[str]]:
    """The cells of a table, where the numbers of a column have as many decimals as the longest of them."""
    places = [max(_decimals(text) for text in column) for column in zip(*texts, strict=True)]
    return [
        [
            f"{float(text):.{decimals}f}" if number and decimals and text and "e" not in text else text
            for text, decimals, number in zip(row, places, numbers, strict=True)
        ]
        for row in texts
    ]


def _decimals(text: str) -> int:
    """The digits behind the point of a number; none in the notation with an exponent, which stays as it is."""
    return 0 if "e" in text else len(text.partition(".")[2])


class _Column(NamedTuple):
    """How wide a column of a table is, and whether what is in it stands at its right end."""

    width: int
    right: bool


def _row(texts: list[str], columns: list[_Column], styles: list[str], terminal: Terminal) -> Iterator[str]:
    """The lines of a row, as many as its highest cell has."""
    parts = [wrapped(text, column.width) for text, column in zip(texts, columns, strict=True)]
    for at in range(max(map(len, parts))):
        yield _GAP.join(
            terminal.styled(padded(part[at] if at < len(part) else "", column.width, right=column.right), style)
            for part, column, style in zip(parts, columns, styles, strict=True)
        )


def _fitted(names: list[str], texts: list[list[str]], room: int) -> list[int]:
    """The widths of the columns; none when there are too many for the room."""
    columns = [[_words(name), *(row[at] for row in texts)] for at, name in enumerate(names)]
    widths = [max(map(cells, column)) for column in columns]
    least = [max(cells(word) for text in column for word in ["", *text.split()]) for column in columns]
    least = [min(word, _LONGEST) for word in least]
    room -= len(_GAP) * (len(names) - 1)
    if sum(least) > room:
        return []
    # The roomiest column gives half of what it can spare, so that no long text takes all from the others.
    while (over := sum(widths) - room) > 0:
        spare, at = max((width - least[at], at) for at, width in enumerate(widths))
        widths[at] -= min(over, max(1, spare // 2))
    return widths


def _words(name: str) -> str:
    """The name of a fact as words."""
    return visible(name).replace("_", " ")


def _text(value: Any, terminal: Terminal) -> str:
    """A fact in a line."""
    match value:
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.10g}"
        case {"name": name}:
            return _text(name, terminal)
        case dict():
            return ", ".join(f"{_words(name)} {_text(one, terminal)}" for name, one in value.items())
        case list():
            return _spark(value, terminal) if _is_series(value) else ", ".join(_text(one, terminal) for one in value)
        case _:
            return visible(str(value))


def _fact(name: str, value: Any, terminal: Terminal) -> str:
    """A fact in a line; what is said to an agent is said to the person instead."""
    text = _text(value, terminal)
    return to_person(text) if name in _SAID else text


def _spark(series: Sequence[float], terminal: Terminal) -> str:
    """A series as a curve of one line, and its last value."""
    last = f"{series[-1]:.10g}"  # a curve tells the shape alone
    if not terminal.blocks or len(series) == 1:
        return ", ".join(f"{one:.10g}" for one in series)
    low, high = min(series), max(series)
    step = (high - low) / (len(_SPARKS) - 1) or 1
    return "".join(_SPARKS[round((one - low) / step)] for one in series) + f" {last}"
