"""The scripted release jobs: each ends as it must, in few calls, and no roll back claims what is not so."""

from collections import Counter
from itertools import product
from typing import Any, Final

import pytest

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.sandbox import State
from evals.jobs.play import play, seen
from evals.jobs.questions import QUESTIONS, Question
from evals.jobs.releases import JOBS
from evals.jobs.script import APP, Job, call
from evals.jobs.verdicts import CASES, Case, verdict
from tests.support import samples

BAD: Final = "2.3.0"
GOOD: Final = "2.2.8"
MOST_CALLS: Final = 4

CHANNELS: Final[dict[str, dict[str, Any]]] = {
    "served to all": {"version": BAD},
    "rolled out": {"version": GOOD, "rollout_version": BAD, "rollout_enabled": True, "rollout_percentage_bps": 2500},
    "served to all, another rolled out": {
        "version": BAD,
        "rollout_version": "2.2.7",
        "rollout_enabled": True,
        "rollout_percentage_bps": 2500,
    },
    "switched off": {"version": GOOD, "rollout_version": BAD, "rollout_enabled": False},
}
WAYS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "drop": ("capgo_set_rollout", {"action": "drop"}),
    "rollback": ("capgo_set_rollout", {"rollback": True}),
    "version": ("capgo_set_channel", {"version": GOOD}),
}


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.request)
async def test_a_job_ends_as_it_must(job: Job) -> None:
    """Each job reaches its end in at most four calls, and nothing else in the app has changed."""
    played = await play(job)
    assert played.faults == []
    assert played.calls <= MOST_CALLS


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.request)
async def test_a_job_says_what_an_older_capgo_cannot_do(job: Job) -> None:
    """On the Capgo of July a job ends as it must, or the answer says that it is not done."""
    faults = (await play(job, Behaviour.JULY)).faults
    assert not faults or faults[0].startswith("answered done False")


def test_jobs_are_many() -> None:
    """At least twenty different jobs."""
    assert len({job.request for job in JOBS}) == len(JOBS) >= 20


@pytest.mark.parametrize(("channel", "way", "behaviour"), [*product(CHANNELS, WAYS, Behaviour)])
async def test_a_roll_back_claims_no_success_while_the_bundle_is_served(
    state: State, capgo: Capgo, channel: str, way: str, behaviour: Behaviour
) -> None:
    """Whatever a channel holds, however it is rolled back: success means that the bad bundle is gone, or is named."""
    state.behaviour = behaviour
    row = state.channel_named(APP, "production") or {}
    numbers = {bundle["name"]: number for number, bundle in state.bundles.items() if bundle["app_id"] == APP}
    row.update({name: numbers.get(value, value) for name, value in CHANNELS[channel].items()})
    tool, arguments = WAYS[way]
    result = await samples.toolbox(capgo).call(tool, {"app_id": APP, "channel": "production", **arguments})
    answer = result.structured_content or {}
    now = seen(state, row)
    assert not result.is_error
    assert BAD not in (now["version"], now["rollout"]) or not answer["done"] or BAD in answer["now"]


async def test_a_job_that_ends_otherwise_is_told() -> None:
    """The judge of the jobs sees a wrong end, a change nobody asked for, and an answer that says something else."""
    dropped = call("set_rollout", channel="staging", action="drop")
    wrong = Job(
        "Do nothing.",
        [dropped],
        channels={"production": {"version": BAD}, "weekly": {}},
        pins={samples.DEVICE: None},
        deleted={GOOD},
        says={"done": False},
    )
    told = " ".join((await play(wrong)).faults)
    for fault in ("staging: rollout", "production: version", "weekly", "pinned", f"{GOOD} is still", "done True"):
        assert fault in told
    refused = await play(Job("Do what cannot be.", [call("get_channel", channel="none")]))
    assert [fault.split()[0] for fault in refused.faults] == ["answered"]


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.asked)
async def test_a_question_is_answered_in_one_cheap_call(question: Question) -> None:
    """One call, an answer that tells what is so, and no more tokens than such an answer may take."""
    played = await play(question.job)
    assert (played.calls, played.faults) == (1, [])
    assert played.tokens <= question.most_tokens


def test_questions_are_twenty() -> None:
    """Twenty different ones."""
    assert len({question.asked for question in QUESTIONS}) == len(QUESTIONS) == 20


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
async def test_a_verdict_is_never_wrong(case: Case) -> None:
    """Failing, healthy, too few to tell or unknown: as somebody judges who knows all of it."""
    assert await verdict(case) == case.so


def test_verdicts_are_forty() -> None:
    """Ten releases of each kind."""
    kinds = Counter(case.so for case in CASES)
    assert kinds == dict.fromkeys(("failing", "healthy", "too_few", "unknown"), 10)
    assert len({case.what for case in CASES}) == 40
