"""The rooms of the package stand on floors, and whoever imports something finds it further down."""

from graphlib import TopologicalSorter
from pathlib import Path
from typing import Final

import pytest

from scripts import rooms

FLOORS: Final = (
    {"api"},  # what words mean: no I/O, no MCP, and nobody else's business
    {"operations", "sandbox"},  # declarations, and a Capgo that must not know its client to be worth asking
    {"client"},  # sends any operation, so it knows none
    {"insights", "agent"},  # what reads answer together, and how answers look: neither needs the other
    {"catalog", "safety"},  # what tools there are, and what a write means: both before anybody serves them
    {"config"},  # its options name tools, and choose whom the client asks: a Capgo or the sandbox
    {"server", "install"},  # one client served, one client's configuration written
    {"http", "doctor"},  # many clients served, and what can be wrong for one
    {"commands"},  # starts all of them
    {"__init__", "__main__"},  # the doors: what users import, and what they run
)
"""Every room and every module at the top, from the ground up; rooms of one floor do not know each other."""

FLOOR: Final = {room: number for number, floor in enumerate(FLOORS) for room in floor}
STARTS_THE_SANDBOX: Final = {"config", "doctor", "commands"}


def test_every_room_has_a_floor_and_says_what_lives_there() -> None:
    """A new room is put on a floor above, and its docstring says in a sentence what it is for."""
    assert rooms.rooms().keys() == FLOOR.keys()
    assert all(sentence.endswith(".") for _, sentence in rooms.descriptions())


def test_arrows_point_down() -> None:
    """A module imports from its own room and from the floors below, late imports and those for types included."""
    upwards = [
        f"{name} imports {imported}"
        for name, all_imported in rooms.modules().items()
        for imported in all_imported
        if rooms.room(name) != rooms.room(imported) and FLOOR[rooms.room(name)] <= FLOOR[rooms.room(imported)]
    ]
    assert upwards == []


def test_no_module_needs_itself() -> None:
    """There is no circle, not even within a room."""
    TopologicalSorter(rooms.modules()).prepare()


def test_sandbox_stands_apart() -> None:
    """Nothing but what starts it knows the sandbox: no tool can behave otherwise on it than on Capgo."""
    assert {room for room, below in rooms.rooms().items() if "sandbox" in below} <= STARTS_THE_SANDBOX


def test_top_of_the_package_stays_small() -> None:
    """A newcomer sees at most 14 folders and 4 files."""
    seen = [path for path in rooms.PACKAGE.iterdir() if path.name != "__pycache__"]
    folders = [path for path in seen if path.is_dir()]
    assert len(folders) <= 14
    assert len(seen) - len(folders) <= 4


@pytest.mark.parametrize(
    "source",
    [
        "import capgo_mcp.b.two",
        "from capgo_mcp.b import two",
        "from capgo_mcp.b.two import Three",
        "def late():\n    from capgo_mcp.b.two import Three",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import capgo_mcp.b.two as two",
    ],
)
def test_every_kind_of_import_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    """However a module is imported, the arrow is seen."""
    package = tmp_path / "capgo_mcp"
    for name, text in {"a/__init__": "", "a/one": source, "b/__init__": "", "b/two": "Three = 3"}.items():
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr(rooms, "ROOT", tmp_path)
    monkeypatch.setattr(rooms, "PACKAGE", package)
    assert rooms.modules()["capgo_mcp.a.one"] == {"capgo_mcp.b.two"}
    assert rooms.rooms() == {"a": {"b"}, "b": set()}
