"""`python -m scripts.scan`: run every scanner, and compare what they find with what is explained."""

import sys
import tempfile
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from scripts.scan import scanners
from scripts.scan.scanners import Finding, NotRun, Scanner

EXPLAINED: Final = Path(__file__).parent / "explained.toml"
_ENVIRONMENTS: Final = Path(__file__).parents[2] / "build" / "scanners"
SCANNERS: Final[dict[tuple[str, str], Callable[[Scanner], Iterator[Finding]]]] = {
    ("tdqs", "0.1.0"): scanners.tdqs,
    ("mcp-contract", "0.6.0"): scanners.mcp_contract,
    ("deepsleuth", "1.0.3"): scanners.deepsleuth,
    ("mcp-fuzzer", "0.7.0"): scanners.mcp_fuzzer,
}
"""The scanners, each with the version that is run."""

Explanation = dict[str, Any]


def explanations() -> list[Explanation]:
    """What is known to be found, each with a phrase that says why it may stay."""
    rows: list[Explanation] = tomllib.loads(EXPLAINED.read_text(encoding="utf-8"))["finding"]
    return rows


def compared(
    found: Iterable[Finding], known: Iterable[Explanation], ran: Iterable[str]
) -> tuple[list[Finding], list[Explanation]]:
    """The findings that nothing explains, and the explanations that explain nothing any more.

    Args:
        found: What was found.
        known: Explanations: each names scanner and rule, and in `about` what it covers.
        ran: The scanners that did their work; what the others would have found, nobody knows.
    """
    found, known, ran = set(found), list(known), set(ran)
    explained = {(row["scanner"], row["rule"], about) for row in known for about in row["about"]}
    seen = {(finding.scanner, finding.rule, finding.about) for finding in found}
    unexplained = [one for one in found if (one.scanner, one.rule, one.about) not in explained]
    stale = [
        {**row, "about": gone}
        for row in known
        if row["scanner"] in ran
        and not row.get("sometimes")
        and (gone := [about for about in row["about"] if (row["scanner"], row["rule"], about) not in seen])
    ]
    return sorted(unexplained, key=lambda one: (one.scanner, one.rule, one.about)), stale


def scan(environments: Path) -> tuple[list[Finding], dict[str, str]]:
    """What the scanners find, and why those did not run that did not."""
    found: list[Finding] = []
    missing: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        for (name, version), run in SCANNERS.items():
            scanner = Scanner(name, version, environments, Path(folder))
            try:
                scanner.install()
                found += run(scanner)
            except NotRun as why:
                missing[name] = str(why)
    return found, missing


def main() -> int:
    """Scan, and print what needs a look."""
    found, missing = scan(_ENVIRONMENTS)
    unexplained, stale = compared(found, explanations(), {name for name, _ in SCANNERS} - missing.keys())
    counts = Counter(finding.scanner for finding in found)
    for name, version in SCANNERS:
        print(f"{name} {version}: {f'not run: {missing[name]}' if name in missing else f'{counts[name]} findings'}")
    print(f"unexplained: {len(unexplained)}, explanations of nothing: {len(stale)}")
    for finding in unexplained:
        print(f"{finding.scanner} {finding.rule} {finding.about}: {finding.said}", file=sys.stderr)
    for row in stale:
        print(f"{row['scanner']} {row['rule']} finds nothing at {', '.join(row['about'])} any more", file=sys.stderr)
    return 1 if unexplained or stale or missing else 0


if __name__ == "__main__":
    sys.exit(main())
