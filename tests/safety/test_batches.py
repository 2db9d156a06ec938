"""Many deletions after one consent: what was shown and nothing else, each in the journal, and an end at any doubt."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest
from mcp import Client

from capgo_mcp.client.capgo import Capgo
from capgo_mcp.client.defaults import DEFAULT_RATE
from capgo_mcp.sandbox import ADMIN_KEY, UPLOADER_KEY, State, create_app
from capgo_mcp.sandbox.seed.people import DEMO_APP, HARBOR
from tests.support import samples
from tests.support.faulty import VirtualClock
from tests.support.safety import URL, YES, Desk, Facts, Recorder, User, desk, serving, unlimited

TOOL: Final = "capgo_clean_up_bundles"
CALL: Final = {"app_id": DEMO_APP, "keep": 10}


def alive(state: State) -> set[str]:
    """The demo app's bundles."""
    return {row["name"] for row in state.bundles.values() if row["app_id"] == DEMO_APP and not row["deleted"]}


def lonely() -> State:
    """A sandbox in which nothing but the newest ten bundles of the demo app is needed."""
    state = unlimited()
    newest = max((row for row in state.bundles.values() if row["app_id"] == DEMO_APP), key=lambda row: row["id"])
    for channel in state.channels.values():
        if channel["app_id"] == DEMO_APP:
            channel.update(version=newest["id"], rollout_version=None)
    for (app_id, _), device in state.devices.items():
        if app_id == DEMO_APP:
            device["version_name"] = newest["name"]
    return state


class Failing(httpx2.AsyncBaseTransport):
    """A sandbox whose answer to the deletion of one bundle is another one, after it was done or instead."""

    def __init__(self, state: State, answer: Callable[[], httpx2.Response], *, after: int, done: bool = False) -> None:
        self._inner = httpx2.ASGITransport(app=create_app(state))
        self._answer = answer
        self._left = after
        self._done = done

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer."""
        if request.method == "DELETE":
            self._left -= 1
            if self._left == -1:
                if self._done:
                    await self._inner.handle_async_request(request)
                return self._answer()
        return await self._inner.handle_async_request(request)


def lines(path: Path) -> list[Facts]:
    """The journal, each line read as JSON."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


async def test_a_clean_up_takes_two_calls() -> None:
    """From 124 bundles to 10 at the usual rate and within the usual time; each was deleted by a call of its own."""
    state, clock = lonely(), VirtualClock()
    wire = Recorder(httpx2.ASGITransport(app=create_app(state)))
    assert len(alive(state)) == 124
    async with Capgo(ADMIN_KEY, url=URL, transport=wire, rate=DEFAULT_RATE, clock=clock) as capgo:
        here = Desk(state, wire, capgo, samples.toolbox(capgo))
        shown = await here.facts(TOOL, **CALL)
        assert wire.writes == []
        answer = await here.follow(shown["after_consent"])
    assert answer["done"] is True
    assert answer["now"] == "114 of 114 bundles deleted."
    assert "no call brings them back" in answer["note"]
    assert len(alive(state)) == 10
    assert wire.writes == ["DELETE /bundle"] * 114
    assert all("version" in json.loads(request.content) for request in wire.seen if request.method == "DELETE")


async def test_exactly_what_was_shown_goes() -> None:
    """Afterwards all is there that was not in the preview, and nothing is left to do."""
    state = unlimited()
    before = alive(state)
    async with desk(state=state) as here:
        shown = await here.facts(TOOL, **CALL)
        await here.follow(shown["after_consent"])
        assert alive(state) == before - set(shown["preview"]["facts"]["versions"])
        again = await here.facts(TOOL, **CALL)
    assert (again["done"], again["changed"]) == (False, "nothing")
    assert again["now"] == "There is nothing to do: all stay."


async def test_confirm_counts_only_with_the_mark_of_what_was_shown() -> None:
    """An agent that has seen no preview deletes nothing, whatever it confirms."""
    async with desk() as here:
        for arguments in ({"confirm": True}, {"confirm": True, "seen": "guessed"}, {"seen": "guessed"}):
            assert "after_consent" in await here.facts(TOOL, **CALL, **arguments)
        assert here.wire.writes == []


