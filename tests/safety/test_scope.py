"""Read-only mode, the locks and the choice of tools compose, and no call gets past them."""

from itertools import product
from typing import Any, Final

import mcp_types as t
import pytest
from mcp import Client, MCPError

from capgo_mcp.api.operation import Effect
from capgo_mcp.client.key import StaticKey
from capgo_mcp.config.settings import Settings
from capgo_mcp.operations import DEFAULT, every, toolset
from capgo_mcp.sandbox import ADMIN_KEY
from capgo_mcp.sandbox.seed.people import DEMO_APP, HARBOR, LIGHTHOUSE, NOTES_APP, RIDER_APP
from capgo_mcp.server.selection import chosen
from tests.support import samples
from tests.support.faulty import VirtualClock
from tests.support.safety import Facts, answering, desk, name_of, serving

AGAINST: Final = "an agent that was talked into more than it may"
HOLDS: Final = ("Limits", "You set the limits")
ATTACKER: Final = "the agent"
ASSET: Final = "the account"

OPERATIONS: Final = {operation.spec.name: operation for operation in every()}
DEFAULTS: Final = frozenset(map(toolset, DEFAULT))
EXCLUDED: Final = frozenset({"capgo_list_devices", "capgo_delete_app", "capgo_set_channel"})
COMBINATIONS: Final = [
    {"read_only": read_only, "app": app, "org": org, "toolsets": toolsets, "excluded": excluded}
    for read_only, app, org, toolsets, excluded in product(
        (False, True),
        (None, DEMO_APP),
        (None, LIGHTHOUSE),
        (DEFAULTS, samples.ALL_TOOLSETS, frozenset({"channels", "webhooks"})),
        (frozenset(), EXCLUDED),
    )
]


def label(settings: Facts) -> str:
    """A combination, for the name of a test."""
    size = {len(DEFAULTS): "default", len(samples.ALL_TOOLSETS): "all"}.get(len(settings["toolsets"]), "two")
    return "-".join([size, *(name for name in ("read_only", "app", "org", "excluded") if settings[name])])


combined = pytest.mark.parametrize("settings", COMBINATIONS, ids=label)


@combined
async def test_the_choices_compose(settings: Facts) -> None:
    """A tool is there exactly if each of the settings leaves it in."""
    wanted = set()
    for name, operation in OPERATIONS.items():
        fields = operation.model_fields.keys()
        inside_org = not settings["org"] or fields & {"org_id", "owner_org", "app_id"}
        if (
            operation.spec.toolset in settings["toolsets"]
            and name not in settings["excluded"]
            and (operation.spec.effect is Effect.READ or not settings["read_only"])
            and ("app_id" in fields or not settings["app"])
            and ("owner_org" not in fields or not settings["app"] or settings["org"])
            and inside_org
        ):
            wanted.add(name)
    async with desk(**settings) as here:
        assert set(here.tools) & OPERATIONS.keys() == wanted
        assert [name for name in OPERATIONS if name in here.tools] == [name for name in OPERATIONS if name in wanted]


@combined
def test_a_locked_argument_is_in_no_schema(settings: Facts) -> None:
    """Neither among the properties nor among what is required."""
    locked = {"app_id"} if settings["app"] else set()
    locked |= {"org_id", "owner_org"} if settings["org"] else set()
    for tool in chosen(Settings(key=StaticKey(ADMIN_KEY), **settings)):
        schema = tool.definition().input_schema
        assert not locked & (schema["properties"].keys() | set(schema.get("required", [])))


@pytest.mark.parametrize("operation", every(), ids=name_of)
async def test_read_only_sends_nothing_but_reads(operation: samples.AnyOperation) -> None:
    """In read-only mode each tool that is there sends GET requests only, or the one request by which it reads."""
    async with desk(read_only=True) as here:
        if operation.spec.name in here.tools:
            await here.call(operation.spec.name, samples.required(operation) | {"confirm": True})
            await here.call(operation.spec.name, samples.required(operation))
        assert {*here.wire.writes} <= {f"{operation.spec.method} {operation.spec.path}"}
        assert (operation.spec.name in here.tools) == (operation.spec.effect is Effect.READ)


