"""Statistics: daily series and shares of bundles."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.sandbox.answers import ErrorAnswer, Row
from capgo_mcp.sandbox.auth import Middleware
from capgo_mcp.sandbox.call import Call
from capgo_mcp.sandbox.routing import Route
from capgo_mcp.sandbox.schema import ABSENT, check, one_of, optional
from capgo_mcp.sandbox.times import is_moment, parsed

_FIGURES = ("mau", "storage", "storage_byte_hours", "bandwidth", "build_time_seconds")
_TEXT_FLAG = optional(one_of("true", "false"))

Days = dict[tuple[str, str], dict[str, int]]


def _moment(name: str) -> Any:
    def rule(value: Any) -> Row | None:
        if value is ABSENT or not value:
            return {"message": f"{name} is required", "code": "custom"}
        return None if is_moment(value) else {"message": f"{name} must be a valid date", "code": "custom"}

    return rule


_PERIOD = {"from": _moment("from"), "to": _moment("to"), "noAccumulate": _TEXT_FLAG, "breakdown": _TEXT_FLAG}


@dataclass(frozen=True)
class _Period:
    """The days asked for, and whether running totals are wanted."""

    first: date
    end: date
    today: date
    accumulate: bool

    def days(self) -> list[date]:
        """The days from the first to the one before the end, without the future."""
        # A reversed period is not refused: it gives as many days, and they mean nothing.
        count = min(abs((self.end - self.first).days), (self.today - self.first).days + 1)
        return [self.first + timedelta(days=n) for n in range(count)]

    def labels(self) -> list[str]:
        """The days including both ends, as the shares are labelled."""
        return [str(self.first + timedelta(days=n)) for n in range((self.end - self.first).days + 1)]


def _period(call: Call) -> _Period:
    check(call.params, _PERIOD)
    first, end = (parsed(call.params[name]).date() for name in ("from", "to"))
    return _Period(first, end, call.state.moment().date(), call.params.get("noAccumulate") != "true")


def app_series(call: Call) -> list[Row]:
    """Give the daily figures of an app."""
    period = _period(call)
    app_id = _readable_app(call)
    return _points(_series(call, period, [app_id]), period, _opening(call, period, [app_id]))


def bundle_usage(call: Call) -> Row:
    """Give the share of devices each bundle had on each day."""
    period = _period(call)
    return _shares(call.state.bundle_days, _readable_app(call), period.labels())


def native_usage(call: Call) -> Row:
    """Give the share of devices each native build had on each day, and the newest build's."""
    period = _period(call)
    answer = _shares(call.state.native_days, _readable_app(call), period.labels())
    newest = max(answer["datasets"], key=lambda d: _numbers(d["label"]), default=None)
    latest = {"name": newest["label"], "percentage": f"{newest['data'][-1]:.1f}"} if newest else None
    answer["latestVersion"] = latest or {"name": "", "percentage": "0.0"}
    if call.state.behaviour is Behaviour.JULY:
        return answer
    length = period.end - period.first + timedelta(days=1)
    before = replace(period, first=period.first - length, end=period.end - length)
    totals = {"activeDevices": _active(call, period), "previousPeriodActiveDevices": _active(call, before)}
    return {**answer, **totals, "dailyPlatformActive": _daily(call, period)}


def _daily(call: Call, period: _Period) -> Row:
    """Count the active devices of each day by platform, a list of numbers for each."""
    days = [_active(call, replace(period, first=day, end=day)) for day in map(date.fromisoformat, period.labels())]
    return {"labels": period.labels(), **{name: [day[name] for day in days] for name in _active(call, period)}}


def _active(call: Call, period: _Period) -> Row:
    """Count the active devices of an app's busiest day, shared out as the platforms are in its fleet."""
    app_id = _readable_app(call)
    total = max((sum(call.state.native_days.get((app_id, day), {}).values()) for day in period.labels()), default=0)
    fleet = Counter(device["platform"] for (app, _), device in call.state.devices.items() if app == app_id)
    counts = {name: round(total * fleet[name] / max(1, fleet.total())) for name in ("android", "ios", "electron")}
    return {**counts, "unknown": total - sum(counts.values()), "total": total}


