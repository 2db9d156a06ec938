"""An environment of its own for FastMCP, since it brings a server framework of its own."""

import subprocess
import sys
import venv
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parents[1] / "build" / "fastmcp"
VERSION: Final = "4.2.3"


def python() -> Path:
    """The interpreter that has FastMCP; made once."""
    interpreter = FOLDER / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    stamp = FOLDER / f"has-{VERSION}"
    if not stamp.exists():
        venv.create(FOLDER, clear=True, with_pip=True)
        subprocess.run([interpreter, "-m", "pip", "install", "--quiet", f"fastmcp=={VERSION}"], check=True)
        stamp.touch()
    return interpreter
