"""Usage by day. Days are UTC, storage and bandwidth are bytes.

https://capgo.app/docs/public-api/statistics/
"""

from datetime import date, timedelta
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, BeforeValidator, Field, ValidationInfo, model_validator

from capgo_mcp.api.answers import Answer
from capgo_mcp.api.fields import AppId, OrgId, sent_as
from capgo_mcp.api.operation import Operation

# Documented as a day, and told as a moment.
Day = Annotated[str, BeforeValidator(lambda moment: str(moment)[:10])]
# Within these bounds, no day before or after leaves the calendar.
_CALENDAR = Field(ge=date(2010, 1, 1), lt=date(2200, 1, 1))
FirstDay = Annotated[date, _CALENDAR, Field(description="First day, e.g. 2026-11-01.", serialization_alias="from")]
LastDay = Annotated[date, _CALENDAR, Field(description="Last day, included.", serialization_alias="to")]
LastDayOfSeries = Annotated[
    LastDay,
    sent_as(lambda day: (day + timedelta(days=1)).isoformat()),  # the API leaves out the day `to`
]
Daily = Annotated[
    bool,
    Field(
        description="Each day's own values instead of running totals.",
        serialization_alias="noAccumulate",
    ),
]


_NOT_COUNTED: Final = "Nothing is counted for {} and later: Capgo counts a day after it has ended."
_NOTHING: Final = "Nothing is counted in this time: Capgo counts a day after it has ended."


class Usage(Answer):
    """Usage in numbers: devices active, bytes stored, bytes sent, seconds of native builds."""

    mau: int | None = None
    storage: int | None = None
    storage_byte_hours: float | None = None
    bandwidth: int | None = None
    build_time_seconds: int | None = None


class Dated(Answer):
    """Something of one day."""

    date: Day | None = None


class DayUsage(Usage, Dated):
    """Usage on one day, or up to and including it."""


class AppUsage(Usage):
    """Usage of one app; `storage` is what was added since the first day."""

    app_id: str | None = None


def _total(rows: list[dict[str, Any]], *, daily: bool) -> dict[str, Any]:
    """The figures of a whole series: of running totals the last row, of daily values their sum."""
    if not daily:
        return rows[-1] if rows else {}
    told = {name for row in rows for name in row}
    return {name: sum(row.get(name) or 0 for row in rows) for name in Usage.model_fields if name in told}


def _last_counted(rows: list[dict[str, Any]], *, daily: bool) -> int:
    """How many days of a series there are up to the last one that brought anything of its own."""
    last = 0
    for number, row in enumerate(rows):
        before = {} if daily or not number else rows[number - 1]
        # The first row has what was stored before as well.
        names = Usage.model_fields if number else ("mau", "bandwidth", "build_time_seconds")
        if any((row.get(name) or 0) != (before.get(name) or 0) for name in names):
            last = number + 1
    return last


class UsageSeries(Answer):
    """Usage in total and by day. When `accumulated`, each day counts from the first day on: do not sum them.

    Days that Capgo has not counted yet are left out, and `note` tells which.
    """

    accumulated: bool
    total: Usage
    days: list[DayUsage] | None = None
    by_app: list[AppUsage] | None = None
    note: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _with_totals(cls, body: Any, info: ValidationInfo) -> Any:
        """The wire is a bare series, or one over all apps beside one per app."""
        series = body.get("global") if isinstance(body, dict) else body
        if not isinstance(series, list) or info.context is None:
            return body
        daily = bool(info.context.daily)
        counted = _last_counted(series, daily=daily)
        answer: dict[str, Any] = {"accumulated": not daily, "total": _total(series, daily=daily)}
        answer["days"] = series[:counted] or series
        if counted < len(series):
            answer["note"] = _NOT_COUNTED.format(str(series[counted].get("date"))[:10]) if counted else _NOTHING
        if isinstance(body, dict) and isinstance(rows := body.get("byApp"), list):
            names = dict.fromkeys(row.get("app_id") for row in rows)
            of_app = {name: [row for row in rows if row.get("app_id") == name] for name in names}
            if not daily and info.context.breakdown:  # who asks for apps has not asked for days
                del answer["days"]
            answer["by_app"] = [{**_total(of_app[name], daily=daily), "app_id": name} for name in names]
        return answer


