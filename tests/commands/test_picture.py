"""Pictures of answers: everything is in them, nothing is wider than the window, and no text of a stranger acts."""

import json
import re
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capgo_mcp.api.operation import Effect
from capgo_mcp.catalog import every_tool
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.client.key import StaticKey
from capgo_mcp.commands.picture import command, picture
from capgo_mcp.commands.terminal import Terminal, cells, cut, padded, wrapped
from capgo_mcp.config.settings import Settings
from capgo_mcp.sandbox import ADMIN_KEY
from capgo_mcp.server.tools import Toolbox
from tests.support import samples
from tests.support.samples import AnyTool

READS: Final = [kind for kind in every_tool() if kind.spec.effect is Effect.READ]
STYLE: Final = re.compile(r"\033\[\d+m|\033\[0m")
NAMES: Final = st.text(max_size=12)
ROWS: Final = st.dictionaries(NAMES, NAMES | st.integers() | st.booleans() | st.none(), max_size=4)
ANSWERS: Final = st.dictionaries(NAMES, NAMES | ROWS | st.lists(ROWS | NAMES, max_size=3), max_size=4)
"""Answers of the shapes that there are, and of some that there are not, with whatever text in them."""


@pytest.mark.parametrize("kind", READS, ids=lambda kind: kind.spec.name)
async def test_every_answer_can_be_looked_at(kind: AnyTool, capgo: Capgo) -> None:
    """What any reading tool answers is drawn within a narrow and a wide window, with every text that it holds."""
    toolbox = Toolbox(capgo, Settings(key=StaticKey(ADMIN_KEY), toolsets=samples.ALL_TOOLSETS))
    result = await toolbox.call(kind.spec.name, samples.required(kind))
    facts = result.structured_content or {}
    for width in (40, 80, 160):
        lines = list(picture(facts, Terminal(width)))
        assert [line for line in lines if cells(line) > width and "capgo-mcp call" not in line] == []
    assert [text for text in texts(facts) if squeezed(text) not in squeezed("".join(lines))] == []


def texts(value: Any) -> list[str]:
    """The short texts of an answer that a table shows in one cell, but for those that are said otherwise."""
    match value:
        case str() if len(value) < 20:
            return [value]
        case list():
            return [text for one in value for text in texts(one)]
        case dict() if not {"tool", "arguments"} <= value.keys():
            return [text for name, one in value.items() if name not in ("ask", "do", "note") for text in texts(one)]
        case _:
            return []


def squeezed(text: str) -> str:
    """A text without white space, so that it does not matter where it is broken."""
    return "".join(text.split())


@given(ANSWERS, st.integers(40, 120), st.booleans())
def test_no_text_acts_on_the_terminal(facts: dict[str, Any], width: int, colours: bool) -> None:
    """Whatever an answer holds, nothing but our own colours is no character that can be seen."""
    for line in picture(facts, Terminal(width, colours)):
        plain = STYLE.sub("", line) if colours else line
        assert not [character for character in plain if ord(character) < 32 or 127 <= ord(character) < 160]


@pytest.mark.parametrize("text", ["\033[2J\033[31mred", "a\rb", "\x9b2J", "\u202eevil", "\033]0;title\a", "a\nb"])
def test_terminal_codes_are_taken_out(text: str) -> None:
    """Codes that clear the screen, name the window or turn the direction are gone wherever they stand."""
    facts = {text: text, "items": [{text: text, "name": text}], "undo": {"tool": text, "arguments": {text: text}}}
    shown = "\n".join(picture(facts, Terminal(80)))
    assert not set("\033\r\x9b\a\u202e") & set(shown)


@given(st.text(), st.integers(1, 30))
def test_wrapping_loses_nothing(text: str, width: int) -> None:
    """Every word is there, and no line is wider than it may be, unless one character alone is."""
    lines = wrapped(text, width)
    assert squeezed("".join(lines)) == squeezed(text)
    assert all(cells(line) <= width or len(line) == 1 for line in lines)


@given(st.text(min_size=1), st.integers(0, 20))
def test_cutting_loses_nothing(text: str, width: int) -> None:
    """What is cut off is the rest."""
    first, rest = cut(text, width)
    assert first + rest == text
    assert first


def test_wide_characters_take_two_columns() -> None:
    """Columns stay in line behind names in Japanese and behind emoji, and marks take none."""
    assert [cells(text) for text in ("abc", "日本", "📱", "e\u0301")] == [3, 4, 2, 1]
    assert [cells(padded(text, 6)) for text in ("abc", "日本", "📱")] == [6] * 3


@pytest.mark.parametrize(
    ("percent", "bar"), [(0, ""), (-5, ""), (50, "█████"), (55, "█████▌"), (100, "█" * 10), (900, "█" * 10)]
)
def test_bars_are_as_long_as_their_share(percent: float, bar: str) -> None:
    """A bar has eighths of a column, and stays within its room."""
    assert Terminal().bar(percent, 10) == bar
    assert Terminal(blocks=False).bar(percent, 10) == "#" * round(max(0, min(100, percent)) / 10)


def test_series_are_curves() -> None:
    """Figures by day become rows where there are days, and a curve of one line elsewhere."""
    facts = {"days": ["Mon", "Tue"], "percent": [10.0, 100.0]}
    assert [line.split() for line in picture(facts, Terminal())] == [
        ["day", "percent"],
        ["Mon", "10", "██"],
        ["Tue", "100", "█" * 20],
    ]
    assert list(picture({"devices": [1, 4, 8]}, Terminal())) == ["devices  ▁▄█ 8"]
    assert list(picture({"devices": [1, 4, 8]}, Terminal(blocks=False))) == ["devices  1, 4, 8"]


def test_commands_are_what_would_be_called() -> None:
    """A call is written so that a shell reads the same arguments."""
    line = command("capgo_x", {"name": "it's"})
    assert line.startswith("capgo-mcp call capgo_x '")
    assert json.loads(line.split(" ", 3)[3][1:-1].replace("'\"'\"'", "'")) == {"name": "it's"}


def test_decimals_stand_beneath_each_other() -> None:
    """Numbers of a column have as many decimals as the longest; a missing one stays empty, and whole ones whole."""
    rows = [{"value": "a", "share": 54.6, "devices": 142}, {"value": "b", "share": 15.0, "devices": 39}, {"value": "c"}]
    assert list(picture({"items": rows}, Terminal())) == [
        "value  share  devices",
        "a       54.6      142",
        "b       15.0       39",
        "c",
    ]
    assert list(picture({"items": [{"n": 1.5e-12}, {"n": 2.5}]}, Terminal())) == ["      n", "1.5e-12", "    2.5"]
