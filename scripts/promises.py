"""What the project promises, read from the tests that hold it: there is no promise without one.

A test module holds a promise when it says `AGAINST` whom it is held. Its docstring is the promise; `HOLDS` names the
words, printed bold in README.md or SECURITY.md, that say the same to users. What `ATTACKER`, `ASSET` and `LEAVES` are
for stands in `threats`.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]

PROMISED: Final = (("SECURITY.md", "What we promise"), ("README.md", "Safe in an agent's hands"))
"""The sections that promise, each with its page."""
NOT_PROMISED: Final = ("SECURITY.md", "What we do not promise")
_TOLD: Final = ("AGAINST", "ATTACKER", "ASSET", "HOLDS", "LEAVES")


@dataclass(frozen=True)
class Promise:
    """A promise and what holds it.

    Attributes:
        sentence: What is promised.
        against: The attacker, or the mishap, that the test plays.
        attacker: Which attacker of the threat model that is.
        asset: What is guarded.
        holds: The bold words of the pages that promise it.
        leaves: The bold words of the page that say what is not held.
        test: The module, from the root of the project.
        tests: How many test functions the module has.
    """

    sentence: str
    against: str
    attacker: str
    asset: str
    holds: tuple[str, ...]
    leaves: tuple[str, ...]
    test: str
    tests: int

    @property
    def name(self) -> str:
        """The module's name as pages show it."""
        return self.test.removeprefix("tests/").removesuffix(".py").replace("test_", "").replace("_", " ")


def promises() -> list[Promise]:
    """Every promise, in the order of the bold words, those that no page says in bold last."""
    order = [word for section in PROMISED for word in said(*section)]
    found = [promise for path in sorted((ROOT / "tests").rglob("test_*.py")) if (promise := _read(path))]
    return sorted(found, key=lambda one: min((order.index(word) for word in one.holds if word in order), default=99))


def said(page: str, heading: str) -> list[str]:
    """The bold words with which the points of a page's section begin, in their order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    section = re.split(r"^## ", text.partition(f"## {heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    points = re.split(r"^(?:- |\d\. )", section, flags=re.MULTILINE)[1:]
    return [_bold(point) for point in points]


def rows() -> Iterator[tuple[str, str, str]]:
    """The rows of the table: promise, attacker, test."""
    for one in promises():
        yield one.sentence, one.against, f"[{one.name}]({one.test})"


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
        if node.target.id in _TOLD
    }
    tests = [
        node for node in module.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _is_test(node.name)
    ]
    sentence = (ast.get_docstring(module) or "").partition("\n")[0]
    return Promise(
        sentence=sentence,
        against=told["AGAINST"],
        attacker=told.get("ATTACKER", ""),
        asset=told.get("ASSET", ""),
        holds=tuple(told.get("HOLDS", ())),
        leaves=tuple(told.get("LEAVES", ())),
        test=path.relative_to(ROOT).as_posix(),
        tests=len(tests),
    )


def _is_test(name: str) -> bool:
    return name.startswith("test_")
