"""The journal holds a line for every call that changed something or tried to, and without it nothing is sent."""

import errno
import json
import os
import stat
from pathlib import Path
from typing import Any, Final

import anyio
import httpx2
import pytest
from mcp import Client

from capgo_mcp.api.operation import Effect
from capgo_mcp.operations import every
from capgo_mcp.sandbox import create_app
from capgo_mcp.sandbox.seed.people import DEMO_APP
from tests.support import samples
from tests.support.safety import YES, Facts, User, answering, desk, name_of, serving, unlimited

AGAINST: Final = "a change that nobody could trace"
ATTACKER: Final = "the agent"
ASSET: Final = "the account"

BETA: Final = {"app_id": DEMO_APP, "channel": "beta"}
FIELDS: Final = {"tool", "arguments", "time", "consent", "outcome", "request_id"}
WRITES: Final = [operation for operation in every() if operation.spec.effect is not Effect.READ]


def lines(path: Path) -> list[Facts]:
    """The journal, each line read as JSON."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def content(path: Path) -> bytes:
    """The journal as it is."""
    return path.read_bytes()


def mode(path: Path) -> int:
    """Who may do what with the journal."""
    return stat.S_IMODE(path.stat().st_mode)


def pending(path: Path) -> list[Path]:
    """The records whose outcome is not in the journal."""
    return sorted(path.parent.glob(f"{path.name}.*.pending"))


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """Where the journal is to be."""
    return tmp_path / "journal.jsonl"


async def test_a_change_is_one_line(journal: Path) -> None:
    """The line tells when, what, with which arguments, with which consent and how it ended."""
    async with desk(journal=journal) as here:
        await here.facts("capgo_set_channel", **BETA, version="2.2.7")
    (line,) = lines(journal)
    assert line.keys() >= FIELDS
    assert (line["tool"], line["arguments"]) == ("capgo_set_channel", {**BETA, "version": "2.2.7"})
    assert (line["consent"], line["outcome"]) == ("not needed", "done")
    assert pending(journal) == []


async def test_previews_and_deletions_are_noted(journal: Path) -> None:
    """A preview, a call with a wrong flag that never got to be one, and the deletion: two lines."""
    async with desk(journal=journal) as here:
        await here.facts("capgo_delete_channel", **BETA)
        await here.error("capgo_delete_channel", **BETA, confirm="yes")
        await here.facts("capgo_delete_channel", **BETA, confirm=True)
    told = [(line["consent"], line["outcome"]) for line in lines(journal)]
    assert told == [("previewed", "nothing sent"), ("confirmed", "done")]


async def test_a_call_in_vain_is_noted_as_not_sent(journal: Path) -> None:
    """A write that was not sent, since it would have changed nothing, is not told as done."""
    async with desk(journal=journal) as here:
        await here.facts("capgo_set_rollout", app_id=DEMO_APP, channel="production", action="pause")
        assert here.wire.writes == []
    assert [(line["consent"], line["outcome"]) for line in lines(journal)] == [("not needed", "nothing sent")]
    assert pending(journal) == []


async def test_a_wrong_name_is_noted(journal: Path) -> None:
    """A deletion that was refused because of its name is in the journal as refused."""
    async with desk(journal=journal) as here:
        await here.error("capgo_delete_app", app_id=DEMO_APP, confirm=True, confirm_name="no")
    (line,) = lines(journal)
    assert (line["consent"], line["outcome"]) == ("refused", "invalid_arguments")


async def test_an_unasked_person_is_noted(journal: Path) -> None:
    """With `--ask`, a client that cannot ask leaves a line that says so."""
    async with desk() as here, Client(serving(here, journal=journal, ask=True), mode="legacy") as client:
        assert (await client.call_tool("capgo_delete_channel", {**BETA, "confirm": True})).is_error
        assert here.wire.writes == []
    (line,) = lines(journal)
    assert (line["consent"], line["outcome"]) == ("refused", "consent_cannot_ask")


ASKED: Final = {
    "legacy": [("confirmed and asked", "done")],
    "auto": [("asking", "nothing sent"), ("confirmed and asked", "done")],
}


@pytest.mark.parametrize(("mode", "told"), ASKED.items(), ids=ASKED.keys())
async def test_a_person_who_was_asked_is_noted(mode: Any, told: list[tuple[str, str]], journal: Path) -> None:
    """With `--ask`, a yes is told with the deletion; in the era since 2026-07-28 the question is a call of its own."""
    async with desk() as here:
        server = serving(here, journal=journal, ask=True)
        async with Client(server, mode=mode, elicitation_callback=User(YES)) as client:
            assert not (await client.call_tool("capgo_delete_channel", {**BETA, "confirm": True})).is_error
    assert [(line["consent"], line["outcome"]) for line in lines(journal)] == told


async def test_a_refusal_of_capgo_is_noted_with_its_request(journal: Path) -> None:
    """An error of Capgo's is the outcome, with the id of the request."""
    async with desk(journal=journal) as here:
        await here.error("capgo_delete_bundle", app_id=DEMO_APP, version="2.2.8", confirm=True)
    (line,) = lines(journal)
    assert line["outcome"] == "cannot_delete_linked_version"
    assert line["request_id"]


