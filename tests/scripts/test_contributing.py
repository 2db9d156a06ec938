"""Who follows the page about contributing gets where it says."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Final

from scripts.docs import ROOT
from tests.support import tree

PAGE: Final = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
BLOCKS: Final = [
    dedent(block) for block in re.findall(r"^ *```(?:python|json)\n(.*?)^ *```", PAGE, re.DOTALL | re.MULTILINE)
]
OPERATIONS: Final = "capgo_mcp/operations/channels.py"
ROUTES: Final = "capgo_mcp/sandbox/routes/channels.py"
CONTRACT: Final = "tests/data/operations.json"
ROOMS: Final = [f"tests/{room}" for room in ("agent", "client", "operations", "promises", "safety", "scripts")]
"""Where what holds of every operation is tested."""
CONCERNED: Final = "lock_channel or channel.lock or exactly_one_row or methods_and_paths or up_to_date"


def copy(target: Path) -> None:
    """Copy the project as it is now, as the checkout that its tests expect."""
    subprocess.run(["git", "init", "--quiet", target], check=True)
    for name in tree.files():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target / name)


def insert(path: Path, block: str, before: str) -> None:
    """Put a block before the last line that begins so, or at the end of a file."""
    head, line, tail = path.read_text(encoding="utf-8").rpartition(f"\n{before}")
    path.write_text(f"{head}\n{block}{line.removeprefix(chr(10))}{tail}", encoding="utf-8")


def run(folder: Path, *words: str) -> str:
    """What a module of the copy prints; it must end well."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment["PYTHONPATH"] = str(folder)
    done = subprocess.run(
        [sys.executable, "-m", *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_operation_is_added_as_the_page_says(tmp_path: Path) -> None:
    """Its blocks, each put where it says, and its commands make an operation whose tests pass."""
    copy(tmp_path)
    declaration, route, routes, contract = BLOCKS
    places = re.findall(r"`([\w/]+\.(?:py|json))`", PAGE.partition("## Add an operation")[2])
    assert places[:3] == [OPERATIONS, ROUTES, CONTRACT]
    with (tmp_path / OPERATIONS).open("a", encoding="utf-8") as file:
        file.write(f"\n\n{declaration}")
    insert(tmp_path / ROUTES, f"{route}\n\n", before="ROUTES = (")
    insert(tmp_path / ROUTES, routes.removeprefix("ROUTES = (\n    ...,\n").removesuffix(")\n"), before=")")
    insert(tmp_path / CONTRACT, f"{contract.strip()},\n", before="{")

    assert "`make definitions docs`" in PAGE
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in ("definitions", "docs"):
        (module,) = re.findall(rf"^{target}:.*\n\t\$\(BIN\)/python -m (\S+)$", makefile, re.MULTILINE)
        run(tmp_path, module)
    assert (tmp_path / "capgo_mcp/agent/definitions/capgo_lock_channel.json").exists()
    assert "| [`capgo_lock_channel`](docs/tools/capgo_lock_channel.md) |" in (tmp_path / "README.md").read_text(
        encoding="utf-8"
    )

    run(tmp_path, "ruff", "check", ".")
    run(tmp_path, "ruff", "format", "--check", ".")
    passed = run(tmp_path, "pytest", "-vv", "-p", "no:cacheprovider", "--assert=plain", "-k", CONCERNED, *ROOMS)
    assert passed.count("PASSED") == passed.count("::") > 40
    assert "capgo_lock_channel] PASSED" in passed
