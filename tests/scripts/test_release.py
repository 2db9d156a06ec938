"""What is released can be built again, byte for byte, with tools that are held by their hashes."""

import re
import tomllib
import zipfile
from pathlib import Path
from typing import Final

from scripts import bundle
from scripts.release.environments import TOOLS

AGAINST: Final = "whoever slips something into what is released"
ATTACKER: Final = "a supplier"
ASSET: Final = "the key"
LEAVES: Final = ("What this is built on is pinned, not read",)

MOMENT: Final = 1_795_893_190


def test_the_bundle_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    """Neither the time of day nor the order of files on the disk shows in it."""
    first, second = tmp_path / "first.mcpb", tmp_path / "second.mcpb"
    bundle.pack(first, MOMENT)
    bundle.pack(second, MOMENT)
    assert first.read_bytes() == second.read_bytes()


def test_the_bundle_holds_the_package_and_no_byte_code(tmp_path: Path) -> None:
    """Whoever unpacks it finds the manifest and what it starts, readable by everybody."""
    bundle.pack(tmp_path / "one.mcpb", MOMENT)
    with zipfile.ZipFile(tmp_path / "one.mcpb") as archive:
        names = archive.namelist()
        modes = {entry.external_attr >> 16 for entry in archive.infolist()}
    assert {"manifest.json", "pyproject.toml", "capgo_mcp/__main__.py"} <= {*names}
    assert [name for name in names if name.endswith(".pyc")] == []
    assert modes == {0o100644}


def test_every_tool_of_a_release_is_held_by_a_hash() -> None:
    """No line of the lock admits other bytes than those that were looked at, or says where they come from."""
    lock = re.sub(r"^#.*\n", "", TOOLS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    pinned = r"[\w.-]+==\S+(?: \\\n    --hash=sha256:[0-9a-f]{64})+"
    assert re.fullmatch(rf"(?:{pinned}\n|\n)+", lock)
    wanted = {*TOOLS.with_name("tools.in").read_text(encoding="utf-8").split()}
    assert wanted <= {*re.findall(r"^([\w.-]+)==", lock, re.MULTILINE)}


def test_what_the_build_needs_is_held_too() -> None:
    """The build runs without an environment of its own, so nothing it asks for may be missing from the lock."""
    project = tomllib.loads((bundle.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = {re.split(r"[<>=~!]", line, maxsplit=1)[0] for line in project["build-system"]["requires"]}
    assert needed <= {*TOOLS.with_name("tools.in").read_text(encoding="utf-8").split()}