async def test_a_lost_answer_is_noted_as_unknown(journal: Path) -> None:
    """A write whose answer never came is in the journal as such."""

    def lose(request: httpx2.Request) -> httpx2.Response:
        if request.method == "GET":
            return httpx2.Response(200, json={})
        raise httpx2.ReadError("gone")

    async with desk(inner=httpx2.MockTransport(lose), journal=journal) as here:
        await here.error("capgo_set_channel", **BETA, version="2.2.7")
    assert [line["outcome"] for line in lines(journal)] == ["outcome_unknown"]


async def test_a_call_that_is_cancelled_is_noted_as_unknown(journal: Path) -> None:
    """A client that gives up while the write is under way leaves a line that says the outcome is unknown."""
    waiting = anyio.CancelScope()

    async def hang(_: httpx2.Request) -> httpx2.Response:
        waiting.cancel()
        await anyio.sleep_forever()
        raise AssertionError

    async with desk(inner=httpx2.MockTransport(hang), journal=journal) as here:
        with waiting:
            await here.call("capgo_create_organization", {"name": "Other"})
    assert [line["outcome"] for line in lines(journal)] == ["unknown"]
    assert pending(journal) == []


@pytest.mark.parametrize("operation", every(), ids=name_of)
async def test_each_write_is_recorded_and_no_read(operation: samples.AnyOperation, journal: Path) -> None:
    """One line for a call of a tool that writes, none for one that reads; secrets are in neither."""
    async with desk(journal=journal) as here:
        await here.call(operation.spec.name, samples.required(operation))
    assert len(lines(journal)) == (operation.spec.effect is not Effect.READ)


async def test_arguments_that_cannot_be_read_are_not_recorded(journal: Path) -> None:
    """A call that breaks a rule of its tool never becomes an attempt."""
    async with desk(journal=journal) as here:
        await here.error("capgo_set_channel", app_id="no app", channel="beta")
    assert lines(journal) == []


async def test_the_journal_is_for_its_owner_only(journal: Path) -> None:
    """The file has mode 0600 whatever the umask says."""
    former = os.umask(0)
    try:
        async with desk(journal=journal) as here:
            await here.facts("capgo_set_channel", **BETA, version="2.2.7")
    finally:
        os.umask(former)
    assert mode(journal) == 0o600


@pytest.fixture
def old_journal(journal: Path) -> Path:
    """A journal with a line of an earlier run."""
    journal.write_text('{"earlier":true}\n', encoding="utf-8")
    return journal


@pytest.fixture
def full_journal(journal: Path) -> Path:
    """A journal to which nothing can be appended, though the folder beside it has room."""
    journal.symlink_to("/dev/full")
    return journal


async def test_what_is_there_stays(old_journal: Path) -> None:
    """Lines are appended; those of earlier runs remain."""
    async with desk(journal=old_journal) as here:
        await here.facts("capgo_set_channel", **BETA, version="2.2.7")
    assert [line.get("earlier") for line in lines(old_journal)] == [True, None]


UNWRITABLE: Final = {"no folder": "missing/journal", "a folder": "", "below a file": "file/journal"}