APP_SPELLINGS: Final = (
    "app_id", "appId", "AppId", "APP_ID", "app-id", "App-Id", "appid", " app_id", "app_id ", "app__id", "app.id",
    "app_i\u0500", "\uff41pp_id", "app_id\u200b", "appID",
)  # fmt: skip
ORG_SPELLINGS: Final = ("org_id", "orgId", "OrgId", "ORG_ID", "org-id", "orgid", "owner_org", "ownerOrg", "org_id\n")


@pytest.mark.parametrize("spelling", APP_SPELLINGS, ids=ascii)
@pytest.mark.parametrize("value", [NOTES_APP, RIDER_APP, None, "", [RIDER_APP], {"a": RIDER_APP}], ids=str)
async def test_the_app_cannot_be_chosen_by_any_spelling(spelling: str, value: Any) -> None:
    """Whatever an agent sends as app, no request names another app than the locked one."""
    async with desk(app=DEMO_APP) as here:
        await here.call("capgo_get_app", {spelling: value})
        await here.call("capgo_delete_channel", {spelling: value, "channel": "beta", "confirm": True})
        touched = [f"{request.url} {request.content.decode()}" for request in here.wire.seen]
        assert not [request for request in touched if NOTES_APP in request or RIDER_APP in request]
        assert all(DEMO_APP in request for request in touched)


@pytest.mark.parametrize("spelling", ORG_SPELLINGS, ids=ascii)
@pytest.mark.parametrize("tool", ["capgo_get_organization", "capgo_list_members", "capgo_list_apps"])
async def test_the_organization_cannot_be_chosen_by_any_spelling(spelling: str, tool: str) -> None:
    """Whatever an agent sends as organization, no request names another one than the locked one."""
    async with desk(org=LIGHTHOUSE) as here:
        await here.call(tool, {spelling: HARBOR})
        assert not [request for request in here.wire.seen if HARBOR in f"{request.url} {request.content.decode()}"]


async def test_the_locked_value_itself_is_no_error() -> None:
    """An agent that names the very app it is locked to is not refused."""
    async with desk(app=DEMO_APP) as here:
        assert (await here.facts("capgo_get_app", app_id=DEMO_APP))["app_id"] == DEMO_APP
        assert (await here.facts("capgo_get_app", appId=DEMO_APP))["app_id"] == DEMO_APP


@pytest.mark.parametrize("settings", [{"app": DEMO_APP}, {"org": LIGHTHOUSE}, {"app": DEMO_APP, "org": LIGHTHOUSE}])
async def test_errors_do_not_offer_the_locked_argument(settings: Facts) -> None:
    """The error for an unknown argument neither names nor suggests what is locked."""
    async with desk(**settings) as here:
        for spelling in ("app_ide", "org_ide", "owner_orgs"):
            said = (await here.error("capgo_list_channels", **{spelling: "x"})).partition("\n")
            hints = said[0].partition("is not an argument here")[2] + said[2]
            assert not [name for name in ("app_id",) if name in hints and "app" in settings]
            assert not [name for name in ("org_id", "owner_org") if name in hints and "org" in settings]


ABSENT: Final = [
    ({"read_only": True}, "capgo_delete_app"),
    ({"app": DEMO_APP}, "capgo_list_apps"),
    ({"org": LIGHTHOUSE}, "capgo_create_organization"),
    ({"toolsets": frozenset({"channels"})}, "capgo_list_devices"),
    ({"excluded": frozenset({"capgo_set_channel"})}, "capgo_set_channel"),
    ({}, "capgo_delete_webhook"),
    ({}, "capgo_no_such_tool"),
]
LEAKS: Final = (
    "--", "read-only", "read only", "readonly", "toolset", "exclude", "lock", "scope", "setting", "flag", "disabled",
    "restart", "mode", "enable",
)  # fmt: skip


