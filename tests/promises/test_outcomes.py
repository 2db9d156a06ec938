"""`done` means that Capgo said so: whatever else an answer is, the agent hears that nobody knows, and reads back."""

from collections.abc import Iterator
from typing import Any, Final

import anyio
import httpx2
import pytest

from capgo_mcp.api.errors import CapgoError, Unreachable
from capgo_mcp.api.operation import Effect, Operation
from capgo_mcp.catalog import every_tool
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.operations import every
from capgo_mcp.operations.apps import GetApp
from tests.support import faulty as f
from tests.support import samples
from tests.support.keys import KEY
from tests.support.safety import answering, desk, failing_reads, name_of

AGAINST: Final = "a gateway or a page that answers in Capgo's place"
HOLDS: Final = ("No second write", "A write is never sent twice")
ATTACKER: Final = "a host in Capgo's place"
ASSET: Final = "what is decided"
LEAVES: Final = ("Capgo is believed",)

WRITES: Final = [one for one in every() if one.spec.effect is not Effect.READ]
NO_SUCCESS: Final[list[Any]] = [
    {},
    None,
    [],
    "ok",
    {"message": "Please log in"},
    {"status": "KO"},
    {"status": "KO", "error": "Cannot delete"},
    {"status": "error"},
    {"status": "KO", "error": "cannot_access_app", "id": 1},
    {"error": "cannot_access_app", "message": "No"},
    {"data": {}},
    {"id": None},
]


@pytest.mark.parametrize("operation", WRITES, ids=name_of)
@pytest.mark.parametrize("body", NO_SUCCESS, ids=str)
async def test_a_write_without_a_word_of_success_is_not_done(operation: type[Operation[Any]], body: Any) -> None:
    """HTTP status 200 alone is what a page to sign in has as well."""
    transport = answering(200, body)
    async with Capgo(KEY, url="http://sandbox.invalid", transport=transport) as capgo:
        with pytest.raises(CapgoError) as caught:
            await capgo.send(operation.model_validate(samples.required(operation)))
    assert "may have happened or not" in str(caught.value)
    assert "read back" in caught.value.hint


@pytest.mark.parametrize("body", [{"error": "cannot_access_app", "message": "No"}, {"status": "KO", "error": "Denied"}])
async def test_a_read_that_says_refused_is_refused(body: Any) -> None:
    """An old Capgo does so with status 200; nothing is read from such an answer."""
    async with Capgo(KEY, url="http://sandbox.invalid", transport=answering(200, body)) as capgo:
        with pytest.raises(CapgoError):
            await capgo.send(GetApp(app_id="com.demo.app"))


@pytest.mark.parametrize("operation", WRITES, ids=name_of)
@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
async def test_a_redirected_write_is_not_known(operation: type[Operation[Any]], status: int) -> None:
    """What redirects may have passed it on before."""
    transport = httpx2.MockTransport(lambda _: httpx2.Response(status, headers={"location": "/elsewhere"}))
    async with Capgo(KEY, url="http://sandbox.invalid", transport=transport) as capgo:
        with pytest.raises(CapgoError, match="redirect") as caught:
            await capgo.send(operation.model_validate(samples.required(operation)))
    assert caught.value.hint.startswith("The change may have happened or not: read back first.")


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that refuses connections."""
    with f.closed_port() as port:
        yield port


@pytest.mark.parametrize("seconds", [0.05, 1.0])
async def test_many_refused_writes_at_once_sent_nothing(closed_port: int, seconds: float) -> None:
    """Also where the time of the call is over before the connection was refused."""
    errors: list[CapgoError] = []

    async def write(capgo: Capgo, operation: type[Operation[Any]]) -> None:
        with pytest.raises(CapgoError) as caught:
            await capgo.send(operation.model_validate(samples.required(operation)))
        errors.append(caught.value)

    url = f"http://localhost:{closed_port}"
    async with Capgo(KEY, url=url, timeout=seconds, rate=1e9) as capgo, anyio.create_task_group() as tasks:
        for number in range(50):
            tasks.start_soon(write, capgo, WRITES[number % len(WRITES)])
    assert len(errors) == 50
    assert {type(error) for error in errors} == {Unreachable}
    assert all("nothing was sent" in error.sentence for error in errors)


async def test_what_is_not_known_names_the_tools_to_read_back_with() -> None:
    """So that an agent does not repeat the change."""
    async with desk(inner=failing_reads(answering(200, {}), lambda: httpx2.Response(403, json={}))) as here:
        said = await here.error("capgo_set_channel", app_id="com.demo.app", channel="beta", version="2.2.7")
    assert "Read back with capgo_list_channels or capgo_get_channel." in said


ODD: Final[list[Any]] = [
    [None],
    ["x"],
    [1, {"date": 7}],
    [[{}]],
    {"global": [3], "byApp": [3]},
    {"labels": [1], "datasets": [[]]},
    {"labels": ["d", "e"], "datasets": [{"data": {}, "metaCounts": "x"}]},
    {"data": [7], "nextCursor": []},
]


@pytest.mark.parametrize("body", ODD, ids=str)
@pytest.mark.parametrize("tool", every_tool(), ids=lambda tool: tool.spec.name)
async def test_no_kind_of_value_breaks_the_server(tool: samples.AnyTool, body: Any) -> None:
    """What cannot be read is told as that, and not as a failure inside."""
    async with desk(inner=answering(200, body)) as here:
        assert "[internal_error]" not in str(await here.call(tool.spec.name, samples.required(tool)))
