"""The picture of the demo in the documentation."""

import re
import subprocess
import sys
from xml.etree import ElementTree as ET

from scripts import recording


def undated(text: str) -> str:
    """A text without its dates: the sandbox's devices were last seen some days before today."""
    return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\dZ", "DATE", text)


def test_picture_shows_what_the_demo_prints() -> None:
    """The picture was drawn from the demo as it is now; otherwise `make recording` is due."""
    demo = subprocess.run([sys.executable, "-m", "capgo_mcp", "demo"], check=True, capture_output=True, text=True)
    drawn = recording.PICTURE.read_text(encoding="utf-8")
    assert undated(drawn) == undated(recording.picture(recording.lines(demo.stdout)))


def test_picture_is_valid_and_shows_every_line() -> None:
    """It is an SVG; texts with signs of its own are kept as they are, and nothing is drawn outside."""
    shown = recording.lines('You      "Which <b> & c?"\n\n  tool   call(a="' + "x" * 200 + '")\nAgent    Done.')
    root = ET.fromstring(recording.picture(shown))  # noqa: S314 - the test's own text
    texts = ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")][1:]
    assert texts == shown
    assert max(map(len, shown)) <= 100
    height = float(root.attrib["viewBox"].split()[3])
    assert all(float(text.attrib["y"]) < height for text in root.iter("{http://www.w3.org/2000/svg}text"))
