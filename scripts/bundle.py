"""Builds the bundle for Claude Desktop: `python -m scripts.bundle` writes `dist/capgo-mcp-VERSION.mcpb`."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from capgo_mcp import __version__
from scripts import npm

ROOT: Final = Path(__file__).parents[1]
STAGE: Final = ROOT / "build" / "mcpb"
BUNDLE: Final = ROOT / "dist" / f"capgo-mcp-{__version__}.mcpb"

_CONTENT: Final = ("manifest.json", "pyproject.toml", "README.md", "LICENSE")


def stage() -> None:
    """Lay out what the bundle holds: the package as it is, which the client's own uv installs."""
    shutil.rmtree(STAGE, ignore_errors=True)
    shutil.copytree(ROOT / "capgo_mcp", STAGE / "capgo_mcp", ignore=shutil.ignore_patterns("__pycache__"))
    for name in _CONTENT:
        shutil.copyfile(ROOT / name, STAGE / name)


def main() -> int:
    """Build and validate the bundle; returns the exit code."""
    stage()
    if not npm.available():
        print(
            f"The bundle's content is in {STAGE.relative_to(ROOT)}. Packing it needs npm, which is not here.",
            file=sys.stderr,
        )
        return 1
    mcpb = npm.program("@anthropic-ai/mcpb", "mcpb")
    BUNDLE.parent.mkdir(exist_ok=True)
    for words in (("validate", STAGE / "manifest.json"), ("pack", STAGE, BUNDLE)):
        subprocess.run([mcpb, *words], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
