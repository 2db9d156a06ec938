"""What a person sees in a terminal: pictures instead of JSON, within its width, and nothing in between."""

import json
import os
import subprocess
import sys
from typing import Final

import pytest

from capgo_mcp.commands.terminal import cells
from tests.support.limits import GENEROUS
from tests.support.window import window

APP: Final = '{"app_id": "com.demo.app"}'
CALL: Final = ("call", "--sandbox", "capgo_summarize_devices", APP)


@pytest.mark.parametrize("width", [40, 60, 100])
def test_tables_and_bars_fit_the_window(width: int) -> None:
    """Devices are counted in a table with bars, no line of which is wider than the window."""
    with window(*CALL, width=width) as shown:
        lines = shown.lines()
    assert any(line.split()[:3] == ["2.2.8", "142", "54.6"] for line in lines) or "  value    2.2.8" in "\n".join(lines)
    assert "{" not in "".join(lines)
    assert max(map(cells, lines)) <= width
    assert shown.process.returncode == 0


def test_window_shows_the_answer_alone() -> None:
    """The progress of the walk is gone when it has ended, and no line of a log is among the others."""
    with window(*CALL) as shown:
        lines = shown.lines()
    assert "devices read" in shown.raw
    assert not [line for line in lines if "devices read" in line or "capgo_mcp" in line]
    assert lines[0].split() == ["devices", "260"]


def test_log_is_there_for_who_asks() -> None:
    """A level that somebody names is the level, in a window as well."""
    with window("--log-level", "INFO", *CALL) as shown:
        assert any("capgo_summarize_devices ok" in line for line in shown.lines())


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colours_can_be_switched_off(variables: dict[str, str], coloured: bool) -> None:
    """NO_COLOR and a terminal without abilities leave no code in what is shown."""
    with window(*CALL, environment=variables) as shown:
        shown.read()
    assert ("\033[" in shown.raw) is coloured


def test_json_is_there_for_who_asks() -> None:
    """With --json a window shows what a pipe gets."""
    with window(*CALL, "--json", width=200) as shown:
        told = json.loads("\n".join(shown.lines()))
    piped = subprocess.run(
        [sys.executable, "-m", "capgo_mcp", *CALL], capture_output=True, text=True, check=True, timeout=GENEROUS
    )
    assert json.loads(piped.stdout) == told
    assert told["devices"] == 260
    assert "\r" not in piped.stderr


def test_error_is_told_without_a_picture() -> None:
    """What goes wrong is the error with its hint, and the exit code says so."""
    with window("call", "--sandbox", "capgo_get_app", '{"app_id": "no.such.app"}') as shown:
        lines = shown.lines()
    assert lines[0].startswith("[cannot_access_app]")
    assert shown.process.returncode == 1


def test_calls_can_be_copied() -> None:
    """What would be done after consent stands there as a command, in one piece however narrow the window is."""
    with window("call", "--sandbox", "capgo_delete_channel", APP[:-1] + ', "channel": "qa"}', width=40) as shown:
        (line,) = [line.strip() for line in shown.lines() if "capgo-mcp call" in line]
    assert line.startswith("capgo-mcp call capgo_delete_channel '{")
    assert json.loads(line.split("'")[1])["confirm"] is True


def test_pictures_need_no_unicode() -> None:
    """Where the locale has no blocks, bars are made of what it has."""
    with window(*CALL, environment={"PYTHONIOENCODING": "ascii"}) as shown:
        assert any("###" in line for line in shown.lines())
    assert os.fsencode(shown.raw).isascii()
