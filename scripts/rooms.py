"""The rooms of the package and which of them use which, read from the source."""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
PACKAGE: Final = ROOT / "capgo_mcp"

Graph = dict[str, set[str]]
"""What each one uses directly."""


def modules() -> Graph:
    """Every module of the package and the modules it imports, at its top, inside a function or for types only."""
    return _imported_in(PACKAGE)


@cache
def _imported_in(package: Path) -> Graph:
    sources = {_name(path): path for path in sorted(package.rglob("*.py"))}
    return {
        name: set(_imports(ast.parse(path.read_text(encoding="utf-8")), sources)) - {name}
        for name, path in sources.items()
    }


def rooms() -> Graph:
    """Every room and the rooms its modules import from; a module at the top of the package is a room of its own."""
    graph: Graph = {}
    for name, imported in modules().items():
        graph.setdefault(room(name), set()).update(map(room, imported))
    return {name: below - {name} for name, below in graph.items()}


def room(module: str) -> str:
    """Where a module stands: its folder, or itself where it stands at the top of the package."""
    return module.removeprefix(PACKAGE.name).strip(".").partition(".")[0] or "__init__"


def picture() -> str:
    """The rooms as a Mermaid graph; an arrow that follows from two others is left out."""
    graph = rooms()
    reached: Graph = {}
    arrows: list[str] = []
    for name in _from_the_ground_up(graph):
        further = set[str]().union(*(reached[below] for below in graph[name]))
        reached[name] = graph[name] | further
        if direct := sorted(graph[name] - further):
            arrows.insert(0, f"    {name} --> {' & '.join(direct)}")
    return "\n".join(["```mermaid", "flowchart TD", *arrows, "```"])


def descriptions() -> Iterator[tuple[str, str]]:
    """Every folder of the package, each after those it uses, and what its docstring says lives there."""
    for name in _from_the_ground_up(rooms()):
        if (path := PACKAGE / name / "__init__.py").exists():
            docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            yield name, docstring.partition("\n")[0]


def _from_the_ground_up(graph: Graph) -> Iterator[str]:
    """Each one after what it uses, in the same order at every run."""
    yield from TopologicalSorter({name: sorted(graph[name]) for name in sorted(graph)}).static_order()


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _imports(tree: ast.AST, sources: Mapping[str, Path]) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names if alias.name in sources)
            case ast.ImportFrom(module=str(module), names=names, level=0) if module in sources:
                within = (f"{module}.{alias.name}" for alias in names)
                yield from (name if name in sources else module for name in within)
