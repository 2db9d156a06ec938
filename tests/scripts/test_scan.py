"""The scan of `make scan`: that nothing is found unexplained, and nothing explained that is not found."""

import json
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from capgo_mcp.catalog import every_tool
from scripts.scan import scanners
from scripts.scan.__main__ import SCANNERS, compared, explanations
from scripts.scan.scanners import Finding, NotRun, Scanner

FINDING: Final = Finding("tdqs", "vague", "capgo_get_app", "It is vague.")
WHY: Final[dict[str, Any]] = {"scanner": "tdqs", "rule": "vague", "about": ["capgo_get_app"], "why": "It is clear."}


def test_what_is_explained_is_well() -> None:
    """And nothing else is left over."""
    assert compared([FINDING, FINDING], [WHY], ["tdqs"]) == ([], [])


@pytest.mark.parametrize("other", [{"rule": "long"}, {"scanner": "deepsleuth"}, {"about": ["capgo_get_channel"]}])
def test_what_is_not_explained_is_told(other: dict[str, Any]) -> None:
    """An explanation counts for one rule of one scanner, and the tools that it names."""
    assert compared([FINDING], [WHY | other], [])[0] == [FINDING]


def test_an_explanation_of_nothing_is_told() -> None:
    """With the names that are to go; not where the scanner did not run, or finds it in some runs only."""
    two = WHY | {"about": ["capgo_get_app", "capgo_gone"]}
    assert compared([FINDING], [two], ["tdqs"])[1] == [WHY | {"about": ["capgo_gone"]}]
    assert compared([FINDING], [two], ["deepsleuth"])[1] == []
    assert compared([], [two | {"sometimes": True}], ["tdqs"])[1] == []


def test_explanations_are_sentences_about_what_is_there() -> None:
    """Each names a scanner that runs, tools that exist or messages of the protocol, and says why."""
    tools = {tool.spec.name for tool in every_tool()}
    for row in explanations():
        assert row["scanner"] in {name for name, _ in SCANNERS}
        assert row["why"].endswith(".")
        assert all(name in tools or name.endswith(("Request", "Notification")) for name in row["about"])


def test_a_scanner_that_cannot_be_had_is_told(tmp_path: Path) -> None:
    """What it would have found, nobody knows."""
    with pytest.raises(NotRun):
        Scanner("no-such-scanner", "1", tmp_path / "absent", tmp_path).run("scan")
    with pytest.raises(NotRun, match=r"it wrote no told\.json"):
        Scanner("no-such-scanner", "1", tmp_path, tmp_path).read("told.json")


@pytest.mark.parametrize(("status", "runs"), [(0, True), (1, True), (2, True), (3, False), (-9, False)])
def test_how_a_scanner_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, *, runs: bool) -> None:
    """Findings are a status of their own; what breaks is not taken for a scan that found nothing."""
    done = subprocess.CompletedProcess[str]([], status, "told", "broken")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: done)
    scanner = Scanner("tdqs", "1", tmp_path, tmp_path)
    if runs:
        assert scanner.run("lint") == "told"
        return
    with pytest.raises(NotRun, match=f"ended with {status}: broken"):
        scanner.run("lint")


@pytest.mark.parametrize(("fields", "count"), [([], 0), ("name", 1)])
def test_a_fuzzer_that_was_given_what_is_valid_has_found_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fields: Any, count: int
) -> None:
    """What a tool says that it takes, it may take."""
    row = {"kind": "tool", "category": "accepted_malformed", "target": "capgo_list_apps", "detail": "Taken."}
    told = tmp_path / "fuzzed"
    told.mkdir()
    (told / "run_summary.json").write_text('{"status": "completed"}', encoding="utf-8")
    (told / "findings.json").write_text(
        json.dumps({"findings": [row | {"evidence": {"input": {"fields": fields}}}]}), encoding="utf-8"
    )
    monkeypatch.setattr(Scanner, "run", lambda *_: "")
    monkeypatch.setattr(scanners, "TOOLSETS", {"apps"})
    found = [one for one in scanners.mcp_fuzzer(Scanner("mcp-fuzzer", "1", tmp_path, tmp_path)) if one.about]
    assert len(found) == 2 * count  # of the tools, and of the protocol
