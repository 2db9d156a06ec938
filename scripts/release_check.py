"""Checks what would be released: `python -m scripts.release_check` builds it and runs it from elsewhere."""

import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path
from typing import Final

from capgo_mcp import __version__
from scripts import docs

ROOT: Final = docs.ROOT
WORK: Final = ROOT / "build" / "release"

_BUILDERS: Final = ("build==1.6.1", "twine==7.0.0")
_MOST_PACKAGES: Final = 32
_MOST_BYTES: Final = 50_000_000
_IN_WHEEL: Final = (
    "capgo_mcp/commands/cli.py",
    "capgo_mcp/agent/definitions/capgo_list_apps.json",
    "capgo_mcp/server/api_traps.md",
    "capgo_mcp/py.typed",
)
_INFO: Final = f"capgo_mcp-{__version__}.dist-info"
_IN_SDIST: Final = (
    "README.md",
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
    "constraints.txt",
    "server.json",
    "tests/conftest.py",
)


class Wrong(Exception):
    """Something that must not be released as it is."""


def python(name: str, *requirements: str) -> Path:
    """The interpreter of a fresh environment with some packages."""
    folder = WORK / name
    venv.create(folder, clear=True, with_pip=True)
    interpreter = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    run(interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements)
    return interpreter


def run(*words: object, folder: Path = ROOT) -> str:
    """What a program prints; it must end well."""
    done = subprocess.run([str(word) for word in words], cwd=folder, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def versions() -> None:
    """The version is the same wherever it stands, and what is generated is up to date."""
    if docs.main(["--check"]):
        raise Wrong("generated files are out of date")
    if f"## {__version__}" not in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"):
        raise Wrong(f"CHANGELOG.md has no section for {__version__}")
    print(f"version        {__version__} in the package, server.json, manifest.json and CHANGELOG.md")


def build() -> tuple[Path, Path]:
    """The wheel and the source archive, whose metadata is valid and which hold what they should."""
    interpreter = python("builders", *_BUILDERS)
    target = WORK / "dist"
    run(interpreter, "-m", "build", "--outdir", target)
    (wheel,), (sdist,) = target.glob("*.whl"), target.glob("*.tar.gz")
    run(interpreter, "-m", "twine", "check", "--strict", wheel, sdist)
    with zipfile.ZipFile(wheel) as archive:
        _has(archive.namelist(), _IN_WHEEL, wheel)
        if besides := {name.partition("/")[0] for name in archive.namelist()} - {"capgo_mcp", _INFO}:
            raise Wrong(f"{wheel.name} installs {', '.join(sorted(besides))} beside the package")
    with tarfile.open(sdist) as archive:
        _has([name.partition("/")[2] for name in archive.getnames()], _IN_SDIST, sdist)
    print(
        f"built          {wheel.name} ({wheel.stat().st_size:,} bytes), {sdist.name} ({sdist.stat().st_size:,} bytes)"
    )
    return wheel, sdist


def _has(names: list[str], wanted: tuple[str, ...], archive: Path) -> None:
    if missing := set(wanted) - set(names):
        raise Wrong(f"{archive.name} lacks {', '.join(sorted(missing))}")


def weigh(interpreter: Path) -> None:
    """What an installation brings along stays small."""
    listed = json.loads(run(interpreter, "-m", "pip", "list", "--format", "json", "--disable-pip-version-check"))
    packages = {row["name"] for row in listed} - {"pip", "setuptools"}
    site = Path(run(interpreter, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    size = sum(
        path.stat().st_size
        for path in site.rglob("*")
        if path.is_file()
        and path.suffix != ".pyc"
        and path.relative_to(site).parts[0].split("-")[0] not in ("pip", "setuptools")
    )
    print(f"weight         {len(packages)} packages, {size / 1e6:.1f} MB without byte code")
    if len(packages) > _MOST_PACKAGES or size > _MOST_BYTES:
        raise Wrong(f"an installation may bring {_MOST_PACKAGES} packages and {_MOST_BYTES / 1e6:g} MB")


def try_out(interpreter: Path) -> None:
    """The installed program runs the demo and shows its version, from a folder that is not the project's."""
    with tempfile.TemporaryDirectory() as folder:
        program = interpreter.with_name("capgo-mcp")
        if run(program, "--version", folder=Path(folder)).split() != ["capgo-mcp", __version__]:
            raise Wrong("the installed program has another version")
        last = run(program, "demo", folder=Path(folder)).splitlines()[-1]
    print(f"demo           {last}")


def main() -> int:
    """Check everything; returns the exit code."""
    shutil.rmtree(WORK, ignore_errors=True)
    try:
        versions()
        wheel, _ = build()
        clean = python("clean", str(wheel))
        weigh(clean)
        try_out(clean)
    except Wrong as error:
        print(f"Not fit for release: {error}.", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"Not fit for release: {' '.join(error.cmd)} failed.", file=sys.stderr)
        return 1
    print("Fit for release.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
