"""The forms for issues are ones that GitHub shows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from scripts.docs import ROOT

FORMS: Final = sorted(set(ROOT.glob(".github/ISSUE_TEMPLATE/*.yml")) - {ROOT / ".github/ISSUE_TEMPLATE/config.yml"})


def elements(form: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """What a form asks, and how."""
    for element in yaml.safe_load(form.read_text(encoding="utf-8"))["body"]:
        yield element, element["attributes"]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.stem)
def test_form_is_complete(form: Path) -> None:
    """It has a name and a description; each question has a label and an id of its own."""
    assert {"name", "description", "labels", "body"} == yaml.safe_load(form.read_text(encoding="utf-8")).keys()
    questions = [(element, shown) for element, shown in elements(form) if element["type"] != "markdown"]
    assert all(shown["label"] for _, shown in questions)
    assert len({element["id"] for element, _ in questions}) == len(questions) > 0
    assert {element["type"] for element, _ in questions} <= {"textarea", "input", "dropdown", "checkboxes"}


def test_packages_are_kept_up_to_date() -> None:
    """Dependabot looks after everything that pins versions here, and proposes none that is younger than a week."""
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text(encoding="utf-8"))["updates"]
    assert {update["package-ecosystem"] for update in updates} == {"pip", "docker", "github-actions"}
    assert all(update["cooldown"]["default-days"] >= 7 for update in updates)
    assert all((ROOT / update["directory"].lstrip("/")).is_dir() for update in updates)