async def test_what_moved_since_is_shown_anew() -> None:
    """A bundle that would go now and was not shown, or the other way round, ends the call before anything is sent."""
    state = unlimited()
    async with desk(state=state) as here:
        shown = await here.facts(TOOL, **CALL)
        (state.channel_named(DEMO_APP, "qa") or {})["version"] = state.bundle_named(DEMO_APP, "1.0.0")["id"]  # type: ignore[index]
        moved = await here.follow(shown["after_consent"])
        assert here.wire.writes == []
    assert "has changed since" in moved["ask"]
    assert "1.0.0" not in moved["preview"]["facts"]["versions"]


async def test_more_devices_on_what_stays_are_no_reason_to_ask_anew() -> None:
    """Only what goes is the state that was agreed to."""
    state = unlimited()
    async with desk(state=state) as here:
        shown = await here.facts(TOOL, **CALL)
        next(row for (app_id, _), row in state.devices.items() if app_id == DEMO_APP)["version_name"] = "2.2.5"
        assert (await here.follow(shown["after_consent"]))["done"] is True


async def test_every_deletion_is_a_line_of_the_journal(tmp_path: Path) -> None:
    """The preview is one, and each bundle another, with the tool that would have done it alone."""
    journal = tmp_path / "journal.jsonl"
    async with desk(journal=journal) as here:
        shown = await here.facts(TOOL, **CALL)
        await here.follow(shown["after_consent"])
    first, *others = lines(journal)
    assert (first["tool"], first["consent"]) == (TOOL, "previewed")
    assert [line["arguments"]["version"] for line in others] == shown["preview"]["facts"]["versions"]
    told = {(line["tool"], line["consent"], line["outcome"]) for line in others}
    assert told == {("capgo_delete_bundle", "confirmed", "done")}


async def test_a_journal_that_cannot_be_written_deletes_nothing(tmp_path: Path) -> None:
    """As for any other change."""
    journal = tmp_path / "journal.jsonl"
    async with desk(journal=journal) as here:
        shown = await here.facts(TOOL, **CALL)
        journal.unlink()
        journal.mkdir()
        said = await here.error(TOOL, **shown["after_consent"]["arguments"])
        assert here.wire.writes == []
    assert said.startswith("[journal_failed]")


@pytest.mark.parametrize("done", [True, False], ids=["done", "not done"])
@pytest.mark.parametrize("after", [0, 5])
async def test_an_unknown_outcome_ends_it(after: int, *, done: bool, tmp_path: Path) -> None:
    """The rest is left alone; the answer names the bundle in doubt, and a further call goes on from what is there."""
    state, journal = unlimited(), tmp_path / "journal.jsonl"
    inner = Failing(state, lambda: httpx2.Response(504), after=after, done=done)
    async with desk(state=state, inner=inner, journal=journal) as here:
        shown = await here.facts(TOOL, **CALL)
        versions = shown["preview"]["facts"]["versions"]
        answer = await here.follow(shown["after_consent"])
        assert len(here.wire.writes) == after + 1
        assert (answer["done"], answer.get("changed")) == (False, "in part" if after else None)
        assert answer["result"] == {"done": after, "left": len(versions) - after, "not_known": versions[after]}
        assert "after_consent" not in answer
        assert lines(journal)[-1]["outcome"] == "outcome_unknown"
        rest = await here.facts(TOOL, **CALL)
        assert rest["preview"]["facts"]["versions"] == versions[after + done :]
        assert (await here.follow(rest["after_consent"]))["done"] is True
    assert not set(versions) & alive(state)


async def test_a_stop_that_leaves_no_doubt_proposes_to_go_on() -> None:
    """After too many calls the answer holds the call that does the rest, which needs no other consent."""
    state = unlimited()
    busy = {"error": "too_many_requests", "message": "No", "moreInfo": {"reason": "ip_rate_limit_exceeded"}}
    inner = Failing(state, lambda: httpx2.Response(429, json=busy), after=5)
    async with desk(state=state, inner=inner) as here:
        shown = await here.facts(TOOL, **CALL)
        answer = await here.follow(shown["after_consent"])
        total = len(shown["preview"]["facts"]["versions"])
        assert (answer["done"], answer["changed"], answer["result"]["done"]) == (False, "in part", 5)
        assert "too_many_requests" in answer["note"]
        rest = await here.follow(answer["after_consent"])
    assert rest["now"] == f"{total - 5} of {total - 5} bundles deleted."


