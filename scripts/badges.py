"""The badges at the top of the README: pictures of our own, of what the project itself knows.

None of them comes from elsewhere: a page that loads a badge tells a stranger who reads it, and one about a build or a
download count would be made up as long as nothing is published.
"""

import tomllib
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Final

from mcp_types import LATEST_PROTOCOL_VERSION

from capgo_mcp import __version__
from capgo_mcp.catalog import DEFAULT_TOOLSETS, every_tool
from capgo_mcp.install.source import SOURCE, Provenance
from frameworks import table as frameworks

FOLDER: Final = Path("docs") / "badges"
_ROOT: Final = Path(__file__).parents[1]
_PYTHON: Final = "Programming Language :: Python :: 3."
_WIDE, _USUAL, _NARROW = 8.0, 6.6, 3.8
"""How wide letters are at that size, in pixels; the pictures hold the texts to it, whatever fonts there are."""
_PADDING: Final = 6
_COLORS: Final = {"left": "#444c56", "right": "#0b6bcb"}


def facts(source: Provenance = SOURCE) -> dict[str, tuple[str, str]]:
    """What each badge says, by its name: a word, and what is so.

    Args:
        source: Where the program can be had.
    """
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    versions = [line.removeprefix(_PYTHON) for line in project["classifiers"] if line.startswith(_PYTHON)]
    default = [tool for tool in every_tool() if tool.spec.toolset in DEFAULT_TOOLSETS]
    tried = frameworks.results()
    return {
        "version": ("version", __version__ if source.released else f"{__version__}, not published yet"),
        "python": ("Python", ", ".join(f"3.{minor}" for minor in versions)),
        "mcp": ("MCP", f"up to {LATEST_PROTOCOL_VERSION}"),
        "tools": ("tools", f"{len(default)}, and {len(every_tool()) - len(default)} on request"),
        "frameworks": ("agent frameworks", f"{len(tried)} tried"),
        "licence": ("licence", project["license"]),
    }


def line() -> str:
    """The badges, as the page has them; who cannot see them reads what they say."""
    return "\n".join(f"![{word}: {so}]({FOLDER.as_posix()}/{name}.svg)" for name, (word, so) in facts().items())


def files() -> Iterator[tuple[str, str]]:
    """The path of each picture, and the picture."""
    for name, (word, so) in facts().items():
        yield f"{FOLDER.as_posix()}/{name}.svg", _picture(word, so)


def _picture(word: str, so: str) -> str:
    left, right = (_width(text) + 2 * _PADDING for text in (word, so))
    halves = (
        f'<path d="M3 0h{left - 3}v20H3a3 3 0 0 1-3-3V3a3 3 0 0 1 3-3z" fill="{_COLORS["left"]}"/>',
        f'<path d="M{left} 0h{right - 3}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3H{left}z" fill="{_COLORS["right"]}"/>',
    )
    texts = (
        f'<text x="{start + _PADDING}" y="14" textLength="{width - 2 * _PADDING}">{escape(text)}</text>'
        for start, width, text in ((0, left, word), (left, right, so))
    )
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img">',
            f"<title>{escape(word)}: {escape(so)}</title>",
            *halves,
            '<g fill="#fff" font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="11">',
            *texts,
            "</g>",
            "</svg>\n",
        ]
    )


def _width(text: str) -> int:
    narrow, wide = sum(letter in "Iijlt,. :-" for letter in text), sum(letter in "mwMPCTAW" for letter in text)
    return round(narrow * _NARROW + wide * _WIDE + (len(text) - narrow - wide) * _USUAL)
