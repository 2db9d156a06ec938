"""What devices reported: the log of events, and counts of them."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.api.event_codes import FAILURES
from capgo_mcp.sandbox.answers import Row, bad
from capgo_mcp.sandbox.call import Call
from capgo_mcp.sandbox.routing import Route
from capgo_mcp.sandbox.schema import check, listing, numeric, optional, text
from capgo_mcp.sandbox.times import is_moment, javascript, parsed

_MOST_ROWS = 1000
_MOST_LIMIT = 50_000
_MOST_ACTIONS = 20
# The most frequent ones: a bundle that few devices have may be missing.
_MOST_VERSIONS = _MOST_DEVICES = 30
_PERIODS = (1, 3, 7, 30)
_YEAR_5138 = 10**14
_EARLIEST, _LATEST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)

_COMMON = {"appId": text(1), "actions": optional(listing()), "limit": optional(numeric)}


def list_events(call: Call) -> list[Row]:
    """List events, the newest first unless asked otherwise."""
    check(call.params, {**_COMMON, "devicesId": optional(listing()), "order": optional(listing())})
    limit = call.params.get("limit", _MOST_ROWS)
    if not 1 <= limit <= _MOST_LIMIT:
        raise bad("invalid_body", "Invalid body")
    since, until = _bound(call, "rangeStart", _EARLIEST), _bound(call, "rangeEnd", _LATEST)
    rows = [row for row in _events(call) if since <= parsed(row["created_at"]) <= until]
    devices = call.params.get("devicesId")
    if devices:
        rows = [row for row in rows if row["device_id"] in devices]
    order = (call.params.get("order") or [{}])[0]
    ascending = isinstance(order, dict) and order.get("sortable") == "asc"
    rows.sort(key=itemgetter("created_at"), reverse=not ascending)
    return [{**row, "created_at": javascript(row["created_at"])} for row in rows[: int(limit)]]


def count_events(call: Call) -> Row:
    """Count events, failures unless others are named, in the last days and today."""
    check(call.params, {**_COMMON, "days": optional(numeric), "versionName": optional(text())})
    days = call.params.get("days", 7)
    if days not in _PERIODS:
        raise bad("invalid_days", "days must be one of 1, 3, 7, or 30")
    end = call.state.moment().replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    start = end - timedelta(days=days)
    actions = call.params.get("actions") or FAILURES
    rows = [row for row in _events(call) if row["action"] in actions and parsed(row["created_at"]) >= start]
    version = call.text("versionName")
    if version and call.state.behaviour is not Behaviour.JULY:  # which did not know the filter yet
        rows = [row for row in rows if row["version_name"] == version]
    labels = [str((start + timedelta(days=day)).date()) for day in range(days)]
    period = {"requested_days": days, "start": _spelled(start), "end": _spelled(end - timedelta(milliseconds=1))}
    return {**counted(rows), "period": {**period, "labels": labels}}


def _events(call: Call) -> list[Row]:
    app_id = call.text("appId")
    if not call.may_app("app.read_logs", app_id):
        raise bad("app_access_denied", "You can't access this app", app_id=app_id)
    actions = call.params.get("actions")
    return [row for row in call.state.events if row["app_id"] == app_id and (not actions or row["action"] in actions)]


def _bound(call: Call, name: str, default: datetime) -> datetime:
    value = call.params.get(name)
    if value is None:
        return default
    if _is_epoch(value):
        return datetime.fromtimestamp(value / 1000, UTC)
    if not is_moment(value):
        raise bad("invalid_body", "Invalid body")
    return parsed(value)


def _is_epoch(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _YEAR_5138


def _spelled(moment: datetime) -> str | None:
    return javascript(moment.isoformat())


def counted(rows: list[Row]) -> Row:
    """Counts of some events: in all, and by code, day, bundle and device."""
    actions = [
        {
            "action": name,
            **_totals(found),
            "version_count": len({row["version_name"] for row in found}),
            "first_seen": found[0]["created_at"],
            "last_seen": found[-1]["created_at"],
            "latest_version_name": found[-1]["version_name"],
            "latest_device_id": found[-1]["device_id"],
        }
        for (name,), found in _grouped(rows, "action")
    ]
    versions = [
        {"action": name, "version_name": version, **_totals(found), "last_seen": found[-1]["created_at"]}
        for (name, version), found in _grouped(rows, "action", "version_name")
    ]
    devices = [
        {
            "action": name,
            "device_id": device,
            "total": len(found),
            "version_name": found[-1]["version_name"],
            "last_seen": found[-1]["created_at"],
        }
        for (name, device), found in _grouped(rows, "action", "device_id")
    ]
    daily = [
        {"action": name, "date": day, "total": len(found)}
        for (name, day), found in _grouped([{**row, "day": row["created_at"][:10]} for row in rows], "action", "day")
    ]
    return {
        "summary": {**_totals(rows), "action_count": len(actions)},
        "actions": _most(actions, _MOST_ACTIONS),
        "daily": sorted(daily, key=lambda row: (row["date"], -row["total"])),
        "versions": _most(versions, _MOST_VERSIONS),
        "devices": _most(devices, _MOST_DEVICES),
    }


def _totals(rows: list[Row]) -> Row:
    return {"total": len(rows), "device_count": len({row["device_id"] for row in rows})}


def _grouped(rows: Iterable[Row], *columns: str) -> Iterable[tuple[tuple[str, ...], list[Row]]]:
    """Group rows by some columns; each group from its first to its last event."""
    groups: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in sorted(rows, key=itemgetter("created_at")):
        groups[tuple(row[column] for column in columns)].append(row)
    return groups.items()


def _most(rows: list[Row], most: int) -> list[Row]:
    return sorted(rows, key=lambda row: -row["total"])[:most]


ROUTES = (
    Route("POST", "/private/stats", list_events),
    Route("POST", "/private/stats/insights", count_events),
)