async def test_a_bundle_that_is_served_by_now_is_left_and_told() -> None:
    """Capgo refuses it; the others go all the same."""
    state = unlimited()
    linked = {"error": "cannot_delete_linked_version", "message": "Cannot delete a bundle linked to a channel"}
    async with desk(state=state, inner=Failing(state, lambda: httpx2.Response(400, json=linked), after=2)) as here:
        shown = await here.facts(TOOL, **CALL)
        answer = await here.follow(shown["after_consent"])
    versions = shown["preview"]["facts"]["versions"]
    assert (answer["done"], answer["changed"]) == (False, "in part")
    assert [one["name"] for one in answer["result"]["not_done"]] == [versions[2]]
    assert set(versions) & alive(state) == {versions[2]}


async def test_a_key_that_may_not_delete_is_told_so() -> None:
    """The first refusal of such a kind is the answer, and no other bundle is tried."""
    async with desk(key=UPLOADER_KEY) as here:
        shown = await here.facts(TOOL, **CALL)
        said = await here.error(TOOL, **shown["after_consent"]["arguments"])
        assert len(here.wire.writes) == 1
    assert said.startswith("[cannot_delete_bundle]")


async def test_progress_is_told() -> None:
    """A client that asks for it hears of each deletion."""
    heard: list[str | None] = []

    async def report(progress: float, total: float | None = None, message: str | None = None) -> None:
        assert total is None or progress <= total
        heard.append(message)

    async with desk() as here:
        shown = await here.facts(TOOL, **CALL)
        await here.tools.call(TOOL, shown["after_consent"]["arguments"], None, report)
    total = len(shown["preview"]["facts"]["versions"])
    assert heard[-total:] == [f"{number} of {total} bundles deleted" for number in range(1, total + 1)]


@pytest.mark.parametrize("mode", ["legacy", "auto"])
@pytest.mark.parametrize("agrees", [True, False])
async def test_the_person_is_asked_once(mode: Any, *, agrees: bool) -> None:
    """With `--ask`, one question names all that goes, and a no deletes nothing."""
    user = User(YES if agrees else YES.model_copy(update={"content": {"agree": False}}))
    async with desk() as here:
        async with Client(serving(here, ask=True), mode=mode, elicitation_callback=user) as client:
            shown = (await client.call_tool(TOOL, CALL)).structured_content or {}
            result = await client.call_tool(TOOL, shown["after_consent"]["arguments"])
        (question,) = user.asked
        versions = shown["preview"]["facts"]["versions"]
        assert all(name in question for name in versions)
        assert len(here.wire.writes) == (len(versions) if agrees else 0)
        assert result.is_error is not agrees


LEFT_OUT: Final[list[dict[str, Any]]] = [
    {"read_only": True},
    {"excluded": frozenset({TOOL})},
    {"excluded": frozenset({"capgo_delete_bundle"})},
    {"toolsets": frozenset({"insights"})},
    {"toolsets": frozenset({"bundles"})},
]


@pytest.mark.parametrize("settings", LEFT_OUT, ids=str)
async def test_it_is_there_only_where_its_single_deletions_are(settings: dict[str, Any]) -> None:
    """Who leaves out writes, or the deletion of a bundle, leaves out the many as well."""
    async with desk(**settings) as here:
        assert TOOL not in here.tools
    async with desk(toolsets=frozenset({"insights", "bundles"})) as here:
        assert TOOL in here.tools


async def test_it_stays_in_its_scope() -> None:
    """The app of the settings is filled in and no other taken; an app of another organization is not looked at."""
    async with desk(app="com.lighthouse.notes") as here:
        assert "is not an argument" in await here.error(TOOL, app_id=DEMO_APP, keep=1)
        assert (await here.facts(TOOL, keep=1))["preview"]["facts"]["app_id"] == "com.lighthouse.notes"
    async with desk(org=HARBOR) as here:
        assert (await here.error(TOOL, **CALL)).startswith("[out_of_scope]")