@pytest.mark.parametrize("mode", ["legacy", "auto"])
@pytest.mark.parametrize(("settings", "tool"), ABSENT, ids=lambda value: value if isinstance(value, str) else "")
async def test_an_absent_tool_is_unknown_and_no_more(settings: Facts, tool: str, mode: Any) -> None:
    """The answer is the same protocol error as for any unknown name, with nothing about how to get it."""
    async with desk() as here:
        server = serving(here, **settings)
        async with Client(server, mode=mode) as client:
            with pytest.raises(MCPError) as caught:
                await client.call_tool(tool, {})
            assert tool not in {listed.name for listed in (await client.list_tools()).tools}
        assert caught.value.code == t.INVALID_PARAMS
        assert str(caught.value) == f"Unknown tool: {tool}"
        assert not [leak for leak in LEAKS if leak in str(caught.value).replace(tool, "").lower()]
        assert here.wire.seen == []


@pytest.mark.parametrize("operation", every(), ids=name_of)
async def test_an_app_of_another_organization_is_refused(operation: samples.AnyOperation) -> None:
    """With `--org`, a call about another organization's app sends at most the read of its owner."""
    arguments = samples.required(operation) | {"app_id": RIDER_APP}
    async with desk(org=LIGHTHOUSE) as here:
        name = operation.spec.name
        if name not in here.tools or "app_id" not in operation.model_fields or name == "capgo_create_app":
            return
        given = {field: value for field, value in arguments.items() if field not in ("org_id", "owner_org")}
        confirm: Facts = {"confirm": True} if operation.can_destroy() else {}
        said = await here.error(name, **given, **confirm)
        assert said.startswith("[out_of_scope]")
        assert not [leak for leak in ("--", "flag", "setting", HARBOR) if leak in said]
        assert [f"{r.method} {r.url.path}" for r in here.wire.seen] == [f"GET /app/{RIDER_APP}"]


async def test_an_app_of_the_organization_is_let_through() -> None:
    """With `--org`, its own apps work, and the owner is not asked about for each call."""
    async with desk(org=LIGHTHOUSE) as here:
        for _ in range(3):
            await here.facts("capgo_get_channel", app_id=DEMO_APP, channel="beta")
        assert len([r for r in here.wire.seen if r.url.path == f"/app/{DEMO_APP}"]) == 1


@pytest.mark.parametrize(("seconds", "reads"), [(299, 1), (300, 2)])
async def test_an_owner_is_remembered_for_five_minutes(seconds: int, reads: int) -> None:
    """With `--org`, an app that may have been transferred meanwhile has its owner read again."""
    clock = VirtualClock()
    async with desk(org=LIGHTHOUSE, clock=clock) as here:
        await here.facts("capgo_get_channel", app_id=DEMO_APP, channel="beta")
        clock.advance(seconds)
        await here.facts("capgo_get_channel", app_id=DEMO_APP, channel="beta")
        assert len([r for r in here.wire.seen if r.url.path == f"/app/{DEMO_APP}"]) == reads


async def test_a_new_app_belongs_to_the_locked_organization() -> None:
    """With `--org`, an app is created there and nowhere else."""
    async with desk(org=LIGHTHOUSE) as here:
        await here.error("capgo_create_app", app_id="com.new.app", name="New", owner_org=HARBOR)
        await here.facts("capgo_create_app", app_id="com.new.app", name="New")
        assert here.state.apps["com.new.app"]["owner_org"] == LIGHTHOUSE


async def test_an_app_outside_the_locked_organization_never_works() -> None:
    """`--app` and `--org` that contradict each other leave tools that refuse every call."""
    async with desk(app=RIDER_APP, org=LIGHTHOUSE) as here:
        assert "[out_of_scope]" in await here.error("capgo_delete_channel", channel="beta", confirm=True)
        assert here.wire.writes == []


@pytest.mark.parametrize("field", ["app_id", "org_id", "owner_org"])
def test_every_locked_argument_is_text_that_must_be_given_or_filters(field: str) -> None:
    """A lock fills in an argument of each tool that has it, so that none of them can leave the scope."""
    settings = Settings(key=StaticKey(ADMIN_KEY), app=DEMO_APP, org=LIGHTHOUSE, toolsets=samples.ALL_TOOLSETS)
    for tool in chosen(settings):
        if operation := OPERATIONS.get(tool.name):
            assert (field in operation.model_fields) == (field in tool.locked)


LETTERS: Final = "abcdef01-0000-4000-8000-00000000beef"


