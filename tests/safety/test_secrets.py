"""The API key leaves in one header only: no answer, error, log line, representation or traceback shows it."""

import json
import logging
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from capgo_mcp.api.errors import CapgoError
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.client.key import StaticKey
from capgo_mcp.config.credentials import KeyFile
from capgo_mcp.config.settings import Settings
from capgo_mcp.operations import every
from capgo_mcp.operations.apps import GetApp
from capgo_mcp.sandbox import ADMIN_KEY
from capgo_mcp.sandbox.seed.people import DEMO_APP, LIGHTHOUSE
from tests.support import samples
from tests.support.limits import GENEROUS
from tests.support.safety import URL, Facts, answering, desk, name_of, named, text
from tests.support.tools import child

AGAINST: Final = "whoever reads logs, errors, or the list of processes"
ATTACKER: Final = "a program on this machine"
ASSET: Final = "the key"
LEAVES: Final = ("Whoever can read this process can read the key",)

KEY: Final = "0decafc0-ffee-4bad-8bad-c0ffee0ddba1"
LEGACY: Final = "legacy-key.with:dots_0123456789"
NEW_KEY: Final = "feedface-0000-4000-8000-00000000beef"
each = pytest.mark.parametrize("operation", every(), ids=name_of)


def willing(operation: samples.AnyOperation) -> Facts:
    """Arguments with which the call is really sent."""
    confirm: Facts = {"confirm": True} if operation.can_destroy() else {}
    return samples.required(operation) | confirm | ({"confirm_name": "x"} if operation.spec.by_name else {})


def echoes(key: str) -> dict[str, httpx2.Response]:
    """Answers that hold the key everywhere an answer can hold something."""
    more = {"data": key, "reason": key, "error": {"issues": [{"path": [key], "message": f"bad {key}"}]}, "body": key}
    said = f"API key {key} may not do this"
    row: Facts = dict.fromkeys(("id", "app_id", "name", "status", "message", "comment", "key", "custom_id"), key)
    return {
        "message": httpx2.Response(400, json={"error": "some_refusal", "message": said}),
        "code": httpx2.Response(400, json={"error": key, "message": "no"}),
        "status text": httpx2.Response(401, json={"status": said}),
        "moreInfo": httpx2.Response(400, json={"error": "invalid_body", "message": "no", "moreInfo": more}),
        "known code": httpx2.Response(401, json={"error": "invalid_apikey", "message": said, "moreInfo": more}),
        "server fault": httpx2.Response(500, json={"error": "internal_error", "message": said}),
        "headers": httpx2.Response(
            403, json={"error": "x"}, headers={"x-request-id": key, "retry-after": key, "authorization": key}
        ),
        "redirect": httpx2.Response(307, headers={"location": f"https://elsewhere.example.com/?key={key}"}),
        "row": httpx2.Response(200, json=row),
        "rows": httpx2.Response(200, json=[row]),
        "envelope": httpx2.Response(200, json={"data": [row], "nextCursor": key}),
        "embedded": httpx2.Response(200, json={"name": f"x{key}y", "comment": key.upper()}),
        "names": httpx2.Response(200, json={key: key, "stats_24h": {key: 1}}),
        "raw": httpx2.Response(200, text=key),
    }


def answering_with(response: httpx2.Response) -> httpx2.MockTransport:
    """An upstream that gives a copy of this answer to everything."""
    return httpx2.MockTransport(
        lambda _: httpx2.Response(response.status_code, content=response.content, headers=response.headers)
    )


KINDS: Final = tuple(echoes(""))


