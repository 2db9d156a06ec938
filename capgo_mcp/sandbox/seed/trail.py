"""What happened around the releases: audit log and webhooks."""

from itertools import pairwise

from capgo_mcp.sandbox.answers import Row
from capgo_mcp.sandbox.changes import SYSTEM, actor_of, audit_entry
from capgo_mcp.sandbox.rows import new_delivery, new_webhook
from capgo_mcp.sandbox.seed.calendar import Calendar
from capgo_mcp.sandbox.seed.people import DEMO_APP, LIGHTHOUSE, MIRA
from capgo_mcp.sandbox.state import State

_WEBHOOKS: tuple[Row, ...] = (
    {"name": "Release bell", "url": "https://hooks.example.com/release-bell", "events": ["app_versions", "channels"]},
    {"name": "Audit mirror", "url": "https://audit.invalid/capgo", "events": ["orgs", "org_users"], "enabled": False},
)
_DELIVERED = 200


def plant(state: State, calendar: Calendar) -> None:
    """Fill in the trail."""
    _audit(state, calendar)
    _webhooks(state, calendar)


def _audit(state: State, calendar: Calendar) -> None:
    """A month of it: what was uploaded, what production and beta served then, and a rollout that was paused."""
    # By their numbers in the order of `people`: the release desk, and what CI uploads with.
    desk, uploads = actor_of(state, state.keys[1]), actor_of(state, state.keys[3])
    bundles = [b for b in state.bundles.values() if b["app_id"] == DEMO_APP and not b["deleted"]]
    since = calendar.ago(30)
    for bundle in bundles:
        if bundle["created_at"] > since:
            _at(audit_entry(state, "app_versions", "INSERT", None, bundle, uploads), bundle["created_at"])
    for name, stable in (("production", True), ("beta", False)):
        channel = state.channel_named(DEMO_APP, name) or {}
        mine = [b for b in bundles if ("-" not in b["name"]) is stable and b["id"] <= channel["version"]]
        for before, bundle in pairwise(mine):
            if bundle["created_at"] > since:
                old, new = ({**channel, "version": b["id"]} for b in (before, bundle))
                _at(audit_entry(state, "channels", "UPDATE", old, new, desk), bundle["created_at"])
    canary = state.channel_named(DEMO_APP, "canary") or {}
    running = {**canary, "rollout_paused_at": None, "rollout_pause_reason": None}
    _at(audit_entry(state, "channels", "UPDATE", running, canary, SYSTEM), canary["rollout_paused_at"])
    invitation = list(state.members.values())[-1]
    _at(audit_entry(state, "org_users", "INSERT", None, invitation, desk), invitation["created_at"])


def _at(entry: Row, moment: str) -> None:
    entry["created_at"] = moment


def _webhooks(state: State, calendar: Calendar) -> None:
    for values in _WEBHOOKS:
        row = new_webhook(state, LIGHTHOUSE, MIRA, **values, **calendar.made(120))
        state.webhooks[row["id"]] = row
    bell, mirror = state.webhooks.values()
    for number in range(12):
        failed = number in {3, 7}
        _deliver(state, calendar, bell, "channels.UPDATE", number * 2.1 + 0.2, status=500 if failed else _DELIVERED)
    _deliver(state, calendar, mirror, "orgs.UPDATE", 44.4, status=0)


def _deliver(state: State, calendar: Calendar, webhook: Row, event: str, age: float, status: int) -> None:
    ok = status == _DELIVERED
    values = {
        "status": "success" if ok else "failed",
        "response_status": status or None,
        "response_body": "ok" if ok else "upstream is away" if status else None,
        "attempt_count": 1 if ok else 3,
        "created_at": calendar.ago(age),
        "completed_at": calendar.ago(age - 0.0001),
        "duration_ms": 140 if ok else 5000,
    }
    row = new_delivery(state, webhook, event, {"event": event, "org_id": LIGHTHOUSE}, **values)
    state.deliveries[row["id"]] = row
