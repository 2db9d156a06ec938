"""Organizations and what belongs to them behave as the recordings do not show but the contract says."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from capgo_mcp.sandbox import DEVELOPER_KEY, READER_KEY, UPLOADER_KEY
from tests.support.caller import APP, Caller, code
from tests.support.recorded_world import Clock

ORG = "11111111-0000-4000-8000-000000000001"
OTHER_ORG = "22222222-0000-4000-8000-000000000002"
RUNNING = "b1d0c0de-0000-4000-8000-000000000003"
OK = {"status": "ok"}


def _days(clock: Clock, first: int, last: int) -> dict[str, str]:
    today = datetime.fromtimestamp(clock(), UTC).date()
    return {"from": str(today - timedelta(days=first)), "to": str(today - timedelta(days=last))}


async def test_new_organization_belongs_to_its_maker(sandbox: Caller) -> None:
    """A key with org.create founds an organization, owns it, and cannot found it twice."""
    made = (await sandbox.ask("POST /organization", {"name": "Tide Pool"})).json()
    assert set(made) == {"id"}
    org = (await sandbox.ask("GET /organization", {"orgId": made["id"]})).json()
    assert (org["name"], org["management_email"]) == ("Tide Pool", "mira@example.com")
    assert code(await sandbox.ask("POST /organization", {"name": "Tide Pool"})) == (500, "unknown_error")
    assert (await sandbox.ask("DELETE /organization", {"orgId": made["id"]})).json() == OK
    assert code(await sandbox.ask("GET /organization", {"orgId": made["id"]})) == (400, "invalid_org_id")


async def test_deleting_an_organization_takes_its_apps(sandbox: Caller) -> None:
    """Nothing of a deleted organization is left."""
    assert (await sandbox.ask("DELETE /organization", {"orgId": ORG})).json() == OK
    state = sandbox.state
    assert [app["owner_org"] for app in state.apps.values()] == [OTHER_ORG]
    assert not state.webhooks
    assert not [member for member in state.members.values() if member["org_id"] == ORG]


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"name": "<b></b>"}, "cannot_update_org"),
        ({"management_email": "nobody"}, "invalid_body"),
        ({"enforcing_2fa": True}, "requires_2fa_to_enforce_2fa"),
        ({"max_apikey_expiration_days": 366}, "invalid_max_expiration_days"),
        ({"required_encryption_key": "short"}, "invalid_required_encryption_key"),
    ],
)
async def test_organization_settings_are_checked(sandbox: Caller, sent: dict[str, Any], expected: str) -> None:
    """Settings an organization cannot have are refused with their own codes."""
    assert code(await sandbox.ask("PUT /organization", {"orgId": ORG, **sent})) == (400, expected)


async def test_invitation_appears_among_members(sandbox: Caller) -> None:
    """An invited person is listed as pending under the role the word stands for."""
    invitation = {"orgId": ORG, "email": "robin@example.com", "invite_type": "write"}
    assert code(await sandbox.ask("POST /organization/members", {**invitation, "invite_type": None}))[1] == (
        "invalid_body"
    )
    assert (await sandbox.ask("POST /organization/members", invitation)).json() == OK
    members = (await sandbox.ask("GET /organization/members", {"orgId": ORG})).json()
    assert [(m["role"], m["is_tmp"]) for m in members if m["email"] == "robin@example.com"] == [("org_member", True)]


async def test_members_cannot_be_invited_again_or_above(sandbox: Caller) -> None:
    """Existing members, unknown addresses and ranks above one's own cannot be invited."""
    sandbox.state.keys[1]["bindings"][0]["role_name"] = "org_admin"
    reasons = {
        "jonas@example.com": "ALREADY_INVITED",
        "nobody@example.com": "NO_EMAIL",
        "robin@example.com": "NO_RIGHTS",
    }
    for email, reason in reasons.items():
        invitation = {"orgId": ORG, "email": email, "invite_type": "super_admin"}
        answer = await sandbox.ask("POST /organization/members", invitation)
        assert answer.json()["moreInfo"] == {"data": reason}


async def test_removal_respects_rank(sandbox: Caller) -> None:
    """Unknown people are not found, and an admin cannot remove a super admin."""
    unknown = {"orgId": ORG, "email": "nobody@example.com"}
    assert code(await sandbox.ask("DELETE /organization/members", unknown)) == (404, "user_not_found")
    sandbox.state.keys[1]["bindings"][0]["role_name"] = "org_admin"
    refused = await sandbox.ask("DELETE /organization/members", {"orgId": ORG, "email": "mira@example.com"})
    assert code(refused) == (403, "cannot_delete_higher_priority_role")


