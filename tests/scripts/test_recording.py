"""The picture of the demo in the documentation."""

import re
import subprocess
import sys
from xml.etree import ElementTree as ET

import pytest

from scripts import recording
from scripts.docs import ROOT


@pytest.fixture(scope="module")
def printed() -> str:
    """What the demo prints."""
    demo = subprocess.run([sys.executable, "-m", "capgo_mcp", "demo"], check=True, capture_output=True, text=True)
    return demo.stdout


def lasting(text: str) -> str:
    """A text without what is another one each day: the marks of what a preview showed."""
    return re.sub(r"\b[0-9a-f]{12}\b(?!-)", "MARK", text)


def test_picture_shows_what_the_demo_prints(printed: str) -> None:
    """The picture was drawn from the demo as it is now; otherwise `make recording` is due."""
    drawn = recording.PICTURE.read_text(encoding="utf-8")
    assert lasting(drawn) == lasting(recording.picture(recording.lines(printed)))


def test_first_page_quotes_the_demo(printed: str) -> None:
    """The conversation at the top of the README is what is said in the demo, parts of it left out."""
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    quoted = page.partition("```text\n")[2].partition("```")[0].replace("\n         ", " ").splitlines()
    spoken = [line for line in printed.replace("\n         ", " ").splitlines() if line.startswith(("You", "Agent"))]
    assert quoted
    rest = iter(spoken)
    assert all(line in rest for line in quoted), "each in its turn"


def test_picture_is_valid_and_shows_every_line() -> None:
    """It is an SVG; texts with signs of its own are kept as they are, and nothing is drawn outside."""
    shown = recording.lines('You      "Which <b> & c?"\n\n  tool   call(a="' + "x" * 200 + '")\nAgent    Done.')
    root = ET.fromstring(recording.picture(shown))  # noqa: S314 - the test's own text
    texts = ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")][1:]
    assert texts == shown
    assert max(map(len, shown)) <= 100
    height = float(root.attrib["viewBox"].split()[3])
    assert all(float(text.attrib["y"]) < height for text in root.iter("{http://www.w3.org/2000/svg}text"))
