"""Usage of native builds (the version from the app store). Not documented by Capgo."""

from typing import Any

from pydantic import Field

from capgo_mcp.api.answers import Answer
from capgo_mcp.api.fields import AppId
from capgo_mcp.api.operation import Operation
from capgo_mcp.operations.statistics import FirstDay, LastDay, Period, Share, Shares


class ActiveDevices(Answer):
    """Devices that were active, by platform and in all."""

    android: int | None = None
    ios: int | None = None
    electron: int | None = None
    unknown: int | None = None
    total: int | None = None


class NativeUsage(Shares):
    """Which share of the devices ran which native build, per day in `days`; active ones now and in as long before."""

    builds: list[Share] = Field(validation_alias="datasets")
    latest_version: dict[str, Any] | None = None
    active_devices: ActiveDevices | None = None
    previous_period_active_devices: ActiveDevices | None = None


class GetNativeUsage(
    Operation[NativeUsage], Period, http="GET /statistics/app/{app_id}/native_usage", needs="app.read"
):
    """Adoption of native builds: share and number of devices on each store version, by day."""

    app_id: AppId
    from_date: FirstDay
    to_date: LastDay
