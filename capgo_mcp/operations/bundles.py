"""Bundles: uploaded versions of an app.

https://capgo.app/docs/public-api/bundles/
"""

from typing import Annotated

from pydantic import Field

from capgo_mcp.api.answers import Ok, Paged, Row, Timestamp
from capgo_mcp.api.fields import AppId, BundleId, BundleName, ChannelId, Limit, NewBundleName, Page
from capgo_mcp.api.operation import Effect, EmptyPage, Operation, Paging


class Bundle(
    Row,
    brief="id name created_at",
    on_request="manifest native_packages session_key key_id r2_path",
):
    """A bundle; `name` is its version."""

    id: int | None = None
    name: str | None = None
    created_at: Timestamp | None = None
    comment: str | None = None
    link: str | None = None
    app_id: str | None = None
    checksum: str | None = None
    external_url: str | None = None
    storage_provider: str | None = None
    min_update_version: str | None = None
    manifest_count: int | None = None
    deleted: bool | None = None
    deleted_at: Timestamp | None = None
    cli_version: str | None = None
    owner_org: str | None = None
    user_id: str | None = None
    created_by_apikey_rbac_id: str | None = None
    updated_at: Timestamp | None = None
    manifest: list[dict[str, object]] | None = None
    native_packages: list[dict[str, object]] | None = None
    session_key: str | None = None
    key_id: str | None = None
    r2_path: str | None = None


class ListBundles(
    Operation[Paged[Bundle]],
    http="GET /bundle",
    needs="app.read_bundles",
    paging=Paging.FIXED,
    empty_when=EmptyPage("cannot_get_bundle", "Cannot get bundle"),
):
    """List an app's bundles (uploaded versions), newest first. Deleted ones are left out."""

    app_id: AppId
    page: Page = 0
    limit: Limit = 50


class CreateBundle(
    Operation[Bundle], http="POST /bundle", needs="app.upload_bundle", effect=Effect.CREATE, envelope="bundle"
):
    """Register a zip that is hosted elsewhere as a new bundle. Capgo neither fetches nor checks it."""

    app_id: AppId
    version: NewBundleName
    external_url: Annotated[
        str, Field(description="Address of the zip; must start with https://.", pattern="^https://.+")
    ]
    checksum: Annotated[str, Field(description="SHA-256 of the zip, in hex.", min_length=1)]


class SetBundleMetadata(Operation[Ok], http="POST /bundle/metadata", needs="app.upload_bundle", effect=Effect.CHANGE):
    """Set a bundle's comment or link (release notes)."""

    app_id: AppId
    version_id: BundleId
    comment: Annotated[str | None, Field(description="Comment people see.")] = None
    link: Annotated[str | None, Field(description="Link, e.g. to a commit or release notes.")] = None


class SetBundleChannel(
    Operation[Ok],
    http="PUT /bundle",
    needs="channel.promote_bundle",
    effect=Effect.CHANGE,
    controls=("expected_version",),
):
    """Deploy or roll back by ids: make a bundle the one a channel serves. Needs fewer rights than set_channel."""

    app_id: AppId
    version_id: BundleId
    channel_id: ChannelId


class DeleteBundle(
    Operation[Ok],
    http="DELETE /bundle",
    needs="bundle.delete",
    effect=Effect.DELETE,
    refuses={"bundle": "Name the bundle in `version`."},
):
    """Delete one bundle that no channel serves. Its version name stays taken for 90 days or more."""

    app_id: AppId
    version: BundleName


class DeleteAllBundles(
    Operation[Ok],
    http="DELETE /bundle",
    needs="bundle.delete",
    by_name=True,
    effect=Effect.DELETE,
    refuses={
        "version": "This tool deletes every bundle; to delete one, call capgo_delete_bundle.",
        "bundle": "This tool deletes every bundle; to delete one, call capgo_delete_bundle.",
    },
):
    """Delete every bundle of an app that no channel serves."""

    app_id: AppId
