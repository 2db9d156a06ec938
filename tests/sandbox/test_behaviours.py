"""The sandbox answers as Capgo did in July, or as it does in November."""

from collections.abc import Callable
from typing import Any

import pytest

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.sandbox import ADMIN_KEY, DEVELOPER_KEY, seeded
from capgo_mcp.sandbox.rights import binding
from capgo_mcp.sandbox.rows import new_org
from tests.support.caller import APP, Caller, code
from tests.support.recorded_world import Clock

JULY, NOVEMBER = Behaviour.JULY, Behaviour.NOVEMBER
Answers = Callable[[str, Any], Any]


@pytest.fixture(params=Behaviour, ids=lambda behaviour: behaviour.value)
def caller(request: pytest.FixtureRequest, clock: Clock) -> Caller:
    """A caller of a sandbox of each behaviour."""
    return Caller(seeded(clock, request.param))


def is_july(caller: Caller) -> bool:
    """Whether the sandbox behaves as in July."""
    return caller.state.behaviour is JULY


async def _set(caller: Caller, channel: str, key: str = ADMIN_KEY, **sent: Any) -> Any:
    answer = await caller.ask("POST /channel", {"app_id": APP, "channel": channel, **sent}, key=key)
    return answer.json() if answer.is_success else code(answer)


async def test_pages_overlap_or_follow_each_other(caller: Caller) -> None:
    """Pages of channels and bundles hold fifty rows; in July all but the first ran on into the next ones."""
    for path, sizes in (("GET /bundle", [50, 74, 24]), ("GET /channel", [50, 7, 0])):
        pages = [(await caller.ask(path, {"app_id": APP, "page": page})).json() for page in (0, 1, 2)]
        following = sizes if is_july(caller) else [min(size, 50) for size in sizes]
        assert [len(page) for page in pages] == following


@pytest.mark.parametrize("page", ["-1", "x", "", "0.9", "1e999"])
async def test_a_page_that_is_none_is_the_first(clock: Clock, page: str) -> None:
    """What is no page number, or a negative one, gives the first page."""
    caller = Caller(seeded(clock, NOVEMBER))
    first = await caller.ask("GET /bundle", {"app_id": APP})
    assert (await caller.ask("GET /bundle", {"app_id": APP, "page": page})).json() == first.json()


async def test_an_empty_page_of_bundles_is_an_error_or_empty(caller: Caller) -> None:
    """Past the end there is nothing, and in July that was an error."""
    answer = await caller.ask("GET /bundle", {"app_id": APP, "page": 90})
    if is_july(caller):
        assert code(answer) == (400, "cannot_get_bundle")
    else:
        assert (answer.status_code, answer.json()) == (200, [])


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"version": "2.2.8"}, ["2.2.8"]),
        ({"version": "2.2.8", "page": 7}, ["2.2.8"]),
        ({"version": "2.2"}, []),
        ({"version": "2.1.5"}, []),
        ({"id": "1"}, ["1.0.0"]),
        ({"id": "1", "version": "2.2.8"}, []),
    ],
)
async def test_a_bundle_is_found_by_name_or_id(caller: Caller, query: dict[str, Any], names: list[str]) -> None:
    """The filters find the one bundle that matches exactly; July did not know them and gave the first page."""
    answer = await caller.ask("GET /bundle", {"app_id": APP, **query})
    if not is_july(caller):
        assert [row["name"] for row in answer.json()] == names
    elif "page" not in query:
        assert len(answer.json()) == 50


@pytest.mark.parametrize("query", [{"version": ""}, {"id": "abc"}, {"id": ""}, {"id": "0"}, {"id": "1.5"}])
async def test_filters_of_bundles_are_checked(caller: Caller, query: dict[str, str]) -> None:
    """A filter that can match nothing is refused, where it is known."""
    answer = await caller.ask("GET /bundle", {"app_id": APP, **query})
    assert answer.status_code == 200 if is_july(caller) else code(answer) == (400, "invalid_query")


async def test_organizations_have_a_second_page_or_none(caller: Caller) -> None:
    """Organizations after the fiftieth are on further pages, which July refused to give."""
    key = caller.state.keys[1]
    for number in range(55):
        org = new_org(caller.state, f"Org {number}", key["user_id"])
        caller.state.orgs[org["id"]] = org
        key["bindings"].append(binding("org_member", org["id"]))
    assert len((await caller.ask("GET /organization")).json()) == 50
    second = await caller.ask("GET /organization", {"page": 1})
    if is_july(caller):
        assert code(second) == (400, "invalid_body")
    else:
        assert len(second.json()) == 7
    assert code(await caller.ask("GET /organization", {"page": "two"})) == (400, "invalid_body")