@pytest.mark.parametrize("operation", WRITES, ids=name_of)
@pytest.mark.parametrize("where", UNWRITABLE.values(), ids=UNWRITABLE.keys())
async def test_without_a_journal_nothing_is_sent(operation: samples.AnyOperation, where: str, tmp_path: Path) -> None:
    """A journal that cannot be written stops the call before anything that writes is sent."""
    (tmp_path / "file").touch()
    arguments = samples.required(operation) | ({"retention": 0} if operation.spec.name == "capgo_update_app" else {})
    consent: Facts = {
        name: True for name in ("confirm",) if operation.spec.effect is Effect.DELETE or "retention" in arguments
    }
    named = {"confirm_name": "Lighthouse Labs" if "organization" in operation.spec.name else "Demo app"}
    async with desk(journal=tmp_path / where) as here:
        said = await here.error(
            operation.spec.name, **arguments, **consent, **(named if operation.spec.by_name else {})
        )
        assert said.startswith("[journal_failed]")
        assert "nothing was sent" in said
        assert here.wire.writes == []


@pytest.mark.parametrize("cut", [True, False], ids=["written in part", "refused"])
async def test_a_full_disk_stops_the_call(cut: bool, journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record that does not fit on the disk stops the call, and the error says why."""
    monkeypatch.setattr(os, "write", _full(cut=cut))
    async with desk(journal=journal) as here:
        said = await here.error("capgo_delete_channel", **BETA, confirm=True)
        assert said.startswith("[journal_failed]")
        assert here.wire.writes == []


def _full(*, cut: bool) -> Any:
    def write(_: int, data: bytes) -> int:
        if cut:
            return len(data) // 2
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return write


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
async def test_a_journal_that_takes_no_line_stops_the_call(full_journal: Path) -> None:
    """That a record fits beside the journal is not enough: what cannot be appended to stops the call."""
    async with desk(journal=full_journal) as here:
        said = await here.error("capgo_delete_channel", **BETA, confirm=True)
        assert said.startswith("[journal_failed]")
        assert here.wire.writes == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
async def test_a_preview_that_cannot_be_noted_is_an_error() -> None:
    """Even a preview is refused when it cannot be recorded; nothing was sent."""
    async with desk(journal=Path("/dev/full")) as here:
        said = await here.error("capgo_delete_channel", **BETA)
        assert said.startswith("[journal_failed]")
        assert here.wire.writes == []


async def test_a_record_of_a_sent_call_stays_when_the_journal_fails_afterwards(journal: Path) -> None:
    """When only the last line cannot be written, the record beside the journal stays, and the error says so."""
    upstream = httpx2.ASGITransport(app=create_app(unlimited()))

    async def breaking(request: httpx2.Request) -> httpx2.Response:
        if request.method != "GET":
            await anyio.Path(journal).unlink(missing_ok=True)
            await anyio.Path(journal).mkdir()
        return await upstream.handle_async_request(request)

    async with desk(inner=httpx2.MockTransport(breaking), journal=journal) as here:
        said = await here.error("capgo_delete_channel", **BETA, confirm=True)
        assert here.wire.writes == ["DELETE /channel"]
    (left,) = pending(journal)
    assert said.startswith("[journal_failed]")
    assert "the call was made" in said
    assert left.name in said
    record = json.loads(left.read_text(encoding="utf-8"))
    assert (record["tool"], record["arguments"], record["consent"]) == ("capgo_delete_channel", BETA, "confirmed")


async def test_concurrent_calls_each_get_a_line(journal: Path) -> None:
    """Calls at the same time leave whole lines, one each."""
    async with desk(journal=journal) as here, anyio.create_task_group() as tasks:
        for number in range(30):
            tasks.start_soon(here.call, "capgo_set_channel", {"app_id": DEMO_APP, "channel": f"new-{number}"})
    recorded = lines(journal)
    assert {line["arguments"]["channel"] for line in recorded} == {f"new-{number}" for number in range(30)}
    assert len({line["request_id"] for line in recorded}) == 30
    assert pending(journal) == []


async def test_texts_cannot_forge_a_line(journal: Path) -> None:
    """A line break in an argument stays inside its line."""
    async with desk(journal=journal) as here:
        await here.call(
            "capgo_set_bundle_metadata", {"app_id": DEMO_APP, "version_id": 1, "comment": 'x\n{"tool":"y"}\u2028'}
        )
    assert len(content(journal).splitlines()) == 1


async def test_secrets_are_in_no_line(journal: Path) -> None:
    """A key that Capgo answers is not recorded."""
    row = {"id": 9, "name": "new", "key": "0000feed-0000-4000-8000-00000000beef"}
    async with desk(inner=answering(200, row), journal=journal) as here:
        await here.facts("capgo_create_api_key", name="new")
    assert b"feed" not in content(journal)
