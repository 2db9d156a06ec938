"""Push notifications, to read only. Not documented by Capgo."""

from typing import Annotated

from pydantic import ConfigDict, Field

from capgo_mcp.api.answers import Listing, Row
from capgo_mcp.api.fields import AppId
from capgo_mcp.api.operation import Operation


class PushSettings(Row):
    """How an app's devices are told about updates by push."""

    push_update_enabled: bool | None = None
    push_update_install_mode: str | None = None
    push_update_channel: str | None = None


class Campaign(Row):
    """A campaign, with whatever Capgo tells about it."""

    model_config = ConfigDict(extra="allow")

    id: str | None = None
    name: str | None = None


class Counts(Row, identity=""):
    """Delivery counts, with whatever Capgo tells about them."""

    model_config = ConfigDict(extra="allow")


class GetNotificationSettings(
    Operation[PushSettings], http="GET /notifications/settings", needs="app.manage_notifications"
):
    """Read an app's push-update settings."""

    app_id: AppId


class ListNotificationCampaigns(
    Operation[Listing[Campaign]], http="GET /notifications/campaigns", needs="app.manage_notifications"
):
    """List an app's latest 100 notification campaigns."""

    app_id: AppId


class GetNotificationStatistics(
    Operation[Listing[Counts]], http="GET /notifications/stats", needs="app.manage_notifications"
):
    """Delivery counts of an app's notifications."""

    app_id: AppId
    days: Annotated[int, Field(description="Days to look back.", ge=1, le=365)] = 30
    campaign_id: Annotated[str | None, Field(description="Only this campaign.")] = None
