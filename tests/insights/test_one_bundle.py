"""One bundle by its name or id, whichever Capgo answers."""

from typing import Any, Final

import httpx2
import pytest

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.client.reads import FARTHEST
from capgo_mcp.operations.bundles import ListBundles
from capgo_mcp.sandbox import State
from capgo_mcp.sandbox.seed.people import DEMO_APP
from tests.support.keys import KEY
from tests.support.safety import desk, unlimited

TOOL: Final = "capgo_get_bundle"
OLDEST: Final = "1.0.0"


@pytest.fixture(params=Behaviour, ids=lambda behaviour: behaviour.value)
def state(request: pytest.FixtureRequest) -> State:
    """A sandbox that leaves out what was not asked for, and one that does not."""
    seeded = unlimited()
    seeded.behaviour = request.param
    return seeded


def number(state: State, name: str) -> int:
    """The id of a bundle."""
    return int((state.bundle_named(DEMO_APP, name) or {})["id"])


@pytest.mark.parametrize("name", ["2.3.0", "2.2.8", OLDEST])
async def test_a_bundle_is_found_by_name_and_by_id(state: State, name: str) -> None:
    """New or old, it is the right one, and neither a name nor an id of another one is taken for it."""
    async with desk(state=state) as here:
        by_name = await here.facts(TOOL, app_id=DEMO_APP, version=name)
        by_id = await here.facts(TOOL, app_id=DEMO_APP, version_id=number(state, name))
        both = await here.facts(TOOL, app_id=DEMO_APP, version=name, version_id=number(state, name))
        listed = await here.facts("capgo_list_bundles", app_id=DEMO_APP, version=name)
        said = await here.error(TOOL, app_id=DEMO_APP, version="2.2.7", version_id=number(state, name))
    assert by_name == by_id == both
    assert by_name["name"] == name
    assert [row["name"] for row in listed["items"]] == [name]
    assert "next" not in listed
    assert said.startswith("[bundle_not_found]")


async def test_one_request_is_enough_where_capgo_knows_the_filter(state: State) -> None:
    """An older Capgo is walked until the bundle is there, and no farther."""
    requests = {}
    for name in ("2.3.0", OLDEST):
        async with desk(state=state) as here:
            await here.facts(TOOL, app_id=DEMO_APP, version=name)
            requests[name] = len(here.wire.seen)
    july = state.behaviour is Behaviour.JULY
    assert requests == {"2.3.0": 1, OLDEST: 3 if july else 1}


@pytest.mark.parametrize("wanted", [{"version": "9.9.9"}, {"version": "2.1.5"}, {"version_id": 99_999}], ids=str)
@pytest.mark.parametrize("app", [DEMO_APP, "com.lighthouse.notes"])
async def test_a_bundle_that_is_not_there_is_not_found(state: State, wanted: dict[str, Any], app: str) -> None:
    """Nor is one that was deleted; as a list it is empty, and no error."""
    async with desk(state=state) as here:
        said = await here.error(TOOL, app_id=app, **wanted)
        assert said.startswith("[bundle_not_found]")
        assert (await here.facts("capgo_list_bundles", app_id=app, **wanted))["items"] == []


async def test_a_name_or_an_id_must_be_given() -> None:
    """Otherwise nothing is asked of Capgo."""
    async with desk() as here:
        assert "give version or version_id" in await here.error(TOOL, app_id=DEMO_APP)
        assert here.wire.seen == []


async def test_what_opens_or_proves_a_bundle_is_not_shown(state: State) -> None:
    """Only that it is signed and encrypted; where Capgo does not tell, nothing is said."""
    row = state.bundle_named(DEMO_APP, "2.3.0") or {}
    row |= {"session_key": "iv:opens-it", "signature": "0f" * 256, "manifest_signature": None}
    async with desk(state=state) as here:
        told = await here.facts(TOOL, app_id=DEMO_APP, version="2.3.0", fields=["key_id"])
        other = await here.facts(TOOL, app_id=DEMO_APP, version=OLDEST)
    assert (told["signed"], told["encrypted"]) == (True, True)
    assert other["encrypted"] is False
    assert "opens-it" not in str(told)
    assert "0f0f" not in str(told)


async def test_the_whole_list_of_an_older_capgo_is_looked_through() -> None:
    """The bundle may be the last of many; a host that never ends its list is not walked for ever."""
    pages: list[str] = []

    def endless(request: httpx2.Request) -> httpx2.Response:
        page = int(request.url.params.get("page", 0))
        pages.append(request.url.params["version"])
        return httpx2.Response(200, json=[{"id": page * 50 + row, "name": f"1.{page}.{row}"} for row in range(50)])

    async with desk(inner=httpx2.MockTransport(endless)) as here:
        assert (await here.facts(TOOL, app_id=DEMO_APP, version="1.99.7"))["id"] == 99 * 50 + 7
        assert len(pages) == 100
        pages.clear()
        assert (await here.error(TOOL, app_id=DEMO_APP, version="2.0.0")).startswith("[bundle_not_found]")
    assert len(pages) == FARTHEST / 50
    assert set(pages) == {"2.0.0"}


async def test_filters_are_sent_as_capgo_spells_them() -> None:
    """The id by the name `id`."""
    seen: list[dict[str, str]] = []

    def none(request: httpx2.Request) -> httpx2.Response:
        seen.append(dict(request.url.params))
        return httpx2.Response(200, json=[])

    async with Capgo(KEY, url="http://sandbox.invalid", transport=httpx2.MockTransport(none)) as capgo:
        await capgo.send(ListBundles(app_id=DEMO_APP, version="1.0.0", version_id=7))
    assert seen == [{"app_id": DEMO_APP, "version": "1.0.0", "id": "7"}]


async def test_only_a_removed_package_keeps_a_plan_from_no_one(state: State) -> None:
    """A plan tells of it without a warning: an app may have more than a bundle needs."""
    row = state.bundle_named(DEMO_APP, "2.3.0") or {}
    former = state.bundle_named(DEMO_APP, "2.2.8") or {}
    row["native_packages"] = former["native_packages"][:-1]
    async with desk(state=state) as here:
        plan = await here.facts("capgo_plan_release", app_id=DEMO_APP, version="2.3.0", channel="production")
    native = [reason for reason in plan["reasons"] if "Natively it removes" in reason["what"]]
    assert [reason["says"] for reason in native] == ["go"]