async def test_the_last_super_admin_takes_the_organization_along(sandbox: Caller) -> None:
    """A trigger of the database deletes it with all its apps, and the answer is ok (R2)."""
    answer = await sandbox.ask("DELETE /organization/members", {"orgId": ORG, "email": "mira@example.com"})
    assert answer.json() == {"status": "ok"}
    assert ORG not in sandbox.state.orgs
    assert not [app for app in sandbox.state.apps.values() if app["owner_org"] == ORG]


async def test_writes_leave_a_trail(sandbox: Caller) -> None:
    """A change is in the audit log with the old row, the new row and the key that made it."""
    await sandbox.ask("POST /channel", {"app_id": APP, "channel": "beta", "allow_dev": False})
    query = {"orgId": ORG, "tableName": "channels", "operation": "UPDATE", "limit": 1}
    entry = (await sandbox.ask("GET /organization/audit", query)).json()["data"][0]
    assert (entry["old_record"]["allow_dev"], entry["new_record"]["allow_dev"]) == (True, False)
    assert (entry["actor_type"], entry["actor_apikey_name"]) == ("apikey", "Release desk")
    assert set(entry["changed_fields"]) == {"allow_dev", "updated_at"}


async def test_statistics_are_running_totals(sandbox: Caller, clock: Clock) -> None:
    """Figures add up over the days unless that is declined; the last day asked for is left out."""
    path = f"GET /statistics/app/{APP}"
    totals = (await sandbox.ask(path, _days(clock, 10, 3))).json()
    daily = (await sandbox.ask(path, _days(clock, 10, 3) | {"noAccumulate": "true"})).json()
    assert len(totals) == len(daily) == 7
    assert totals[-1]["mau"] == sum(point["mau"] for point in daily)
    assert all(a["bandwidth"] <= b["bandwidth"] for a, b in pairwise(totals))
    assert daily[0]["storage"] == totals[0]["storage"] > daily[1]["storage"]


async def test_statistics_drop_the_future(sandbox: Caller, clock: Clock) -> None:
    """Days to come are left out, an empty period is empty, and a reversed one is answered all the same."""
    path = f"GET /statistics/app/{APP}"
    assert len((await sandbox.ask(path, _days(clock, 1, -30))).json()) == 2
    assert (await sandbox.ask(path, _days(clock, 5, 5))).json() == []
    assert len((await sandbox.ask(path, _days(clock, 3, 6))).json()) == 3


async def test_bundle_usage_counts_both_ends(sandbox: Caller, clock: Clock) -> None:
    """Shares are labelled with both days of the period and carry counts beside percentages."""
    usage = (await sandbox.ask(f"GET /statistics/app/{APP}/bundle_usage", _days(clock, 8, 1))).json()
    assert len(usage["labels"]) == 8
    assert all(len(d["data"]) == len(d["metaCounts"]) == 8 for d in usage["datasets"])
    assert sum(d["data"][0] for d in usage["datasets"]) == pytest.approx(100, abs=0.5)
    native = (await sandbox.ask(f"GET /statistics/app/{APP}/native_usage", _days(clock, 8, 1))).json()
    assert native["latestVersion"]["name"] == "2.2.0"


async def test_organization_statistics_break_down_by_app(sandbox: Caller, clock: Clock) -> None:
    """On request the figures come app by app too, but only for the literal word true."""
    path = f"GET /statistics/org/{ORG}"
    answer = (await sandbox.ask(path, _days(clock, 3, 1) | {"breakdown": "true"})).json()
    assert len(answer["global"]) == 2
    assert {point["app_id"] for point in answer["byApp"]} == {APP, "com.lighthouse.notes"}
    assert code(await sandbox.ask(path, _days(clock, 3, 1) | {"breakdown": "1"})) == (400, "invalid_body")


async def test_unpaid_organization_has_no_statistics(sandbox: Caller, clock: Clock) -> None:
    """One organization that does not pay spoils the user's statistics as well as its own."""
    sandbox.state.unpaid.add(OTHER_ORG)
    days = _days(clock, 3, 1)
    statuses = [
        (await sandbox.ask(f"GET /statistics/{path}", days)).status_code
        for path in ("user", f"org/{OTHER_ORG}", f"org/{ORG}", f"app/{APP}")
    ]
    assert statuses == [402, 402, 200, 200]


async def test_key_without_org_read_seems_unpaid(sandbox: Caller, clock: Clock) -> None:
    """A key that cannot read the organization is told to subscribe."""
    path, days = f"GET /statistics/app/{APP}", _days(clock, 3, 1)
    assert code(await sandbox.ask(path, days, key=UPLOADER_KEY)) == (402, "subscription_required")
    assert (await sandbox.ask(path, days, key=READER_KEY)).status_code == 200