class Share(Answer):
    """One version's share of the devices: percent and number per day, and on the last day."""

    name: str | None = Field(None, validation_alias="label")
    percent: list[float] = Field(default=[], validation_alias="data")
    devices: list[int] = Field(default=[], validation_alias="metaCounts")
    latest_percent: float | None = None
    latest_devices: int | None = None

    @model_validator(mode="before")
    @classmethod
    def _with_latest(cls, body: Any) -> Any:
        if not isinstance(body, dict):
            return body
        percent, devices = body.get("data") or [None], body.get("metaCounts") or [None]
        return {**body, "latest_percent": percent[-1], "latest_devices": devices[-1]}


_FIGURES: Final = ("data", "metaCounts")


class Shares(Answer):
    """Shares of the devices by day; days that Capgo has not counted yet are left out, and `note` tells which."""

    days: list[Day] = Field(validation_alias="labels")
    note: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_days_to_come(cls, body: Any) -> Any:
        if not isinstance(body, dict):
            return body
        days, shares = body.get("labels"), body.get("datasets")
        if not isinstance(days, list) or not isinstance(shares, list):
            return body
        shares = [row for row in shares if isinstance(row, dict)]
        figures = [row[name] for row in shares for name in _FIGURES if isinstance(row.get(name), list)]
        counted = max((n + 1 for row in figures for n, figure in enumerate(row) if figure), default=len(days))
        if counted >= len(days):
            return body
        cut = [
            {
                name: value[:counted] if name in _FIGURES and isinstance(value, list) else value
                for name, value in row.items()
            }
            for row in shares
        ]
        note = _NOT_COUNTED.format(str(days[counted])[:10])
        return {**body, "labels": days[:counted], "datasets": cut, "note": note}


class BundleUsage(Shares):
    """Which share of the devices ran which bundle, per day in `days`."""

    bundles: list[Share] = Field(validation_alias="datasets")


class Period(BaseModel):
    """Arguments that name a span of days."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if getattr(self, "from_date") > getattr(self, "to_date"):  # noqa: B009 - the fields stand in the operations
            msg = "from_date must not be later than to_date"
            raise ValueError(msg)
        return self


class GetAppStatistics(Operation[UsageSeries], Period, http="GET /statistics/app/{app_id}", needs="app.read"):
    """Usage of one app by day and in total: monthly active users (MAU), bandwidth, storage."""

    app_id: AppId
    from_date: FirstDay
    to_date: LastDayOfSeries
    daily: Daily = False


class GetBundleUsage(
    Operation[BundleUsage], Period, http="GET /statistics/app/{app_id}/bundle_usage", needs="app.read"
):
    """Adoption of bundles: share and number of devices on each version, by day."""

    app_id: AppId
    from_date: FirstDay
    to_date: LastDay


class GetOrganizationStatistics(Operation[UsageSeries], Period, http="GET /statistics/org/{org_id}", needs="org.read"):
    """Usage of an organization by day and in total: MAU, bandwidth, storage; with breakdown, of each app instead."""

    org_id: OrgId
    from_date: FirstDay
    to_date: LastDayOfSeries
    daily: Daily = False
    breakdown: Annotated[bool, Field(description="Totals of each app; of days only with daily.")] = False


class GetUserStatistics(Operation[UsageSeries], Period, http="GET /statistics/user", needs="app.read"):
    """Usage summed over all apps this key can read, by day and in total."""

    from_date: FirstDay
    to_date: LastDayOfSeries
    daily: Daily = False
