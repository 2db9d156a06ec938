"""Programs that tests start, where they are installed."""

import os
import shutil

import pytest

_SYSTEM: str = os.pathsep.join(("/usr/sbin", "/usr/local/sbin"))


def needed(program: str) -> str:
    """Where a program is; without it the test is skipped, but never in CI, which installs all of them."""
    found = shutil.which(program) or shutil.which(program, path=_SYSTEM)
    if found is None:
        assert "CI" not in os.environ, f"{program} has to be installed in CI"
        pytest.skip(f"{program} is not here")
    return found
