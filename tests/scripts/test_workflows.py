"""No workflow lends its rights to others: what it may is named, what it runs is pinned, and it holds no secret."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

AGAINST: Final = "whoever changes an action that a release is made with"
ATTACKER: Final = "a supplier"
ASSET: Final = "the account"

FILES: Final = sorted((Path(__file__).parents[2] / ".github" / "workflows").glob("*.yml"))

each = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)


def read(path: Path) -> dict[str, Any]:
    """A workflow."""
    workflow: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return workflow


@each
def test_rights_are_given_to_a_job_that_needs_them(path: Path) -> None:
    """The workflow has none by itself, and each job says which it takes, and what for."""
    workflow = read(path)
    assert workflow["permissions"] == {}
    assert "concurrency" in workflow
    assert all("permissions" in job for job in workflow["jobs"].values())
    given = re.findall(
        r"^ +(?:contents|packages|id-token|attestations): \w+(.*)$", path.read_text("utf-8"), re.MULTILINE
    )
    assert given
    assert all(reason.startswith(" # ") for reason in given)


@each
def test_what_it_runs_is_pinned(path: Path) -> None:
    """An action is named by its commit, beside the version that people read; a tag could be moved."""
    used = re.findall(r"uses: (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert used
    assert [one for one in used if not re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v[\d.]+", one)] == []


@each
def test_it_holds_no_secret(path: Path) -> None:
    """Nothing could be stolen from it but the token of the very run, and a checkout leaves that nowhere."""
    assert "secrets." not in path.read_text(encoding="utf-8")
    steps = [step for job in read(path)["jobs"].values() for step in job["steps"]]
    checkouts = [step for step in steps if step.get("uses", "").startswith("actions/checkout@")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)