def org_series(call: Call) -> list[Row] | Row:
    """Give the daily figures of an organization, on request also app by app."""
    period = _period(call)
    org_id = call.path["org_id"]
    if not call.may_org("org.read", org_id):
        raise ErrorAnswer(401, "no_access_to_organization", "No access to organization", {"data": call.key["user_id"]})
    _check_paid(call, org_id)
    apps = [app["app_id"] for app in call.state.apps.values() if app["owner_org"] == org_id]
    total = _points(_series(call, period, apps), period, _opening(call, period, apps))
    if call.params.get("breakdown") != "true":
        return total
    # An app's storage starts from no growth here, the total from what was stored: the two do not add up.
    by_app = [{**p, "app_id": a} for a in apps for p in _points(_series(call, period, [a]), period, 0)]
    return {"global": total, "byApp": by_app}


def user_series(call: Call) -> list[Row]:
    """Give the daily figures of every app the key can read; one unpaid organization spoils the call."""
    period = _period(call)
    orgs = [org_id for org_id in call.state.orgs if call.may_org("org.read", org_id)]
    if not orgs:
        raise ErrorAnswer(401, "no_organizations_found", "No organizations found", {"data": call.key["user_id"]})
    for org_id in orgs:
        _check_paid(call, org_id)
    apps = [app_id for app_id in call.state.apps if call.may_app("app.read", app_id)]
    if not apps:
        raise ErrorAnswer(404, "apps_not_found", "Apps not found", {"data": call.key["user_id"]})
    points = _points(_series(call, period, apps), period, _opening(call, period, apps))
    # The backend forgets to add this one up: it keeps the first app's.
    first = _points(_series(call, period, apps[:1]), period, 0)
    return [{**p, "storage_byte_hours": f["storage_byte_hours"]} for p, f in zip(points, first, strict=True)]


def _readable_app(call: Call) -> str:
    app_id = call.path["app_id"]
    if not call.may_app("app.read", app_id):
        raise ErrorAnswer(401, "no_access_to_app", "No access to app", {"data": call.key["user_id"]})
    _check_paid(call, call.state.apps[app_id]["owner_org"])
    return app_id


def _check_paid(call: Call, org_id: str) -> None:
    # The check runs with the caller's rights: who may not read the organization sees one that does not pay.
    if org_id in call.state.unpaid or not call.may_org("org.read", org_id):
        raise ErrorAnswer(402, "subscription_required", "Subscription required", {"org_id": org_id})


def _series(call: Call, period: _Period, apps: list[str]) -> list[Row]:
    usage = call.state.usage
    empty: Row = dict.fromkeys(_FIGURES, 0)
    days = [(day, [usage.get((app_id, str(day)), empty) for app_id in apps]) for day in period.days()]
    return [
        {**{figure: sum(row[figure] for row in rows) for figure in _FIGURES}, "date": f"{day}T00:00:00.000Z"}
        for day, rows in days
    ]


def _opening(call: Call, period: _Period, apps: Iterable[str]) -> int:
    wanted = set(apps)
    rows = (row for (app_id, day), row in call.state.usage.items() if app_id in wanted and day < str(period.first))
    return sum(row["storage"] for row in rows)


def _points(series: list[Row], period: _Period, opening: int) -> list[Row]:
    """Turn daily changes into what is answered: running totals unless they were declined."""
    if series:
        series[0]["storage"] += opening
    if period.accumulate:
        for before, point in pairwise(series):
            for figure in _FIGURES:
                point[figure] += before[figure]
    return series


def _shares(days: Days, app_id: str, labels: list[str]) -> Row:
    counts = [days.get((app_id, label), {}) for label in labels]
    totals = [sum(count.values()) for count in counts]
    seen = Counter(name for count in counts for name in count)
    datasets = [
        {
            "label": name,
            "data": [_percent(count.get(name, 0), total) for count, total in zip(counts, totals, strict=True)],
            "metaCounts": [count.get(name, 0) for count in counts],
        }
        for name in sorted(seen, key=_numbers, reverse=True)
    ]
    return {"labels": labels, "datasets": datasets}


def _percent(count: int, total: int) -> float:
    return round(100 * count / total, 1) if total else 0


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.partition("-")[0].split(".") if part.isdigit())


ROUTES = (
    Route("GET", "/statistics/user", user_series, Middleware.AUTH),
    Route("GET", "/statistics/app/{app_id}", app_series, Middleware.AUTH),
    Route("GET", "/statistics/app/{app_id}/bundle_usage", bundle_usage, Middleware.AUTH),
    Route("GET", "/statistics/app/{app_id}/native_usage", native_usage, Middleware.AUTH),
    Route("GET", "/statistics/org/{org_id}", org_series, Middleware.AUTH),
)
