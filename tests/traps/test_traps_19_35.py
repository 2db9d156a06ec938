"""The second half of the API's traps, T19 to T35: what misleads there cannot hurt a user here."""

import json
import re
from datetime import UTC, datetime, timedelta
from functools import partial

import httpx2
import pytest

from capgo_mcp.agent.definitions import stored
from capgo_mcp.api.operation import Effect
from capgo_mcp.api.rights import holders
from capgo_mcp.client.wire import write_request
from capgo_mcp.operations import every
from capgo_mcp.operations.builds import GetBuildLogs, GetBuildStatus
from capgo_mcp.sandbox import DEVELOPER_KEY, UPLOADER_KEY
from tests.support.data import DATA
from tests.support.samples import AnyOperation, full
from tests.traps.conftest import Scene

APP = "com.demo.app"
ORG = "11111111-0000-4000-8000-000000000001"
DEVICE = "d0d0cafe-0000-4000-8000-000000000057"
RUNNING = "b1d0c0de-0000-4000-8000-000000000003"
DOCUMENTED = json.loads((DATA / "operations.json").read_text(encoding="utf-8"))


def _always(response: httpx2.Response, _: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(response.status_code, content=response.content)


def days_ago(count: int) -> str:
    """A day before today."""
    return f"{datetime.now(UTC) - timedelta(days=count):%Y-%m-%d}"


def test_t19_methods_and_paths_are_the_backends() -> None:
    """Every operation uses a method and path that the backend has; there is no PATCH anywhere."""
    known = {(row["method"], re.sub(r"{\w+}", "{}", row["path"])) for row in DOCUMENTED}
    ours = {(one.spec.method, re.sub(r"{\w+}", "{}", one.spec.path)) for one in every()}
    assert ours <= known
    assert "PATCH" not in {method for method, _ in ours}


@pytest.mark.parametrize("status", ["ok", "success", "OK", "Organization updated", "Webhook deleted"])
async def test_t20_success_has_many_words(scene: Scene, status: str) -> None:
    """Whichever of Capgo's words a success body holds, the change is told to be done."""
    scene.answer = lambda _: httpx2.Response(200, json={"status": status})
    assert (await scene.call("capgo_set_bundle_metadata", app_id=APP, version_id=1, comment="x"))["done"]


async def test_t20_a_created_bundle_is_told_with_its_id(scene: Scene) -> None:
    """The wire wraps the new bundle, and the pages forget it."""
    answer = await scene.call(
        "capgo_create_bundle", app_id=APP, version="3.0.0", external_url="https://example.com/b.zip", checksum="a" * 64
    )
    assert answer["result"]["name"] == "3.0.0"
    assert isinstance(answer["result"]["id"], int)


async def test_t21_role_of_an_invitation_is_explained(scene: Scene) -> None:
    """The pages say role, the backend takes invite_type."""
    assert "invite_type" in await scene.refused(
        "capgo_invite_member", org_id=ORG, email="robin@example.com", role="org_admin"
    )
    assert scene.requests == []
    await scene.call("capgo_invite_member", org_id=ORG, email="robin@example.com", invite_type="org_member")
    assert scene.sent("POST")[0]["invite_type"] == "org_member"


async def test_t22_a_401_is_not_always_the_key(scene: Scene) -> None:
    """An app that does not exist is not blamed on the key."""
    error = await scene.refused("capgo_get_app", app_id="com.unknown.app")
    assert error.startswith("[cannot_access_app]")
    assert "does not exist" in error
    await scene.call("capgo_get_app", app_id=APP)


async def test_t23_a_402_may_be_a_missing_permission(scene: Scene) -> None:
    """The hint names org.read before anyone is sent to pay."""
    scene.log_in(UPLOADER_KEY)
    error = await scene.refused("capgo_get_app_statistics", app_id=APP, from_date=days_ago(9), to_date=days_ago(2))
    assert error.startswith("[subscription_required]")
    assert "org.read" in error


async def test_t24_running_totals_are_said_to_be_that(scene: Scene) -> None:
    """The answer says whether days accumulate, gives the total, and includes the last day."""
    period = {"app_id": APP, "from_date": days_ago(9), "to_date": days_ago(2)}
    totals = await scene.call("capgo_get_app_statistics", **period)
    daily = await scene.call("capgo_get_app_statistics", **period, daily=True)
    assert totals["accumulated"]
    assert not daily["accumulated"]
    assert len(totals["days"]) == len(daily["days"]) == 8
    assert daily["days"][-1]["date"] == days_ago(2)
    assert totals["total"]["mau"] == totals["days"][-1]["mau"] == sum(day["mau"] for day in daily["days"])
    assert totals["total"]["bandwidth"] == daily["total"]["bandwidth"]
    assert totals["total"]["storage"] == daily["total"]["storage"]


async def test_t25_an_empty_fleet_may_be_an_outage(scene: Scene) -> None:
    """The answer says so, for a list and for one device."""
    scene.state.devices.clear()
    assert "out of reach" in (await scene.call("capgo_list_devices", app_id=APP))["note"]
    assert "device store" in await scene.refused("capgo_get_device", app_id=APP, device_id=DEVICE)


async def test_t26_devices_are_asked_for_in_pages_that_every_host_answers_right(scene: Scene) -> None:
    """No request asks for more than 999 devices."""
    await scene.call("capgo_list_devices", app_id=APP, limit=1000)
    assert all(int(request.url.params["limit"]) <= 999 for request in scene.requests)


async def test_t27_a_failed_pin_is_not_sent_again(scene: Scene) -> None:
    """A repeat within a minute would be refused, even after a failure."""
    await scene.refused("capgo_set_device_channel", app_id=APP, device_id=DEVICE, channel="nope")
    assert len(scene.sent("POST")) == 1
    error = await scene.refused("capgo_set_device_channel", app_id=APP, device_id=DEVICE, channel="nope")
    assert "once a minute" in error


async def test_t28_creating_a_key_is_explained(scene: Scene) -> None:
    """Capgo lets no API key create one; the answer says who can."""
    error = await scene.refused("capgo_create_api_key", name="new")
    assert error.startswith("[cannot_create_apikey]")
    assert "console" in error
    for chosen in ("bindings", "hashed", "expires_at"):
        assert "console" in await scene.refused("capgo_create_api_key", name="new", **{chosen: "any"})


@pytest.mark.parametrize("operation", [GetBuildStatus, GetBuildLogs])
def test_t29_reads_that_act_are_not_called_reads(operation: AnyOperation) -> None:
    """The status bills and cancels, and leaving a log cancels: both count as a change."""
    assert operation.spec.effect is Effect.CHANGE
    hints = stored(operation.spec.name).annotations
    assert hints is not None
    assert hints.read_only_hint is False


async def test_t29_the_log_of_a_running_build_is_not_opened(scene: Scene) -> None:
    """Whoever stops reading it would cancel the build, so only its status is asked for."""
    error = await scene.refused("capgo_get_build_logs", app_id=APP, job_id=RUNNING)
    assert error.startswith("[build_not_ended]")
    assert scene.state.builds[RUNNING]["status"] == "running"
    assert [request.url.path for request in scene.requests] == ["/build/status"]


async def test_t30_more_info_is_never_forwarded(scene: Scene) -> None:
    """What Capgo echoes of requests and database rows stays out of the error."""
    more = {"body": {"secret": "hunter2"}, "supabaseError": {"message": "hunter2", "code": "X"}, "x": ["hunter2"]}
    for code in ("unknown_error", "cannot_access_app", "never_seen_before"):
        refusal = httpx2.Response(400, json={"error": code, "message": "Sorry", "moreInfo": more})
        scene.answer = partial(_always, refusal)
        assert "hunter2" not in await scene.refused("capgo_list_channels", app_id=APP)


async def test_t31_a_deleted_name_is_explained(scene: Scene) -> None:
    """The name of a deleted bundle stays taken; the error says so and for how long."""
    await scene.call("capgo_delete_bundle", app_id=APP, version="2.1.0", confirm=True)
    error = await scene.refused(
        "capgo_create_bundle", app_id=APP, version="2.1.0", external_url="https://example.com/b.zip", checksum="a" * 64
    )
    assert "90 days" in error


async def test_t32_a_rate_limit_stops_every_call_with_the_key(scene: Scene) -> None:
    """Each refused call would extend the wait, so nothing more is sent before it is over."""
    more = {"reason": "api_key_rate_limit_exceeded", "retryAfterSeconds": 60}
    body = {"error": "too_many_requests", "message": "Too many requests", "moreInfo": more}
    scene.answer = lambda _: httpx2.Response(429, json=body, headers={"retry-after": "60"})
    for _ in range(3):
        error = await scene.refused("capgo_list_channels", app_id=APP)
        assert re.search(r"\b(60|59) seconds", error)
    assert len(scene.requests) == 1


async def test_t33_a_missing_right_names_who_holds_it(scene: Scene) -> None:
    """The roles that may list channels are named, and app_preview is not among them."""
    scene.state.keys[2]["bindings"] = []
    scene.log_in(DEVELOPER_KEY)
    error = await scene.refused("capgo_list_channels", app_id=APP)
    assert "app.read_channels" in error
    assert holders("app.read_channels") in error
    assert "app_preview" not in error


@pytest.mark.parametrize(
    ("tool", "word"),
    [
        ("capgo_list_apps", "org_id"),
        ("capgo_create_app", "owner_org"),
        ("capgo_get_organization", "orgId"),
        ("capgo_list_members", "orgId"),
        ("capgo_list_webhooks", "orgId"),
        ("capgo_list_audit_log", "orgId"),
        ("capgo_get_notification_settings", "app_id"),
        ("capgo_get_build_status", "job_id"),
        ("capgo_list_channels", "app_id"),
    ],
)
def test_t34_each_route_gets_the_name_it_reads(tool: str, word: str) -> None:
    """One word here, whatever the route calls it."""
    (operation,) = [one for one in every() if one.spec.name == tool]
    request = write_request(operation.model_validate(full(operation)))
    assert word in (json.loads(request.body) if request.body else request.query)


async def test_t35_what_the_openapi_document_lacks_is_here(scene: Scene) -> None:
    """Fields and arguments that the stale document does not know are offered and read."""
    offered = {one.spec.name: one.model_fields for one in every()}
    assert {"order", "updated_since", "cursor"} <= offered["capgo_list_devices"].keys()
    assert {"electron", "update_package"} <= offered["capgo_set_channel"].keys()
    assert {"action", "auto_pause_enabled"} <= offered["capgo_set_rollout"].keys()
    assert "mode" not in offered["capgo_create_api_key"]
    assert "country_code" in await scene.call("capgo_get_device", app_id=APP, device_id=DEVICE)
    assert (await scene.call("capgo_update_app", app_id=APP, retention=0, confirm=True))["done"]
