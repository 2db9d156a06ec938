"""Builds the bundle for Claude Desktop: `python -m scripts.bundle` writes `dist/capgo-mcp-VERSION.mcpb`."""

import json
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Final

from capgo_mcp import __version__
from scripts import npm

ROOT: Final = Path(__file__).parents[1]
STAGE: Final = ROOT / "build" / "mcpb"
NAME: Final = f"capgo-mcp-{__version__}.mcpb"
BUNDLE: Final = ROOT / "dist" / NAME

_MODE: Final = 0o100644
_CONTENT: Final = ("manifest.json", "icon.png", "README.md", "PRIVACY.md", "LICENSE")


def stage() -> None:
    """Lay out what the bundle holds: the package as it is, which the client's own uv installs with what was tested."""
    shutil.rmtree(STAGE, ignore_errors=True)
    shutil.copytree(ROOT / "capgo_mcp", STAGE / "capgo_mcp", ignore=shutil.ignore_patterns("__pycache__"))
    for name in _CONTENT:
        shutil.copyfile(ROOT / name, STAGE / name)
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (STAGE / "pyproject.toml").write_text(
        f"{project}\n[tool.uv]\nconstraint-dependencies = {pins()}\n", encoding="utf-8"
    )


def pins() -> str:
    """The versions that the tests ran with, as a list in TOML; uv installs no others."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return json.dumps([line for line in lines if line and not line.startswith("#")], indent=4)


def pack(target: Path, moment: int) -> None:
    """Write the bundle, whose bytes depend on nothing but its content and the given time.

    A bundle is a zip archive; the program of the format's authors writes the time of day into it.

    Args:
        target: Where it is written.
        moment: The time that every file in it bears, in seconds since 1970.
    """
    stage()
    date = time.gmtime(moment)[:6]
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(path for path in STAGE.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(STAGE).as_posix(), date)
            entry.external_attr = _MODE << 16
            archive.writestr(entry, path.read_bytes())  # stored: packed bytes differ with the version of zlib


def main() -> int:
    """Build and validate the bundle; returns the exit code."""
    if not npm.available():
        print("Validating the bundle needs npm, which is not here.", file=sys.stderr)
        return 1
    BUNDLE.parent.mkdir(exist_ok=True)
    pack(BUNDLE, int(time.time()))
    mcpb = npm.program("@anthropic-ai/mcpb", "mcpb")
    for words in (("validate", STAGE / "manifest.json"), ("info", BUNDLE)):
        subprocess.run([mcpb, *words], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