async def test_devices_are_found_by_their_custom_id(caller: Caller) -> None:
    """The filter gives the devices with exactly this id, and July gave them all."""
    for custom_id, found in (("mira-iphone", 1), (" mira-iphone ", 1), ("mira", 0)):
        answer = await caller.ask("GET /device", {"app_id": APP, "custom_id": custom_id})
        assert len(answer.json()["data"]) == (50 if is_july(caller) else found)
    for wrong in (" ", "x" * 37):
        answer = await caller.ask("GET /device", {"app_id": APP, "custom_id": wrong})
        assert answer.is_success if is_july(caller) else code(answer) == (400, "invalid_custom_id")


async def test_publishing_a_channel_needs_a_right_of_the_app(caller: Caller) -> None:
    """Whoever may make channels may not make one the default, which nobody looked at in July."""
    made = await _set(caller, "fresh", DEVELOPER_KEY, public=True)
    assert made == ({"status": "ok"} if is_july(caller) else (400, "cannot_access_app"))
    assert await _set(caller, "other", DEVELOPER_KEY, public=False) == {"status": "ok"}


async def test_a_channel_tells_more_than_it_did(caller: Caller) -> None:
    """Platforms and kind of download are told, but for Electron; in July none of them was."""
    channel = (await caller.ask("GET /channel", {"app_id": APP, "channel": "production"})).json()
    assert channel.keys() & {"ios", "android", "electron", "updatePackage"} == (
        set() if is_july(caller) else {"ios", "android", "updatePackage"}
    )


@pytest.mark.parametrize(("kind", "refused"), [("zip", False), ("delta", True), ("delta_from_builtin", True)])
async def test_a_bundle_must_offer_what_its_channel_gives(caller: Caller, kind: str, refused: bool) -> None:
    """A channel that gives differences takes no bundle without them; July did not store the kind at all."""
    answer = await _set(caller, "production", updatePackage=kind)
    if is_july(caller):
        assert answer == {"status": "ok"}
        assert caller.state.channels[1]["update_package"] == "all"
    else:
        assert answer == ((400, "channel_delta_required") if refused else {"status": "ok"})


async def test_a_bundle_without_differences_is_refused_by_both_writes(clock: Clock) -> None:
    """By its name and by its id alike, and as the bundle of a rollout too."""
    caller = Caller(seeded(clock, NOVEMBER))
    state = caller.state
    state.bundles[state.channels[1]["version"]]["manifest_count"] = 4
    assert await _set(caller, "production", updatePackage="delta") == {"status": "ok"}
    by_id = await caller.ask("PUT /bundle", {"app_id": APP, "version_id": 1, "channel_id": 1})
    refusals = [code(by_id), await _set(caller, "production", version="1.0.0")]
    refusals.append(await _set(caller, "production", rolloutVersion="2.3.0"))
    assert refusals == [(400, "channel_delta_required")] * 3
    assert await _set(caller, "production", updatePackage="what") == (400, "invalid_update_package")


async def test_a_deploy_ends_a_rollout_or_leaves_it(caller: Caller) -> None:
    """A write of the stable bundle, by id too, ends a rollout and draws its devices anew; July left it alone."""
    staging = caller.state.channel_named(APP, "staging") or {}
    drawn, target = staging["rollout_id"], staging["rollout_version"]
    await caller.ask("PUT /bundle", {"app_id": APP, "version_id": 1, "channel_id": staging["id"]})
    left = (staging["version"], staging["rollout_version"], staging["rollout_id"] == drawn)
    assert left == ((1, target, True) if is_july(caller) else (1, None, False))


async def test_keys_can_be_asked_for_by_who_shares_them(caller: Caller) -> None:
    """Since July, by organization or by whether they are shared at all; an id that is none is refused."""
    shared = (await caller.ask("GET /apikey", {"shared": "true"})).json()
    assert len(shared) == (len(caller.state.keys) if is_july(caller) else 1)
    wrong = await caller.ask("GET /apikey", {"owner_org_id": "x"})
    assert wrong.is_success if is_july(caller) else code(wrong) == (400, "invalid_owner_org_id")


async def test_an_app_tells_who_began_it(caller: Caller) -> None:
    """Since July, with their e-mail address, in a list and alone."""
    alone = (await caller.ask(f"GET /app/{APP}")).json()
    listed = (await caller.ask("GET /app")).json()[0]
    for app in (alone, listed):
        assert ("email" in app.get("onboarding", {})) is not is_july(caller)


async def test_native_usage_grew(caller: Caller) -> None:
    """Since July it tells the active devices of each day by platform too, and they add up."""
    period = {"from": "2026-11-01", "to": "2026-11-03"}
    answer = (await caller.ask(f"GET /statistics/app/{APP}/native_usage", period)).json()
    assert ("dailyPlatformActive" in answer) is not is_july(caller)
    if not is_july(caller):
        daily = answer["dailyPlatformActive"]
        assert daily["labels"] == ["2026-11-01", "2026-11-02", "2026-11-03"]
        parts = zip(*(daily[name] for name in ("android", "ios", "electron", "unknown")), strict=True)
        assert [sum(day) for day in parts] == daily["total"]
