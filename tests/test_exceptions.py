"""No error is made once and raised again: each raise would leave its traceback, and what its frames hold, on it."""

import ast
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import capgo_mcp


def run_once(node: ast.AST) -> Iterator[ast.Call]:
    """The calls that a module makes when it is imported: not those in the bodies of its functions."""
    if isinstance(node, ast.Call):
        yield node
    later = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    for inner in [node.args] if isinstance(node, later) else ast.iter_child_nodes(node):
        yield from run_once(inner)


def kept(module: ModuleType) -> list[str]:
    """The exceptions that a module makes when it is imported."""
    tree = ast.parse(Path(module.__file__ or "").read_text(encoding="utf-8"))
    names = [ast.unparse(call.func) for call in run_once(tree)]
    made = [(name, getattr(module, name, None)) for name in names]
    return [name for name, kind in made if isinstance(kind, type) and issubclass(kind, BaseException)]


def test_no_module_keeps_an_exception() -> None:
    """Where an error is needed, it is made: no module or class of ours, and no default value, holds one."""
    modules = [name for _, name, _ in pkgutil.walk_packages(capgo_mcp.__path__, "capgo_mcp.") if "__main__" not in name]
    assert len(modules) > 100
    assert {name: found for name in modules if (found := kept(import_module(name)))} == {}
