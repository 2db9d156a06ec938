"""One word has one meaning: no name stands for two things in this package."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import capgo_mcp

ROOT: Final = Path(capgo_mcp.__file__).parent
SAME: Final = {
    "Facts": "what an answer says, by name, as an agent reads it",
    "Row": "a row of a table of Capgo's, which the sandbox holds as JSON and the client reads into a model",
}
"""Names of two things that do mean the same, and what."""


def types_of(path: Path) -> Iterator[str]:
    """The classes of a module, inner ones as well, and its other names that are written like one."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield node.name
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id.lstrip("_")
            if name[:1].isupper() and not name.isupper():
                yield name


def test_glossary_is_short_and_about_what_is_there() -> None:
    """CONTRIBUTING.md explains at most fifteen words, and each is the name of a class, a module or a room."""
    section = (
        (ROOT.parent / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## Words\n")[2].partition("\n## ")[0]
    )
    words = re.findall(r"^\| (\w+) \|", section, re.MULTILINE)[1:]
    names = {name.lower() for path in ROOT.rglob("*.py") for name in (*types_of(path), path.stem, path.parent.name)}
    assert 0 < len(words) <= 15
    assert set(words) - names == {"toolset"}  # the module that an operation stands in


def test_no_name_stands_for_two_things() -> None:
    """A class or an alias of a type has its name for itself; what two modules call alike, means the same."""
    classes: defaultdict[str, list[str]] = defaultdict(list)
    for path in ROOT.rglob("*.py"):
        for name in types_of(path):
            classes[name].append(path.relative_to(ROOT).as_posix())
    twice = {name: sorted(places) for name, places in classes.items() if len(places) > 1 and name not in SAME}
    assert twice == {}
    assert all(len(classes[name]) > 1 for name in SAME)
