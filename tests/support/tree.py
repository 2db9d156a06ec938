"""The project's own files."""

import subprocess

from scripts.docs import ROOT


def files(pattern: str = "*") -> list[str]:
    """The paths of what git knows, or would take if it were asked now."""
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", pattern]
    listed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.split("\0") if (ROOT / name).is_file()]
