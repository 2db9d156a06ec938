"""A build's log is read once the build has ended, to its end, and its last lines are told."""

from typing import Any, Final

import httpx2
import pytest

from capgo_mcp.client.capgo import Capgo
from capgo_mcp.operations.builds import GetBuildLogs
from capgo_mcp.sandbox import ADMIN_KEY
from capgo_mcp.sandbox.seed.people import DEMO_APP
from tests.support.safety import URL, desk

FAILED: Final = "b1d0c0de-0000-4000-8000-000000000002"
LOGS: Final[dict[str, Any]] = {"app_id": DEMO_APP, "job_id": FAILED}


async def test_the_last_lines_tell_why_a_build_failed() -> None:
    """The end of the log is what says so, and as many lines as were asked for."""
    async with desk() as here:
        whole = await here.facts("capgo_get_build_logs", **LOGS)
        last = await here.facts("capgo_get_build_logs", **LOGS, limit=1)
    assert whole["result"]["lines"][0] == "Cloning the sources"
    assert last["result"]["lines"] == whole["result"]["lines"][-1:] == ["Keystore password is wrong"]


async def test_a_status_is_asked_for_once() -> None:
    """Each time it is asked for, Capgo bills: so not once more than it takes."""
    async with desk() as here:
        await here.facts("capgo_get_build_logs", **LOGS)
        assert [request.url.path for request in here.wire.seen] == ["/build/status", f"/build/logs/{FAILED}"]


@pytest.mark.parametrize("status", ["running", "queued", "pending", "something new", None])
async def test_a_log_is_read_only_of_what_has_ended(status: str | None) -> None:
    """Also a client in Python cancels no build, whatever word Capgo has for its state."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        assert request.url.path == "/build/status"
        return httpx2.Response(200, json={"job_id": FAILED, "status": status})

    async with Capgo(ADMIN_KEY, url=URL, transport=httpx2.MockTransport(answer)) as capgo:
        with pytest.raises(Exception, match="build_not_ended"):
            await capgo.send(GetBuildLogs(**LOGS))


async def test_a_long_log_is_read_to_its_end_and_told_by_its_end() -> None:
    """Ten megabytes pass by, a few kilobytes stay: nobody leaves the stream before it is over."""
    left = 200_000

    async def stream() -> Any:
        nonlocal left
        while left:
            left -= 1
            yield f"data: line {left} {'x' * 40}\n\n".encode()

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/build/status":
            return httpx2.Response(200, json={"job_id": FAILED, "status": "failed"})
        return httpx2.Response(200, content=stream(), headers={"content-type": "text/event-stream; charset=utf-8"})

    async with desk(inner=httpx2.MockTransport(answer)) as here:
        lines = (await here.facts("capgo_get_build_logs", **LOGS, limit=1000))["result"]["lines"]
    assert left == 0
    assert lines[-1].startswith("line 0 ")
    assert sum(map(len, lines)) <= 20_000


async def test_a_log_never_tells_the_key() -> None:
    """A line that holds the key is hidden whole."""
    stream = f"data: one\n\ndata: using {ADMIN_KEY}\n\n".encode()

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/build/status":
            return httpx2.Response(200, json={"job_id": FAILED, "status": "failed"})
        return httpx2.Response(200, content=stream, headers={"content-type": "text/event-stream"})

    async with desk(inner=httpx2.MockTransport(answer)) as here:
        answered = await here.facts("capgo_get_build_logs", **LOGS)
    assert answered["result"]["lines"] == ["one", "(the API key)"]


async def test_a_store_page_is_told_without_its_picture() -> None:
    """Name, ids and where the icon is, not the icon itself; other addresses never reach Capgo."""
    page = "https://play.google.com/store/apps/details?id=com.demo.app"
    async with desk() as here:
        told = await here.facts("capgo_get_store_metadata", url=page)
        refused = await here.error("capgo_get_store_metadata", url="https://example.com/apps/com.demo.app")
        assert len(here.wire.seen) == 1
    assert told["name"] == "Demo app"
    assert told["icon_url"]
    assert "base64" not in str(told)
    assert refused.startswith("[invalid_arguments]")