ECHOED: Final = ("capgo_get_app", "capgo_list_devices", "capgo_set_channel", "capgo_delete_app", "capgo_get_webhook")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tool", ECHOED)
async def test_a_key_that_capgo_echoes_stays_here(tool: str, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """An upstream that puts the key into its answer does not get it to the agent, nor into the log."""
    caplog.set_level(logging.DEBUG, "capgo_mcp")
    async with desk(key=KEY, inner=answering_with(echoes(KEY)[kind]), reveal_secrets=True) as here:
        operation = named(tool)
        for arguments in (samples.required(operation), willing(operation)):
            result = await here.call(tool, arguments)
            assert KEY not in result.model_dump_json()
    assert KEY not in caplog.text


@each
async def test_no_tool_passes_an_echoed_key_on(operation: samples.AnyOperation) -> None:
    """The same for every tool, all ways of echoing in one test."""
    leaks = []
    for kind in KINDS:
        async with desk(key=KEY, inner=answering_with(echoes(KEY)[kind])) as here:
            if KEY in (await here.call(operation.spec.name, willing(operation))).model_dump_json():
                leaks.append(kind)
    assert leaks == []


@pytest.mark.parametrize("kind", KINDS)
async def test_a_legacy_key_that_capgo_echoes_stays_here(kind: str) -> None:
    """A key of another form is recognised as well."""
    async with desk(key=LEGACY, inner=answering_with(echoes(LEGACY)[kind])) as here:
        result = await here.call("capgo_get_app", {"app_id": DEMO_APP})
    assert LEGACY not in result.model_dump_json()


def _raising(error: Exception) -> Callable[[httpx2.Request], httpx2.Response]:
    def fail(_: httpx2.Request) -> httpx2.Response:
        raise error

    return fail


FAILURES: Final[dict[str, Exception]] = {
    "connect": httpx2.ConnectError(f"no route for {KEY}"),
    "read": httpx2.ReadError(KEY),
    "protocol": httpx2.RemoteProtocolError(KEY),
    "bug": RuntimeError(f"bug with {KEY}"),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES.keys())
async def test_errors_and_tracebacks_do_not_show_the_key(failure: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """What is raised and logged when a request fails names no header; local variables are not printed."""
    caplog.set_level(logging.DEBUG)
    plain = type(failure)("it failed")
    async with Capgo(KEY, url=URL, transport=httpx2.MockTransport(_raising(plain)), timeout=0.5) as capgo:
        with pytest.raises((CapgoError, RuntimeError)) as caught:
            await capgo.send(GetApp(app_id=DEMO_APP))
    assert KEY not in "".join(traceback.format_exception(caught.value)) + repr(caught.value) + caplog.text


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES.keys())
async def test_a_failure_that_holds_the_key_stays_here(failure: Exception) -> None:
    """Whatever text a failed request carries, the agent does not see it."""
    async with desk(key=KEY, inner=httpx2.MockTransport(_raising(failure))) as here:
        result = await here.call("capgo_get_app", {"app_id": DEMO_APP})
    assert result.is_error
    assert KEY not in text(result)


def test_no_representation_shows_the_key(tmp_path: Path) -> None:
    """Neither a client nor settings nor a source of keys shows the key when printed."""
    file = tmp_path / "key"
    file.write_text(KEY, encoding="utf-8")
    shown = [
        Capgo(KEY),
        StaticKey(KEY),
        KeyFile(file),
        Settings(key=StaticKey(KEY)),
        Settings(key=KeyFile(file)).connect(),
    ]
    assert not [thing for thing in shown if KEY in repr(thing) or KEY in str(thing)]


WRONG_KEYS: Final = (f"{KEY} {KEY}", f"{KEY}\u00e9", f"{KEY}\n{KEY}", f"\x00{KEY}")


@pytest.mark.parametrize("key", WRONG_KEYS, ids=ascii)
async def test_an_unusable_key_is_not_repeated(key: str) -> None:
    """The error about a key that cannot be one does not quote it."""
    async with desk(key=key, inner=answering(200, {})) as here:
        said = await here.error("capgo_get_app", app_id=DEMO_APP)
        assert KEY not in said
        assert here.wire.seen == []


@each
async def test_the_key_travels_in_one_header_only(operation: samples.AnyOperation) -> None:
    """Each request carries the key in `authorization` and nowhere else."""
    async with desk() as here:
        await here.call(operation.spec.name, willing(operation))
        for request in here.wire.seen:
            holding = [name for name, value in request.headers.items() if ADMIN_KEY in value]
            assert holding == ["authorization"]
            assert ADMIN_KEY not in f"{request.url} {request.content.decode()}"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    """Another address that an answer names never gets a request."""
    async with desk(inner=answering(status, {}, location="https://elsewhere.example.com/")) as here:
        await here.error("capgo_get_app", app_id=DEMO_APP)
        assert {request.url.host for request in here.wire.seen} == {"sandbox.invalid"}


@pytest.mark.parametrize("reveal", [False, True])
@pytest.mark.parametrize("envelope", [None, "data"])
async def test_a_new_key_is_masked_unless_settings_say_otherwise(*, reveal: bool, envelope: str | None) -> None:
    """`create_api_key` shows the key it made only under `--reveal-secrets`."""
    row = {"id": 9, "name": "new", "key": NEW_KEY}
    body = {envelope: row} if envelope else row
    async with desk(inner=answering(200, body), reveal_secrets=reveal) as here:
        result = await here.call("capgo_create_api_key", {"name": "new"})
    assert (NEW_KEY in text(result)) == (NEW_KEY in json.dumps(result.structured_content)) == reveal
    assert result.structured_content is not None
    assert result.structured_content["result"]["key"] == (
        NEW_KEY if reveal else "(hidden; start the server with --reveal-secrets to see it)"
    )


@pytest.mark.parametrize("tool", ["capgo_list_api_keys", "capgo_get_api_key"])
async def test_listed_keys_are_masked(tool: str) -> None:
    """A key that Capgo tells in a list or a record is masked, even when its field is asked for."""
    row = {"id": 9, "name": "new", "key": NEW_KEY, "created_at": "2026-11-01T00:00:00Z"}
    async with desk(inner=answering(200, [row] if "list" in tool else row)) as here:
        for fields in ({}, {"fields": ["key"]}):
            given = {"api_key_id": 9} if "get" in tool else {}
            assert NEW_KEY not in text(await here.call(tool, given | fields))


class _Faulty(BaseHTTPRequestHandler):
    """Answers one fault after the other, each with the key in it."""

    turn = 0

    def _answer(self) -> None:
        faults = list(echoes(KEY).values())
        fault = faults[_Faulty.turn % len(faults)]
        _Faulty.turn += 1
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send_response(fault.status_code)
        for name in ("x-request-id", "location"):
            if name in fault.headers:
                self.send_header(name, fault.headers[name])
        self.send_header("content-length", str(len(fault.content)))
        self.end_headers()
        self.wfile.write(fault.content)

    do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - the names are the standard library's

    def log_message(self, *_: Any) -> None:
        """Stay silent."""


@contextmanager
def faulty_upstream() -> Iterator[str]:
    """A Capgo on this machine that answers nothing but faults."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Faulty) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def session() -> Iterator[Facts]:
    """What a client sends in a session that calls every tool."""
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    yield {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": hello}
    yield {"jsonrpc": "2.0", "method": "notifications/initialized"}
    for number, operation in enumerate(every(), 1):
        call = {"name": operation.spec.name, "arguments": willing(operation)}
        yield {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": call}


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")
def test_a_process_writes_the_key_nowhere(tmp_path: Path) -> None:
    """A session full of faults: nothing on stdout, stderr, in the journal or in the command line holds the key."""
    journal = tmp_path / "journal"
    program = [sys.executable, "-m", "capgo_mcp", "--toolsets", "all", "--log-level", "DEBUG", "--timeout", "1"]
    with faulty_upstream() as url:
        environment = {"CAPGO_API_KEY": f' "{KEY}" ', "CAPGO_API_URL": url, "PYTHONFAULTHANDLER": "1"}
        pipe = subprocess.PIPE
        with child(
            [*program, "--journal", str(journal)], stdin=pipe, stdout=pipe, stderr=pipe, env=environment, text=True
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            for message in session():
                process.stdin.write(json.dumps(message) + "\n")
            process.stdin.flush()
            answered = [process.stdout.readline() for _ in range(len(every()) + 1)]
            command = Path(f"/proc/{process.pid}/cmdline").read_bytes().decode()
            out, err = process.communicate(timeout=GENEROUS)
    assert len([line for line in answered if '"result"' in line]) == len(every()) + 1
    written = {"stdout": "".join(answered) + out, "stderr": err, "command": command, "journal": journal.read_text()}
    assert [place for place, told in written.items() if KEY in told] == []


async def test_the_secret_of_a_webhook_is_never_told(tmp_path: Path) -> None:
    """Neither the answer that Capgo gives it in nor the journal has it, even where secrets may be shown."""
    journal = tmp_path / "journal"
    given = {"org_id": LIGHTHOUSE, "name": "Bell", "url": "https://hooks.example.com/2", "events": ["apps"]}
    async with desk(reveal_secrets=True, journal=journal) as here:
        created = await here.call("capgo_create_webhook", {**given, "confirm": True})
        webhook = (created.structured_content or {})["result"]["id"]
        where = {"org_id": LIGHTHOUSE, "webhook_id": webhook}
        changed = await here.call("capgo_update_webhook", {**where, "name": "Other"})
        listed = await here.call("capgo_list_webhooks", {"org_id": LIGHTHOUSE})
        secret = here.state.webhooks[webhook]["secret"]
    assert here.state.webhooks[webhook]["name"] == "Other"
    assert not any(secret in text(one) for one in (created, changed, listed))
    assert secret not in journal.read_text(encoding="utf-8")
