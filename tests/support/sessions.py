"""Sessions of client programs, over stdio and over HTTP alike: the program to run, and what each of them has to see."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from scripts import npm
from tests.support.limits import GENEROUS

Words = Sequence[str | Path]
"""A command, or a part of one."""

_CLIENTS: Final = Path(__file__).parents[1] / "clients"
_TYPESCRIPT: Final = _CLIENTS / "session.mjs"
FASTMCP: Final = _CLIENTS / "fastmcp_session.py"


@pytest.fixture(autouse=True)
def fetched(request: pytest.FixtureRequest) -> None:
    """The packages that a file names in NPM, if there is npm to fetch them."""
    packages: tuple[str, ...] = getattr(request.module, "NPM", ())
    if packages and not npm.available():
        pytest.skip("npm is not here")
    for package in packages:
        npm.install(package)


def seen_by(command: Words) -> dict[str, Any]:
    """What a program tells of its session, after the checks that hold for each."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=GENEROUS, check=False)
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    assert "capgo_set_channel" in seen["tools"]
    assert "com.demo.app" in seen["apps"]
    assert seen["deleted"] is False
    assert "Hint:" in seen["wrong"]
    return seen


def seen_by_typescript(place: str, package: str, mode: str, revision: str | None, server: Words) -> dict[str, Any]:
    """The same of the TypeScript SDK.

    Args:
        place: Tells scripts that are run side by side apart.
        package: Which of its generations.
        mode: Which era it speaks.
        revision: The revision of the protocol that it has to tell.
        server: How it gets to the server.
    """
    script = npm.FOLDER / f"{place}-{_TYPESCRIPT.name}"  # imports are looked for from where a script stands
    shutil.copyfile(_TYPESCRIPT, script)
    seen = seen_by(["node", script, package, mode, *server])
    assert seen["same"] is True
    assert seen["unknown"] == -32602
    assert seen["server"] == "capgo"
    assert seen["revision"] == revision
    return seen
