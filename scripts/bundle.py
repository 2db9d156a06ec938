"""Builds the bundle for Claude Desktop: `python -m scripts.bundle` writes `dist/capgo-mcp-VERSION.mcpb`.

The client's own uv installs what the lock in it names, with its hashes, and nothing is built on the user's machine.
`python -m scripts.bundle lock UV` writes that lock anew, with the uv that is given.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from capgo_mcp import __version__
from scripts import npm

ROOT: Final = Path(__file__).parents[1]
NAME: Final = f"capgo-mcp-{__version__}.mcpb"
BUNDLE: Final = ROOT / "dist" / NAME
LOCK: Final = ROOT / "scripts" / "release" / "bundle.lock"

_MODE: Final = 0o100644
_CONTENT: Final = ("manifest.json", "icon.png", "README.md", "PRIVACY.md", "LICENSE")


def stage(folder: Path) -> None:
    """Lay out what the bundle holds: the package as it is, and what uv has to install for it.

    Args:
        folder: An empty folder, or one that is to be made.
    """
    shutil.copytree(
        ROOT / "capgo_mcp", folder / "capgo_mcp", ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True
    )
    for name in _CONTENT:
        shutil.copyfile(ROOT / name, folder / name)
    (folder / "pyproject.toml").write_text(project(), encoding="utf-8")
    if LOCK.exists():
        shutil.copyfile(LOCK, folder / "uv.lock")


def project() -> str:
    """What uv reads of the bundle. Its version is no part of it: it stands in the manifest, and would age the lock."""
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


def pack(target: Path, moment: int) -> None:
    """Write the bundle, whose bytes depend on nothing but its content and the given time.

    A bundle is a zip archive; the program of the format's authors writes the time of day into it.

    Args:
        target: Where it is written.
        moment: The time that every file in it bears, in seconds since 1970.
    """
    date = time.gmtime(moment)[:6]
    with tempfile.TemporaryDirectory() as name, zipfile.ZipFile(target, "w") as archive:
        folder = Path(name)
        stage(folder)
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), date)
            entry.external_attr = _MODE << 16
            archive.writestr(entry, path.read_bytes())  # stored: packed bytes differ with the version of zlib


def lock(uv: str) -> None:
    """Write the lock anew: the pinned versions with the hashes that the package index tells for all systems."""
    with tempfile.TemporaryDirectory() as name:
        LOCK.unlink(missing_ok=True)
        stage(Path(name))
        subprocess.run([uv, "lock", "--quiet", "--project", name], check=True)
        shutil.copyfile(Path(name) / "uv.lock", LOCK)


def main(arguments: Sequence[str]) -> int:
    """Build and validate the bundle, or write its lock; returns the exit code."""
    if arguments[:1] == ["lock"]:
        lock(*arguments[1:])
        return 0
    if not npm.available():
        print("Validating the bundle needs npm, which is not here.", file=sys.stderr)
        return 1
    BUNDLE.parent.mkdir(exist_ok=True)
    pack(BUNDLE, int(time.time()))
    mcpb = npm.program("@anthropic-ai/mcpb", "mcpb")
    for words in (("validate", ROOT / "manifest.json"), ("info", BUNDLE)):
        subprocess.run([mcpb, *words], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
