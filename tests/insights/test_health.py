"""Whether a release is failing: the verdict, what it rests on, and that nothing is guessed."""

from typing import Any, Final, Literal

import httpx2
import mcp_types as t
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.api.event_codes import APP_FAILURES, FAILURES, MEANINGS, UPDATE_FAILURES
from capgo_mcp.api.rights import HOLDERS
from capgo_mcp.api.text import compact
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.insights.failures import Failures, Measure
from capgo_mcp.insights.verdict import ENOUGH, LEAST, judged
from capgo_mcp.sandbox import ADMIN_KEY, State, create_app, rights, seeded
from capgo_mcp.sandbox.rows import new_event
from capgo_mcp.sandbox.seed.people import DEMO_APP, HARBOR, LIGHTHOUSE, NOTES_APP
from tests.support.samples import toolbox

TOKENS: Final = 600
"""What one answer may cost an agent, at four characters each."""


async def health(capgo: Capgo, **arguments: Any) -> dict[str, Any]:
    """What the tool answers about the demo app."""
    result = await toolbox(capgo).call("capgo_get_update_health", {"app_id": DEMO_APP, **arguments})
    assert isinstance(result, t.CallToolResult)
    assert not result.is_error, result.content
    assert result.structured_content is not None
    content: dict[str, Any] = result.structured_content
    assert len(compact(content)) / 4 < TOKENS
    return content


def report(state: State, version: str, action: str, devices: int, first: int = 0) -> None:
    """Let so many devices report something of a bundle now."""
    numbers = range(first, first + devices)
    state.events += [new_event(DEMO_APP, f"device-{number}", action, version, state.now()) for number in numbers]


async def test_failing_release_is_told_with_its_cause_and_what_to_do(capgo: Capgo) -> None:
    """Many devices fall back from a bundle, few did from the one before: it is failing, and can be stopped."""
    answer = await health(capgo, version="2.3.0")
    assert answer["verdict"] == "failing"
    assert answer["failures"] == {"version": "2.3.0", "devices": 22, "failed": 10, "percent": 45.5}
    assert answer["compared_with"]["version"] == "2.2.8"
    assert answer["causes"][0]["code"] == "update_fail"
    assert "notifyAppReady" in answer["causes"][0]["means"]
    assert answer["causes"][0]["percent_before"] == 0
    assert '"staging": capgo_set_rollout with action pause' in answer["do"]
    assert '"dev": capgo_set_channel with version "2.2.8"' in answer["do"]


async def test_healthy_release_is_what_is_asked_about_by_default(capgo: Capgo) -> None:
    """What the default channel serves does well, and nothing needs to be done."""
    answer = await health(capgo)
    assert (answer["version"], answer["verdict"]) == ("2.2.8", "healthy")
    assert answer["failures"]["failed"] == 1
    assert answer["do"] == "Nothing needs to be done."


async def test_healthy_rollout_may_go_on(capgo: Capgo, state: State) -> None:
    """A rollout without failures can be widened."""
    report(state, "2.3.0", "set", 1000)
    answer = await health(capgo, version="2.3.0")
    assert answer["verdict"] == "healthy"
    assert "widen" in answer["do"]


async def test_few_devices_say_nothing(capgo: Capgo) -> None:
    """One failure among thirteen devices is no verdict: wait."""
    answer = await health(capgo, version="2.3.0-beta.6")
    assert answer["verdict"] == "too_few"
    assert "it takes 50 devices" in answer["reason"]
    assert answer["do"].startswith("Wait")


async def test_bundle_that_nobody_took_is_no_verdict(capgo: Capgo) -> None:
    """A bundle without devices is not called healthy."""
    answer = await health(capgo, version="1.0.0")
    assert answer["verdict"] == "too_few"
    assert answer["reason"] == 'No device took "1.0.0" in this time.'


async def test_empty_store_may_be_an_outage(capgo: Capgo) -> None:
    """Where Capgo tells of nothing at all, that is not "no failures": it answers the same in an outage (T25)."""
    answer = await health(capgo, app_id=NOTES_APP)
    assert answer["verdict"] == "unknown"
    assert "out of reach" in answer["reason"]
    assert "failures" not in answer