@pytest.mark.parametrize("owner", [LETTERS, LETTERS.upper()])
@pytest.mark.parametrize("spelled", [LETTERS, LETTERS.upper(), LETTERS.title()])
async def test_an_organization_is_the_same_in_any_case(spelled: str, owner: str) -> None:
    """A UUID has no case: neither in the setting, nor in what Capgo answers, nor for an agent that names it."""
    chosen = Settings.read({"org": spelled}, {"CAPGO_API_KEY": ADMIN_KEY}).org
    inner = answering(200, {"app_id": DEMO_APP, "owner_org": owner, "id": LETTERS})
    async with desk(inner=inner, org=chosen) as here:
        await here.facts("capgo_get_app", app_id=DEMO_APP)
        await here.facts("capgo_get_organization", org_id=spelled)
        assert all(spelled == LETTERS or spelled not in str(request.url) for request in here.wire.seen)
        assert "not an argument here" in await here.error("capgo_get_organization", org_id=HARBOR)


async def test_a_locked_app_cannot_be_created_for_just_anybody() -> None:
    """With `--app` alone nobody has said who is to own it, so that there is no tool that creates it."""
    async with desk(app="com.new.app") as here:
        assert "capgo_create_app" not in here.tools
    async with desk(app="com.new.app", org=LIGHTHOUSE) as here:
        await here.facts("capgo_create_app", name="New")
        assert here.state.apps["com.new.app"]["owner_org"] == LIGHTHOUSE


@pytest.mark.parametrize(
    ("tool", "argument"),
    [
        ("capgo_get_app", "app_id"),
        ("capgo_get_device", "device_id"),
        ("capgo_unset_device_channel", "device_id"),
        ("capgo_cancel_build", "job_id"),
        ("capgo_get_organization", "org_id"),
        ("capgo_delete_webhook", "webhook_id"),
    ],
)
@pytest.mark.parametrize("value", ["..", "../x", "a/../b", "com..app", "..\\x"])
async def test_ids_do_not_climb(tool: str, argument: str, value: str) -> None:
    """Two dots in an id are refused, whatever a server would make of them."""
    given = {**samples.required(samples.endpoint(tool)), argument: value}
    async with desk() as here:
        assert f"{argument} " in (await here.error(tool, **given)).partition("]")[2][:20]
        assert here.wire.seen == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize(("tool", "argument"), [("capgo_get_app", "app_id"), ("capgo_list_devices", "limit")])
async def test_what_is_no_value_is_told_as_that(tool: str, argument: str, value: float) -> None:
    """NaN, which some clients send, gets a sentence about itself."""
    async with desk() as here:
        said = await here.error(tool, **{"app_id": DEMO_APP, argument: value})
    assert said.startswith(f"[invalid_arguments] {argument} must be a value: NaN and infinities are none.")


BEYOND: Final[list[tuple[str, Facts]]] = [
    ("capgo_delete_app", {"app_id": "com.demo.app/../com.harborbikes.rider"}),
    ("capgo_get_app", {"app_id": f"{DEMO_APP}?app_id={RIDER_APP}"}),
    ("capgo_get_app", {"app_id": f"{DEMO_APP}%2F..%2F{RIDER_APP}"}),
    ("capgo_delete_api_key", {"api_key_id": "3/../1"}),
    ("capgo_cancel_build", {"app_id": DEMO_APP, "job_id": "../../app/com.demo.app"}),
    ("capgo_cancel_build", {"app_id": DEMO_APP, "job_id": "x?y#z"}),
    ("capgo_cancel_build", {"app_id": DEMO_APP, "job_id": ".."}),
]


@pytest.mark.parametrize(("tool", "given"), BEYOND, ids=lambda value: str(value)[:60])
async def test_no_argument_changes_where_a_request_goes(tool: str, given: Facts) -> None:
    """An argument in a path stays one segment of it, whatever it holds."""
    async with desk() as here:
        await here.call(tool, {**given, "confirm": True, "confirm_name": "Demo app"})
        paths = [request.url.raw_path.decode() for request in here.wire.seen]
        assert all(path.count("/") <= 3 and "?" not in path and "/.." not in path for path in paths)
