"""Builds the site of the documentation from the pages as they are, and fails where a link leads nowhere.

The pages keep their places in the checkout, so that the same links work there, at the repository's host and here.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from scripts.docs import ROOT

PAGES: Final = (
    *("*.md", "docs/**/*.md", "docs/**/*.svg", "docs/pictures/*.png", "capgo_mcp/server/*.md"),
    *("LICENSE", "evals/**/*.py", "evals/*.jsonl", "deploy/**/*.*"),
)
"""What the site is made from."""
_LINK: Final = re.compile(r"\]\(([^)#:\s]+)\)")
SOURCE: Final = ROOT / "build" / "site-pages"


def stage(folder: Path = SOURCE) -> list[Path]:
    """Copy the pages, and what else they link to, into a folder; the paths in it."""
    shutil.rmtree(folder, ignore_errors=True)
    found = sorted({path.relative_to(ROOT) for pattern in PAGES for path in ROOT.glob(pattern) if path.is_file()})
    for path in found:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, folder / path)
    for path in found:
        if path.suffix == ".md":
            _list_folders(folder / path)
    return found


def _list_folders(page: Path) -> None:
    """Let links to a folder lead to a list of what is in it, as they do at the repository's host."""

    def listed(link: re.Match[str]) -> str:
        folder = page.parent / link[1]
        if not folder.is_dir():
            return link[0]
        names = sorted(path.name for path in folder.iterdir() if path.is_file() and path.name != "index.md")
        lines = [f"- [{name}]({name})" for name in names]
        (folder / "index.md").write_text("\n".join([f"# {folder.name}", "", *lines, ""]), encoding="utf-8")
        return f"]({link[1].rstrip('/')}/index.md)"

    page.write_text(_LINK.sub(listed, page.read_text(encoding="utf-8")), encoding="utf-8")


def main() -> int:
    """Build it into `build/site`."""
    stage()
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--clean", "-f", "mkdocs.yml"]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
