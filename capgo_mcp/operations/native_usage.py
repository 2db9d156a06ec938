"""Usage of native builds (the version from the app store). Not documented by Capgo."""

from typing import Any

from pydantic import Field

from capgo_mcp.api.fields import AppId
from capgo_mcp.api.operation import Operation
from capgo_mcp.operations.statistics import FirstDay, LastDay, Period, Share, Shares


class NativeUsage(Shares):
    """Which share of the devices ran which native build, per day in `days`."""

    builds: list[Share] = Field(validation_alias="datasets")
    latest_version: dict[str, Any] | None = None


class GetNativeUsage(
    Operation[NativeUsage], Period, http="GET /statistics/app/{app_id}/native_usage", needs="app.read"
):
    """Adoption of native builds: share and number of devices on each store version, by day."""

    app_id: AppId
    from_date: FirstDay
    to_date: LastDay
