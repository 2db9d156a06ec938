"""Apps: one Capacitor app each.

https://capgo.app/docs/public-api/app/
"""

from typing import Annotated, Final

from pydantic import Field

from capgo_mcp.api.answers import Ok, Paged, Row
from capgo_mcp.api.fields import AppId, Limit, OrgId, Page
from capgo_mcp.api.operation import Effect, Guard, Operation, Paging
from capgo_mcp.api.text import Timestamp

DAY = 86_400
_STORE_PAGES: Final = (
    "Create the app first; capgo_set_app_settings, in the toolset app_settings, takes its store pages."
)

AppName = Annotated[str, Field(description="Name people see.", min_length=1)]
Icon = Annotated[str, Field(description="URL or storage path.")]
Retention = Annotated[
    int | None,
    Field(
        description="Seconds (not days) until a bundle no channel serves is deleted, e.g. 2592000.",
        ge=0,
        # Two years, the most that Capgo takes.
        le=63_113_903,
    ),
    Guard(
        lambda seconds: seconds is not None and seconds < DAY,
        "retention is in seconds: a value under a day (86400) makes Capgo delete, at its next daily clean-up, nearly "
        "every bundle that no channel serves",
    ),
]


class App(
    Row,
    identity="app_id",
    brief="app_id name last_version owner_org updated_at",
    on_request="icon_url transfer_history stats_refresh_requested_at",
):
    """An app and its settings; `retention` is in seconds."""

    app_id: str | None = None
    name: str | None = None
    last_version: str | None = None
    owner_org: str | None = None
    id: str | None = None
    user_id: str | None = None
    retention: int | None = None
    default_upload_channel: str | None = None
    allow_preview: bool | None = None
    allow_device_custom_id: bool | None = None
    expose_metadata: bool | None = None
    block_provider_infra_requests: bool | None = None
    existing_app: bool | None = None
    need_onboarding: bool | None = None
    created_from_onboarding: bool | None = None
    onboarding_completed_at: Timestamp | None = None
    ios_store_url: str | None = None
    android_store_url: str | None = None
    build_timeout_seconds: int | None = None
    build_timeout_updated_at: Timestamp | None = None
    channel_device_count: int | None = None
    manifest_bundle_count: int | None = None
    rollout_channel_count: int | None = None
    rollout_paused_version_names: list[str] | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None
    stats_updated_at: Timestamp | None = None
    icon_url: str | None = None
    transfer_history: list[dict[str, object]] | None = None
    stats_refresh_requested_at: Timestamp | None = None


class ListApps(Operation[Paged[App]], http="GET /app", needs="app.read", paging=Paging.SIZED):
    """List the apps this key can read: id, name, latest bundle, owner."""

    org_id: OrgId | None = None
    page: Page = 0
    limit: Limit = 50


class GetApp(Operation[App], http="GET /app/{app_id}", needs="app.read"):
    """Read one app's settings: retention, latest bundle, default upload channel, owner."""

    app_id: AppId


class CreateApp(
    Operation[App],
    http="POST /app",
    needs="org.create_app",
    effect=Effect.CREATE,
    refuses=dict.fromkeys(("ios_store_url", "android_store_url"), _STORE_PAGES),
):
    """Add a new app for an organization: create it with an id and a name. The id is unique and stays taken."""

    app_id: AppId
    name: AppName
    owner_org: Annotated[OrgId, Field(description="UUID of its organization.")]
    icon: Icon | None = None


class UpdateApp(Operation[App], http="PUT /app/{app_id}", needs="app.update_settings", effect=Effect.CHANGE):
    """Change an app's settings: set name, icon or retention (in seconds). Only what is given changes."""

    app_id: AppId
    name: AppName | None = None
    icon: Icon | None = None
    retention: Retention = None
    block_provider_infra_requests: Annotated[
        bool | None, Field(description="Refuse update requests from cloud providers' addresses.")
    ] = None


class DeleteApp(Operation[Ok], http="DELETE /app/{app_id}", needs="app.delete", by_name=True, effect=Effect.DELETE):
    """Delete an app with all its bundles, channels, devices and statistics. No undo."""

    app_id: AppId
