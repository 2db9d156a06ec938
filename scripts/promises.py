"""What the project promises, read from the tests that hold it: there is no promise without one.

A test module holds a promise when it says `AGAINST` whom it is held. Its docstring is the promise; `HOLDS` names the
words, printed bold in README.md or SECURITY.md, that say the same to users.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]

_SAID: Final = {"SECURITY.md": ("What we promise", r"^- "), "README.md": ("Safe in an agent's hands", r"^\d\. ")}
"""The section of each page that promises, and how its points begin."""


@dataclass(frozen=True)
class Promise:
    """A promise and what holds it.

    Attributes:
        sentence: What is promised.
        against: The attacker, or the mishap, that the test plays.
        holds: The bold words of the pages that promise it.
        test: The module, from the root of the project.
        tests: How many test functions the module has.
    """

    sentence: str
    against: str
    holds: tuple[str, ...]
    test: str
    tests: int


def promises() -> list[Promise]:
    """Every promise, in the order of the bold words, those that no page says in bold last."""
    order = [*said("SECURITY.md"), *said("README.md")]
    found = [promise for path in sorted((ROOT / "tests").rglob("test_*.py")) if (promise := _read(path))]
    return sorted(found, key=lambda one: min((order.index(word) for word in one.holds if word in order), default=99))


def said(page: str) -> list[str]:
    """The bold words by which a page promises, in their order."""
    heading, begin = _SAID[page]
    text = (ROOT / page).read_text(encoding="utf-8")
    section = re.split(r"^## ", text.partition(f"## {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    points = re.split(begin, section, flags=re.MULTILINE)[1:]
    return [_bold(point) for point in points]


def rows() -> Iterator[tuple[str, str, str]]:
    """The rows of the table: promise, attacker, test."""
    for one in promises():
        name = one.test.removeprefix("tests/").removesuffix(".py").replace("test_", "")
        yield one.sentence, one.against, f"[{name}]({one.test})"


def _bold(point: str) -> str:
    """The words with which a point of a list begins, or all of it where it has no bold ones."""
    found = re.match(r"\*\*(.+?)\.?\*\*", point, re.DOTALL)
    return " ".join((found[1] if found else point).split())


def _read(path: Path) -> Promise | None:
    text = path.read_text(encoding="utf-8")
    if "\nAGAINST: Final" not in text:
        return None
    module = ast.parse(text)
    told = {
        node.target.id: ast.literal_eval(node.value)
        for node in module.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None
        if node.target.id in ("AGAINST", "HOLDS")
    }
    tests = [
        node for node in module.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _is_test(node.name)
    ]
    sentence = (ast.get_docstring(module) or "").partition("\n")[0]
    holds = tuple(told.get("HOLDS", ()))
    return Promise(sentence, told["AGAINST"], holds, path.relative_to(ROOT).as_posix(), len(tests))


def _is_test(name: str) -> bool:
    return name.startswith("test_")
