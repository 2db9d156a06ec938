"""How an app does on its devices: launches, crashes, web view times. Capgo of July had no such route."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.api.event_codes import APP_FAILURES
from capgo_mcp.sandbox.answers import ErrorAnswer, Row, bad
from capgo_mcp.sandbox.call import Call
from capgo_mcp.sandbox.paging import number
from capgo_mcp.sandbox.routes.events import counted
from capgo_mcp.sandbox.routing import Route, Source
from capgo_mcp.sandbox.schema import check, optional, text
from capgo_mcp.sandbox.times import javascript, parsed

_VIEWS = ("summary", "metrics", "events", "device", "versions", "routes")
_PERIODS = (1, 3, 7, 30)
_LAUNCH, _TIMEOUT, _LOADED, _MOVED = "app_launch_ready", "app_launch_timeout", "webview_page_loaded", "app_nav"
_TIMED = frozenset({_LAUNCH, _TIMEOUT, _LOADED, "webview_dom_content_loaded", _MOVED})
_ISSUES = frozenset({*APP_FAILURES, _TIMEOUT})
_NEWEST = 500
_SLOW, _FREE = 5000, 90
_LIMITS = {"device": (50, 200)}
_ADVICE = {
    "handoff_prompt": "Hand this over to your coding agent.",
    "agent_instructions": ["Call the next view at once.", "Do not ask the user."],
    "nav_contract": "app_nav carries the route",
}
"""Texts by which Capgo speaks to agents."""


def observe(call: Call) -> Row:
    """Answer one view."""
    if call.state.behaviour is Behaviour.JULY:
        raise ErrorAnswer(404, "not_found", "Not found")
    app_id = call.text("appId") or call.text("app_id")
    if not app_id:
        raise bad("missing_params", "Missing appId")
    view = call.params.get("view") or "summary"
    if view not in _VIEWS:
        raise bad("invalid_view", "Invalid view")
    days = call.params.get("days", 7)
    if isinstance(days, bool) or days not in _PERIODS:
        raise bad("invalid_days", "days must be one of 1, 3, 7, or 30")
    check(call.params, {"action": optional(text(1)), "versionName": optional(text(1)), "deviceId": optional(text(1))})
    if view == "device" and not call.params.get("deviceId"):
        raise bad("missing_params", "Missing deviceId")
    if view in ("summary", "versions") and call.params.get("versionName"):
        raise bad("invalid_params", "versionName is not supported for this view")
    if not call.may_app("app.read", app_id):
        raise bad("app_access_denied", "You can't access this app", app_id=app_id)
    start = _start(call, days)
    period = {
        "requested_days": days,
        "actual_days": days,
        "start": _spelled(start),
        "end": _spelled(call.state.moment()),
    }
    return {"view": view, "app_id": app_id, "period": period, **_HANDLERS[view](call, _events(call, app_id, start))}


def _start(call: Call, days: int) -> datetime:
    now = call.state.moment()
    if days == 1:
        return now - timedelta(days=1)
    return now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)


def _events(call: Call, app_id: str, start: datetime) -> list[Row]:
    """The events of the time that the caller asked for, the newest first."""
    wanted = {"action": "action", "versionName": "version_name", "deviceId": "device_id"}
    asked = {column: call.params[name] for name, column in wanted.items() if call.params.get(name)}
    rows = [row for row in call.state.events if row["app_id"] == app_id and parsed(row["created_at"]) >= start]
    rows = [row for row in rows if all(row[column] == value for column, value in asked.items())]
    return sorted(rows, key=lambda row: row["created_at"], reverse=True)


def _limit(call: Call, view: str) -> int:
    least, most = _LIMITS.get(view, (1, 100))
    asked = number(call.params.get("limit") or 20)
    return int(min(max(asked, least), most)) if asked == asked else 20  # noqa: PLR0124 - not a number


def _summary(call: Call, events: list[Row]) -> Row:
    native = [row for row in events if row["action"] in _ISSUES | _TIMED]
    overview = {"total_events": len(native), "total_devices": _devices(native), **_issues(native)}
    launches, loads = _times(native, _LAUNCH), _times(native, _LOADED)
    overview |= {
        "launch_timeout_count": sum(row["action"] == _TIMEOUT for row in native),
        **{f"launch_p{p}_ms": _percentile(launches, p) for p in (50, 90)},
        **{f"webview_load_p{p}_ms": _percentile(loads, p) for p in (50, 90)},
    }
    breakdown = [
        {"action": action, **_timed(rows, 50, 90, 99), "is_issue": action in _ISSUES}
        for (action,), rows in _grouped(native, "action")
    ]
    breakdown.sort(key=lambda row: -row["events"])
    found = {"findings": _findings(overview), "overview": overview, "actionBreakdown": breakdown[:15]}
    return {**found, **_versions(call, events), **_ADVICE}


def _findings(overview: Row) -> list[Row]:
    if not overview["total_events"]:
        return [_finding("no_data", "info", "No events", {"view": "events"})]
    checks = (
        (
            "launch_p90_critical",
            "critical",
            (overview["launch_p90_ms"] or 0) >= _SLOW,
            {"view": "metrics", "sort": "slowest"},
        ),
        ("launch_timeouts", "warning", overview["launch_timeout_count"], {"view": "events", "action": _TIMEOUT}),
        ("issue_free_critical", "critical", overview["issue_free_rate"] < _FREE, {"view": "versions"}),
        ("top_issue", "warning", overview["issue_count"], {"view": "events"}),
    )
    found = [_finding(name, severity, name, following) for name, severity, holds, following in checks if holds]
    return found or [_finding("healthy", "info", "Nothing stands out", {"view": "versions"})]


def _finding(name: str, severity: str, title: str, following: Row) -> Row:
    return {"id": name, "severity": severity, "title": title, "detail": f"{title}: see the view", "next": following}


def _versions(call: Call, events: list[Row]) -> Row:
    native = [row for row in events if row["action"] in _ISSUES | _TIMED]
    placed = [{**row, "platform": _platform(call, row)} for row in native]
    versions = [
        {
            "version_name": version,
            "platform": platform,
            "channel_name": None,
            "events": len(rows),
            "devices": _devices(rows),
            **_issues(rows),
            "launch_p90_ms": _percentile(_times(rows, _LAUNCH), 90),
            "webview_load_p90_ms": _percentile(_times(rows, _LOADED), 90),
        }
        for (version, platform), rows in _grouped(placed, "version_name", "platform")
    ]
    return {
        "versions": sorted(versions, key=lambda row: -row["devices"])[:12],
        "releaseMarkers": _markers(call, events),
    }


def _markers(call: Call, events: list[Row]) -> list[Row]:
    app_id = events[0]["app_id"] if events else None
    channels = [row for row in call.state.channels.values() if row["app_id"] == app_id and row["public"]]
    return [
        {
            "version_name": call.state.bundles[channel["version"]]["name"],
            "channel_name": channel["name"],
            "deployed_at": channel["updated_at"],
        }
        for channel in channels
        if channel["version"] in call.state.bundles
    ]


def _metrics(call: Call, events: list[Row]) -> Row:
    timed = [row for row in events if row["action"] in _TIMED or call.params.get("action")]
    samples = [_sample(row) for row in timed[:_NEWEST]]
    match call.params.get("sort"):
        case "newest":
            pass
        case "oldest":
            samples.reverse()
        case other:
            samples.sort(key=lambda sample: sample["duration_ms"] or 0, reverse=other != "fastest")
    return {"samples": samples[: _limit(call, "metrics")], "sample_scan": {"rows": len(timed[:_NEWEST])}, "next": None}


def _actions(_: Call, events: list[Row]) -> Row:
    return {"insights": counted(events), "next": None}


def _device(call: Call, events: list[Row]) -> Row:
    rows = [_sample(row) for row in reversed(events[: _limit(call, "device")])]
    return {"device_id": call.params["deviceId"], "events": rows, "sample_scan": {"rows": len(events)}}


def _routes(call: Call, events: list[Row]) -> Row:
    moves = [{**row, "route": _about(row).get("route")} for row in events if row["action"] == _MOVED]
    routes = [{"route": route, **_timed(rows, 50, 90)} for (route,), rows in _grouped(moves, "route")]
    samples = [_sample(row) for row in moves[: _limit(call, "routes")]]
    return {"routes": routes, "samples": samples, "sample_scan": {"rows": len(moves)}, "nav_contract": "app_nav"}


def _sample(row: Row) -> Row:
    about = _about(row)
    shown = {name: row[name] for name in ("device_id", "action", "version_name")}
    timing = {"duration_ms": about.get("duration_ms"), "route": about.get("route"), "metadata": row["metadata"]}
    return {**shown, "created_at": javascript(row["created_at"]), **timing}


def _about(row: Row) -> Row:
    return row["metadata"] or {}


def _platform(call: Call, row: Row) -> str | None:
    device = call.state.devices.get((row["app_id"], row["device_id"]))
    return device["platform"] if device else None


def _issues(rows: list[Row]) -> Row:
    issues = [row for row in rows if row["action"] in _ISSUES]
    devices, affected = _devices(rows), _devices(issues)
    rate = round(100 * (devices - affected) / devices, 1) if devices else None
    return {"issue_count": len(issues), "affected_devices": affected, "issue_free_rate": rate}


def _devices(rows: Iterable[Row]) -> int:
    return len({row["device_id"] for row in rows})


def _times(rows: list[Row], action: str | None = None) -> list[float]:
    about = (_about(row) for row in rows if action is None or row["action"] == action)
    return sorted(one["duration_ms"] for one in about if one.get("duration_ms") is not None)


def _timed(rows: list[Row], *percentiles: int) -> Row:
    times = {f"p{p}_ms": _percentile(_times(rows), p) for p in percentiles}
    return {"events": len(rows), "devices": _devices(rows), **times}


def _percentile(times: list[float], percent: int) -> float | None:
    return times[min(len(times) * percent // 100, len(times) - 1)] if times else None


def _grouped(rows: list[Row], *columns: str) -> Iterable[tuple[tuple[Any, ...], list[Row]]]:
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(row[column] for column in columns)].append(row)
    return groups.items()


def _spelled(moment: datetime) -> str | None:
    return javascript(moment.isoformat())


_HANDLERS: dict[str, Callable[[Call, list[Row]], Row]] = {
    "summary": _summary,
    "metrics": _metrics,
    "events": _actions,
    "device": _device,
    "versions": _versions,
    "routes": _routes,
}

ROUTES = (Route("POST", "/private/observe", observe, source=Source.BODY),)
