"""Builds what is published, twice: whoever has the commit can build the same bytes and compare."""

import hashlib
import shutil
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from capgo_mcp import __version__
from scripts import bundle
from scripts.release.environments import WORK, Wrong, commit_time, run

DIST: Final = WORK / "dist"
_IN_WHEEL: Final = (
    "capgo_mcp/commands/cli.py",
    "capgo_mcp/agent/definitions/capgo_list_apps.json",
    "capgo_mcp/server/api_traps.md",
    "capgo_mcp/py.typed",
)
_INFO: Final = f"capgo_mcp-{__version__}.dist-info"
_IN_BUNDLE: Final = ("manifest.json", "pyproject.toml", "uv.lock", "capgo_mcp/__main__.py")


def build(tools: Path) -> Path:
    """Wheel, source archive and bundle, the same bytes twice; returns the wheel.

    Raises:
        Wrong: They differ, or lack something, or install something beside the package.
    """
    first, second = _built(tools, DIST), _built(tools, WORK / "again")
    if differ := [name for name in first if first[name] != second.get(name)]:
        raise Wrong(f"{', '.join(differ)} has other bytes when it is built again")
    run(tools, "-m", "twine", "check", "--strict", *DIST.glob("*.whl"), *DIST.glob("*.tar.gz"))
    (wheel,), (sdist,), (packed,) = DIST.glob("*.whl"), DIST.glob("*.tar.gz"), DIST.glob("*.mcpb")
    with zipfile.ZipFile(wheel) as archive:
        _has(archive.namelist(), _IN_WHEEL, wheel)
        if besides := {name.partition("/")[0] for name in archive.namelist()} - {"capgo_mcp", _INFO}:
            raise Wrong(f"{wheel.name} installs {', '.join(sorted(besides))} beside the package")
    with tarfile.open(sdist) as archive:
        _has([name.partition("/")[2] for name in archive.getnames()], ("PKG-INFO", *kept()), sdist)
    with zipfile.ZipFile(packed) as archive:
        _has(archive.namelist(), _IN_BUNDLE, packed)
    for name, digest in first.items():
        print(f"built twice    {name} ({(DIST / name).stat().st_size:,} bytes, sha256 {digest})")
    return wheel


def kept() -> list[str]:
    """Every file of the project, so that whoever has the source archive can run all that a checkout can."""
    return run("git", "ls-files").splitlines()


def _built(tools: Path, target: Path) -> dict[str, str]:
    """The hash of everything that is built into a folder."""
    shutil.rmtree(target, ignore_errors=True)
    # Without isolation, since an environment that the build makes for itself is held by no hash.
    run(tools, "-m", "build", "--no-isolation", "--outdir", target, SOURCE_DATE_EPOCH=commit_time())
    bundle.pack(target / bundle.NAME, int(commit_time()), tools.with_name("uv"))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(target.iterdir())}


def _has(names: list[str], wanted: Iterable[str], archive: Path) -> None:
    if missing := set(wanted) - set(names):
        raise Wrong(f"{archive.name} lacks {', '.join(sorted(missing))}")