async def test_keys_are_managed_without_their_material(sandbox: Caller) -> None:
    """Keys are listed, read and revoked by number, and never show what they open."""
    listed = (await sandbox.ask("GET /apikey")).json()
    assert [key["name"] for key in listed][:2] == ["Release desk", "Jonas laptop"]
    assert not {"key", "bindings"} & set(listed[0])
    assert (await sandbox.ask("GET /apikey/2")).json()["name"] == "Jonas laptop"
    assert code(await sandbox.ask("GET /apikey/77")) == (404, "failed_to_get_apikey")
    assert code(await sandbox.ask("DELETE /apikey/1")) == (401, "cannot_delete_apikey")
    assert (await sandbox.ask("DELETE /apikey/2")).json() == OK
    assert code(await sandbox.ask("GET /app", key=DEVELOPER_KEY)) == (401, "invalid_apikey")


async def test_webhook_can_be_tried_and_retried(sandbox: Caller) -> None:
    """A test delivery is on record at once; only a failed delivery of an enabled webhook is queued again."""
    bell, mirror = sandbox.state.webhooks
    tried = (await sandbox.ask("POST /webhooks/test", {"orgId": ORG, "webhookId": bell})).json()
    assert tried["success"]
    failed = (await sandbox.ask("POST /webhooks/test", {"orgId": ORG, "webhookId": mirror})).json()
    assert (failed["success"], failed["status"]) == (False, None)
    query = {"orgId": ORG, "webhookId": bell, "status": "failed"}
    deliveries = (await sandbox.ask("GET /webhooks/deliveries", query)).json()
    assert deliveries["pagination"]["total"] == 2
    retry = {"orgId": ORG, "deliveryId": deliveries["deliveries"][0]["id"]}
    assert (await sandbox.ask("POST /webhooks/deliveries/retry", retry)).status_code == 200
    assert code(await sandbox.ask("POST /webhooks/deliveries/retry", retry)) == (400, "delivery_not_failed")
    disabled = {"orgId": ORG, "deliveryId": failed["delivery_id"]}
    assert code(await sandbox.ask("POST /webhooks/deliveries/retry", disabled)) == (400, "webhook_disabled")
    webhook = (await sandbox.ask("GET /webhooks", {"orgId": ORG, "webhookId": bell})).json()
    assert webhook["stats_24h"] == {"success": 1, "failed": 0, "pending": 0}


@pytest.mark.parametrize("url", ["http://example.com", "https://10.0.0.1/x", "https://localhost/x", "example.com"])
async def test_webhook_needs_a_public_address(sandbox: Caller, url: str) -> None:
    """A webhook is not registered for anything but a public host over https."""
    webhook = {"orgId": ORG, "name": "Bell", "url": url, "events": ["channels"]}
    assert code(await sandbox.ask("POST /webhooks", webhook)) == (400, "invalid_url")


async def test_scoped_key_manages_no_webhooks(sandbox: Caller) -> None:
    """A key with any app-scoped role is turned away before its rights are looked at."""
    assert code(await sandbox.ask("GET /webhooks", {"orgId": ORG}, key=DEVELOPER_KEY)) == (400, "no_permission")


async def test_build_is_cancelled_once(sandbox: Caller) -> None:
    """A running build can be cancelled, once; a call without the app breaks."""
    cancel = f"POST /build/cancel/{RUNNING}"
    assert code(await sandbox.ask(cancel, {"why": "late"})) == (500, "unknown_error")
    assert code(await sandbox.ask(cancel, {"app_id": APP}, key=READER_KEY)) == (400, "unauthorized")
    assert (await sandbox.ask(cancel, {"app_id": APP})).json()["status"] == "cancelled"
    assert code(await sandbox.ask(cancel, {"app_id": APP})) == (400, "builder_error")


async def test_reading_an_overdue_build_cancels_it(sandbox: Caller, clock: Clock) -> None:
    """Polling the status of a build acts on it once its time is up."""
    query = {"job_id": RUNNING, "app_id": APP}
    assert (await sandbox.ask("GET /build/status", query)).json()["status"] == "running"
    clock.time += 901
    assert (await sandbox.ask("GET /build/status", query)).json()["status"] == "cancelled"


async def test_notifications_can_be_read(sandbox: Caller) -> None:
    """Settings, campaigns and counts of an app are answered, an app without settings has defaults."""
    settings = (await sandbox.ask("GET /notifications/settings", {"app_id": APP})).json()
    assert settings["pushUpdateEnabled"] is True
    unset = (await sandbox.ask("GET /notifications/settings", {"app_id": "com.lighthouse.notes"})).json()
    assert unset["pushUpdateEnabled"] is False
    campaigns = (await sandbox.ask("GET /notifications/campaigns", {"app_id": APP})).json()["data"]
    assert campaigns[0]["name"] == "Shared folders are here"
    counts = (await sandbox.ask("GET /notifications/stats", {"app_id": APP, "days": 15})).json()["data"]
    assert [row["campaign_id"] for row in counts] == [campaigns[0]["id"]]
