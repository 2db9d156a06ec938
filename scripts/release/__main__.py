"""Checks what would be released, from nothing: `python -m scripts.release`."""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from capgo_mcp import __version__
from scripts import contract, docs
from scripts.release import archives, audits
from scripts.release.environments import ROOT, WORK, Wrong, python, run, tools

_MOST_PACKAGES: Final = 32
_MOST_BYTES: Final = 50_000_000


def versions() -> None:
    """The version is the same wherever it stands, and what is generated is up to date."""
    if docs.main(["--check"]):
        raise Wrong("generated files are out of date")
    if f"## {__version__}" not in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"):
        raise Wrong(f"CHANGELOG.md has no section for {__version__}")
    print(f"version        {__version__} in the package, server.json, manifest.json and CHANGELOG.md")


def definitions() -> None:
    """What a user of the last release meets; a test holds every break to the changelog."""
    old, new = contract.released(), contract.now()
    came = sum(one.new for one in contract.differences(old, new))
    print(f"tools          {len(new)}, {came} new since the last release, {len(contract.breaks(old, new))} breaks")


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


def check() -> None:
    """Do everything in its order.

    Raises:
        Wrong: Something must not be released as it is.
        CalledProcessError: A program ended badly.
    """
    shutil.rmtree(WORK, ignore_errors=True)
    versions()
    definitions()
    kit = tools()
    wheel = archives.build(kit)
    clean = python("clean", wheel)
    weigh(clean)
    try_out(clean)
    audits.materials(kit, clean, archives.DIST / "sbom.cdx.json")
    audits.manifests(kit)
    audits.bundle_lock(kit)
    audits.workflows(kit)
    audits.advisories(kit, clean)


def main() -> int:
    """Check everything; returns the exit code."""
    try:
        check()
    except Wrong as error:
        print(f"Not fit for release: {error}.", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"{error.stdout or ''}Not fit for release: {' '.join(error.cmd)} failed.", file=sys.stderr)
        return 1
    print("Fit for release.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
