"""Builds the bundle for Claude Desktop: `python -m scripts.bundle` writes `dist/capgo-mcp-VERSION.mcpb`.

The client's own uv installs what the lock in it names, with its hashes, and nothing is built on the user's machine.
The lock is made with the bundle, from the pinned versions: it names where each file lies, which is no matter of ours.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import zipfile
from pathlib import Path
from typing import Final

from capgo_mcp import __version__
from scripts import npm

ROOT: Final = Path(__file__).parents[1]
NAME: Final = f"capgo-mcp-{__version__}.mcpb"
BUNDLE: Final = ROOT / "dist" / NAME

_MODE: Final = 0o100644
_CONTENT: Final = ("manifest.json", "icon.png", "README.md", "PRIVACY.md", "LICENSE")


def stage(folder: Path, uv: Path | None = None) -> None:
    """Lay out what the bundle holds: the package as it is, and what uv has to install for it.

    Args:
        folder: An empty folder, or one that is to be made.
        uv: What makes the lock; without it there is none, and the pinned versions alone hold.
    """
    shutil.copytree(
        ROOT / "capgo_mcp", folder / "capgo_mcp", ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True
    )
    for name in _CONTENT:
        shutil.copyfile(ROOT / name, folder / name)
    (folder / "pyproject.toml").write_text(project(), encoding="utf-8")
    if uv is not None:
        subprocess.run([uv, "lock", "--quiet", "--project", folder], check=True)


def project() -> str:
    """What uv reads of the bundle. Its version stands in the manifest."""
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return (
        f'[project]\nname = "{ours["name"]}"\nversion = "0"\nrequires-python = "{ours["requires-python"]}"\n'
        f"dependencies = {json.dumps(ours['dependencies'], indent=4)}\n\n"
        f"[tool.uv]\npackage = false\nconstraint-dependencies = {json.dumps(pins(), indent=4)}\n"
    )


def pins() -> list[str]:
    """The versions that the tests ran with; the lock admits no others."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def pack(target: Path, moment: int, uv: Path | None = None) -> None:
    """Write the bundle, whose bytes depend on nothing but its content and the given time.

    A bundle is a zip archive; the program of the format's authors writes the time of day into it.

    Args:
        target: Where it is written.
        moment: The time that every file in it bears, in seconds since 1970.
        uv: What makes the lock.
    """
    date = time.gmtime(moment)[:6]
    with tempfile.TemporaryDirectory() as name, zipfile.ZipFile(target, "w") as archive:
        folder = Path(name)
        stage(folder, uv)
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), date)
            entry.external_attr = _MODE << 16
            archive.writestr(entry, path.read_bytes())  # stored: packed bytes differ with the version of zlib


def main() -> int:
    """Build and validate the bundle; returns the exit code."""
    if not npm.available():
        print("Validating the bundle needs npm, which is not here.", file=sys.stderr)
        return 1
    BUNDLE.parent.mkdir(exist_ok=True)
    uv = shutil.which("uv")
    pack(BUNDLE, int(time.time()), Path(uv) if uv else None)
    mcpb = npm.program("@anthropic-ai/mcpb", "mcpb")
    for words in (("validate", ROOT / "manifest.json"), ("info", BUNDLE)):
        subprocess.run([mcpb, *words], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