async def test_failures_that_are_counted_by_file_belong_to_the_bundle(capgo: Capgo, state: State) -> None:
    """A file that cannot be downloaded is reported as `version:file`, which no filter by version finds."""
    report(state, "2.2.8:main.js", "download_manifest_file_fail", 40)
    report(state, "2.2.8:style.css", "download_manifest_file_fail", 30)
    report(state, "2.2.80:main.js", "download_manifest_file_fail", 90)
    answer = await health(capgo)
    assert answer["verdict"] == "failing"
    assert answer["causes"][0] | {"percent": 0} == {
        "code": "download_manifest_file_fail",
        "means": MEANINGS["download_manifest_file_fail"],
        "devices": 40,
        "percent": 0,
        "percent_before": 0,
    }


@pytest.mark.parametrize(("version", "verdict"), [("2.3.0", "failing"), ("2.2.8", "healthy"), ("2.2.7", "too_few")])
async def test_capgo_that_ignores_the_version_is_read_right(version: str, verdict: str) -> None:
    """A Capgo of July 2026 counts all bundles whatever version is asked for; their rows are told apart here."""
    async with _client(create_app(seeded(behaviour=Behaviour.JULY))) as capgo:
        answer = await health(capgo, version=version)
    assert answer["verdict"] == verdict
    assert answer["failures"]["version"] == version


async def test_capgo_that_tells_of_other_bundles_only_is_not_understood() -> None:
    """When the most frequent failures are all of other bundles, nothing is known of this one."""
    state = seeded(behaviour=Behaviour.JULY)
    for number in range(40):
        report(state, f"3.0.{number}", "download_fail", 20)
    async with _client(create_app(state)) as capgo:
        answer = await health(capgo, version="2.2.8")
    assert answer["verdict"] == "unknown"
    assert "not among the most frequent" in answer["reason"]


def _client(app: Any) -> Capgo:
    transport = httpx2.ASGITransport(app=app)
    return Capgo(ADMIN_KEY, url="http://sandbox.invalid", transport=transport, rate=10_000)


class Older(httpx2.ASGITransport):
    """A Capgo without the routes of its console."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer as for any route that does not exist."""
        if request.url.path.startswith("/private"):
            return httpx2.Response(404, json={"error": "not_found", "message": "Not found"})
        return await super().handle_async_request(request)


@pytest.mark.parametrize("tool", ["capgo_get_update_health", "capgo_get_release_status"])
async def test_capgo_without_the_route_leaves_it_unknown(tool: str, state: State) -> None:
    """An older or self-hosted Capgo does not tell; the answer says so and where to look."""
    transport = Older(app=create_app(state))
    async with Capgo(ADMIN_KEY, url="http://sandbox.invalid", transport=transport) as capgo:
        result = await toolbox(capgo).call(tool, {"app_id": DEMO_APP})
    assert isinstance(result, t.CallToolResult)
    assert result.structured_content is not None
    told = result.structured_content.get("health", result.structured_content)
    assert told["verdict"] == "unknown"
    assert "older, or self-hosted" in told["reason"]
    assert "console" in told.get("do", "console")


