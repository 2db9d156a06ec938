"""What is tried with agent frameworks, and how a run is judged."""

from typing import Any

import pytest

from frameworks.table import FACTS, FRAMEWORKS, HERE, judged, results, section

TOOLS = 40


def seen(**changes: Any) -> dict[str, Any]:
    """What a framework sees to which the server looks right."""
    good = {
        "version": "1.0",
        "tools": TOOLS,
        "schemas": TOOLS,
        "call": {"text": '{"items": [{"device_id": "x"}]}', "failed": False},
        "preview": {"text": '{"done": false, "after_consent": {}}', "failed": False},
        "error": {"text": "[cannot_find_version] There is no such channel.\nHint: Look it up.", "failed": True},
    }
    return good | changes


def test_every_framework_has_its_program() -> None:
    """A program for each, and each with a name of its own."""
    programs = {path.name for path in (HERE / "programs").glob("with_*")}
    assert programs == {framework.program for framework in FRAMEWORKS}
    assert len({framework.name for framework in FRAMEWORKS}) == len(FRAMEWORKS)


def test_good_run_is_good() -> None:
    """Where all is as it should be, every fact is a yes."""
    facts = judged(seen(), TOOLS)
    assert all(facts[name] is True for name in FACTS)


@pytest.mark.parametrize(
    ("fact", "changes"),
    [
        ("lists", {"tools": TOOLS - 1}),
        ("schemas", {"schemas": TOOLS - 1}),
        ("calls", {"call": {"text": "[no_key] No key", "failed": True}}),
        ("calls", {"call": {"text": "null", "failed": False}}),
        ("preview", {"preview": {"text": '{"done": true}', "failed": False}}),
        ("error", {"error": {"text": "Tool failed", "failed": True}}),
        ("error_as_such", {"error": {"text": "[cannot_find_version] No.\nHint: Look.", "failed": False}}),
    ],
)
def test_what_goes_wrong_is_a_no(fact: str, changes: dict[str, Any]) -> None:
    """Each fact has a run in which it is a no, and the first."""
    facts = judged(seen(**changes), TOOLS)
    assert next(name for name in FACTS if not facts[name]) == fact


def test_page_tells_what_the_last_run_saw() -> None:
    """A row for each framework that was tried, and none for others."""
    kept = results()
    assert kept.keys() <= {framework.name for framework in FRAMEWORKS}
    rows = section().splitlines()[2:]
    assert len(rows) == len(kept)
    for framework in FRAMEWORKS:
        if framework.name in kept:
            (row,) = [
                row for row in rows if row.startswith(f"| {framework.title} | {kept[framework.name]['version']} |")
            ]
            assert ("| no |" in row) is not all(kept[framework.name][fact] for fact in FACTS)


def test_every_framework_calls_and_sees_the_preview() -> None:
    """Whatever a framework makes of errors: none of them hides a preview, or deletes without consent."""
    for name, facts in results().items():
        assert facts["lists"], name
        assert facts["calls"], name
        assert facts["preview"], name


def test_what_a_framework_does_not_do_has_its_reason() -> None:
    """Where one fact is a no, the page says what the framework does instead."""
    kept = results()
    lacking = {one.name for one in FRAMEWORKS if one.name in kept and not all(kept[one.name][fact] for fact in FACTS)}
    assert {one.name for one in FRAMEWORKS if "without MCP's mark" in one.note} == lacking
