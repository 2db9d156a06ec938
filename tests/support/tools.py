"""Programs that tests start: where they are installed, and how they end."""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

_SYSTEM: str = os.pathsep.join(("/usr/sbin", "/usr/local/sbin"))


def needed(program: str) -> str:
    """Where a program is; without it the test is skipped, but never in CI, which installs all of them."""
    found = shutil.which(program) or shutil.which(program, path=_SYSTEM)
    if found is None:
        assert "CI" not in os.environ, f"{program} has to be installed in CI"
        pytest.skip(f"{program} is not here")
    return found


@contextmanager
def child(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[Any]]:
    """A process that is killed where a test leaves it running: a failure must not wait for an end that never comes."""
    with subprocess.Popen(command, **options) as process:
        try:
            yield process
        finally:
            process.kill()
