"""Draws the demo's real output as a terminal whose lines appear one by one: `python -m scripts.recording`."""

import subprocess
import sys
import textwrap
from html import escape
from pathlib import Path
from typing import Final

PICTURE: Final = Path(__file__).parents[1] / "docs" / "demo.svg"

_COLUMNS: Final = 100
_LINE: Final = 20
_CHARACTER: Final = 8.43
_MARGIN: Final = 20
_TITLE: Final = 36
_PACE: Final = {"You": 1.2, "too": 0.4, "ask": 0.8, "Age": 0.8}
"""Seconds after which a line appears, by how it begins; others follow at once."""
_KIND: Final = {"You": "you", "too": "tool", "ask": "you", "Age": "agent"}
_STYLE: Final = """\
text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #c9d1d9; white-space: pre; }
.you { fill: #79c0ff; } .tool { fill: #8b949e; } .agent { fill: #a5d6a7; } .title { fill: #8b949e; }
@media (prefers-reduced-motion: no-preference) { .line { animation: show 0.2s both; } }
@keyframes show { from { opacity: 0; } }"""


def lines(output: str) -> list[str]:
    """The output as it stands in a terminal of a fixed width."""
    wrapped = (
        textwrap.wrap(line, _COLUMNS, subsequent_indent=" " * 11, drop_whitespace=False) for line in output.splitlines()
    )
    return [line for part in wrapped for line in part or [""]]


def picture(shown: list[str]) -> str:
    """An SVG in which every line appears when it would in a session; it stands still where motion is unwanted."""
    width = round(_COLUMNS * _CHARACTER + 2 * _MARGIN)
    height = _TITLE + len(shown) * _LINE + _MARGIN
    rows = []
    moment = 0.5
    kind = "plain"
    for number, line in enumerate(shown):
        start = line.strip()[:3]
        moment += _PACE.get(start, 0.0)
        kind = {"You": "you", "too": "tool", "ask": "you", "Age": "agent"}.get(
            start, kind if line.startswith("    ") else "plain"
        )
        style = f'style="animation-delay: {moment:.1f}s"'
        top = _TITLE + (number + 1) * _LINE
        rows.append(
            f'<text class="line {kind}" x="{_MARGIN}" y="{top}" xml:space="preserve" {style}>{escape(line)}</text>'
        )
    lights = "".join(
        f'<circle cx="{_MARGIN + 18 * place}" cy="18" r="6" fill="{color}"/>'
        for place, color in enumerate(("#ff5f56", "#ffbd2e", "#27c93f"))
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
            "<title>A session with an agent: a plan, a rollout and back, a pin, a deletion with consent</title>",
            f"<style>\n{_STYLE}\n</style>",
            f'<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>',
            lights,
            f'<text class="title" x="{width / 2:g}" y="23" text-anchor="middle">capgo-mcp demo</text>',
            *rows,
            "</svg>\n",
        ]
    )


def main() -> int:
    """Run the demo and draw it; returns the exit code."""
    demo = subprocess.run([sys.executable, "-m", "capgo_mcp", "demo"], check=True, capture_output=True, text=True)
    PICTURE.write_text(picture(lines(demo.stdout)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