async def test_key_without_the_right_leaves_it_unknown(capgo: Capgo, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that may not read logs learns which permission it lacks and who has it."""
    monkeypatch.setattr(rights, "HOLDERS", {**HOLDERS, "app.read_logs": ()})
    answer = await health(capgo)
    assert answer["verdict"] == "unknown"
    assert "app.read_logs (held by app_reader" in answer["do"]


async def test_usage_that_cannot_be_read_is_told(capgo: Capgo, state: State) -> None:
    """Without statistics only installs are counted, and the answer says so."""
    state.unpaid |= {LIGHTHOUSE, HARBOR}
    answer = await health(capgo)
    assert "Only those that installed it" in answer["unknown"][0]
    assert answer["failures"]["devices"] > 0


@pytest.mark.parametrize("version", ["2.2.8", "2.3.0"])
async def test_release_status_carries_the_verdict(capgo: Capgo, version: str) -> None:
    """The status of a release says whether it is failing, in the words of the tool that is about it."""
    result = await toolbox(capgo).call("capgo_get_release_status", {"app_id": DEMO_APP, "version": version})
    assert isinstance(result, t.CallToolResult)
    assert result.structured_content is not None
    answer = await health(capgo, version=version)
    assert result.structured_content["health"] == {"verdict": answer["verdict"], "reason": answer["reason"]}
    assert ("it is failing" in result.structured_content["summary"]) == (answer["verdict"] == "failing")


@pytest.mark.parametrize("days", [0, 2, 31, "soon"])
async def test_other_periods_are_refused(capgo: Capgo, days: Any) -> None:
    """Capgo counts 1, 3, 7 or 30 days, and an agent is told so before anything is sent."""
    result = await toolbox(capgo).call("capgo_get_update_health", {"app_id": DEMO_APP, "days": days})
    assert isinstance(result, t.CallToolResult)
    assert result.is_error
    assert "[invalid_arguments]" in str(result.content)


def measure(devices: int, failed: int, code: str = "update_fail", version: str = "2.0.0") -> Measure:
    """A bundle that fails in one way."""
    return Measure(version, devices, failed, {code: failed} if failed else {})


Word = Literal["failing", "healthy", "too_few"]
CASES: Final[list[tuple[Measure, Measure | None, Word]]] = [
    (measure(1000, 100), measure(1000, 10), "failing"),
    (measure(1000, 45), measure(1000, 10), "failing"),
    (measure(1000, 25), measure(1000, 10), "too_few"),
    (measure(1000, 10), measure(1000, 10), "healthy"),
    (measure(1000, 0), measure(1000, 10), "healthy"),
    (measure(100_000, 2500), measure(100_000, 900), "failing"),
    (measure(1000, 80), None, "failing"),
    (measure(1000, 30), None, "healthy"),
    (measure(20, 9), measure(1000, 10), "failing"),
    (measure(20, 1), measure(1000, 10), "too_few"),
    (measure(20, 0), measure(1000, 10), "too_few"),
    (measure(4, 4), measure(1000, 10), "too_few"),
    (measure(200, 4), measure(10, 5), "healthy"),
    (measure(1000, 300, "webview_javascript_error"), measure(1000, 300, "webview_javascript_error"), "healthy"),
    (measure(1000, 300), measure(1000, 300), "failing"),
    (measure(0, 0), measure(1000, 10), "too_few"),
]


@pytest.mark.parametrize(("now", "before", "word"), CASES)
def test_verdict(now: Measure, before: Measure | None, word: Word) -> None:
    """Each bundle gets the verdict that a careful person would give, and a reason with its numbers."""
    verdict = judged(Failures(now, before, None))
    assert verdict.verdict == word
    assert not now.devices or f"{now.failed} of {now.devices}" in verdict.reason


counts: Final = st.integers(1, 10_000).flatmap(lambda devices: st.tuples(st.just(devices), st.integers(0, devices)))


@given(counts, counts, st.sampled_from(sorted(FAILURES)))
def test_more_failures_never_make_a_better_verdict(now: tuple[int, int], before: tuple[int, int], code: str) -> None:
    """One more failing device does not make a failing bundle healthy."""

    def word(failed: int) -> str:
        measured = measure(now[0], failed, code)
        return judged(Failures(measured, measure(*before, code, "1.0.0"), None)).verdict

    ranks = {"healthy": 0, "too_few": 1, "failing": 2}
    assert ranks[word(min(now[1] + 1, now[0]))] >= ranks[word(now[1])]


@given(counts)
def test_few_devices_are_never_called_healthy(now: tuple[int, int]) -> None:
    """Below the least number nothing is called healthy, and no few failures are called failing."""
    verdict = judged(Failures(measure(*now), None, None)).verdict
    assert now[0] >= ENOUGH or verdict != "healthy"
    assert now[1] >= LEAST or verdict != "failing"


def test_every_failure_has_words() -> None:
    """The failures that Capgo counts by itself are all known, each of one kind."""
    assert len(FAILURES) == 32
    assert not UPDATE_FAILURES.keys() & APP_FAILURES.keys()
    assert MEANINGS.keys() >= FAILURES
