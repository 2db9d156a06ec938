"""Environments of their own, in which a release is built, installed and tried."""

import os
import subprocess
import sys
import venv
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
WORK: Final = ROOT / "build" / "release"
TOOLS: Final = Path(__file__).parent / "tools.txt"
"""What builds and checks a release, locked by hashes; `make release-lock` writes it from `tools.in`."""


class Wrong(Exception):
    """Something that must not be released as it is."""


def run(*words: object, folder: Path = ROOT, **environment: str) -> str:
    """What a program prints.

    Raises:
        CalledProcessError: It ended badly.
    """
    done = subprocess.run(
        [str(word) for word in words],
        cwd=folder,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | environment,
    )
    return done.stdout


def python(name: str, *requirements: object) -> Path:
    """The interpreter of a fresh environment with some packages."""
    folder = WORK / name
    venv.create(folder, clear=True, with_pip=True)
    interpreter = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    run(interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements)
    return interpreter


def tools() -> Path:
    """The interpreter of the environment with the tools, each of which has the hash that was written down."""
    return python("tools", "--require-hashes", "--requirement", TOOLS)


def commit_time() -> str:
    """When the commit was made, in seconds since 1970: the time that everything in an archive bears."""
    return run("git", "log", "-1", "--format=%ct").strip()
