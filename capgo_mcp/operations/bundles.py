"""Bundles: uploaded versions of an app.

https://capgo.app/docs/public-api/bundles/
"""

from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from capgo_mcp.api.answers import Ok, Paged, Row
from capgo_mcp.api.errors import NotFound
from capgo_mcp.api.fields import AppId, BundleId, BundleName, ChannelId, ChannelName, Limit, NewBundleName, Page
from capgo_mcp.api.operation import Effect, EmptyPage, Filter, Operation, Paging, Sender
from capgo_mcp.api.text import Timestamp, quoted
from capgo_mcp.operations.channels import GetChannel

Signature = Annotated[str, Field(description="512 hex digits.", pattern=r"^[0-9a-f]{512}$")]


class Bundle(
    Row,
    brief="id name created_at",
    on_request="manifest native_packages key_id r2_path",
):
    """A bundle; `name` is its version. Its signatures and its session key are told by their presence alone."""

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
    key_id: str | None = None
    r2_path: str | None = None
    signed: bool | None = None
    manifest_signed: bool | None = None
    encrypted: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _say_what_is_not_shown(cls, data: Any) -> Any:
        """What opens or proves a bundle is for devices."""
        if not isinstance(data, dict):
            return data
        kinds = (("signed", "signature"), ("manifest_signed", "manifest_signature"), ("encrypted", "session_key"))
        return {**{said: bool(data[name]) for said, name in kinds if name in data}, **data}


class ListBundles(
    Operation[Paged[Bundle]],
    http="GET /bundle",
    needs="app.read_bundles",
    paging=Paging.FIXED,
    empty_when=EmptyPage("cannot_get_bundle", "Cannot get bundle"),
    filters={"version": Filter("name", one=True), "version_id": Filter("id", one=True)},
):
    """List an app's bundles (uploaded versions), newest first. Deleted ones are left out."""

    app_id: AppId
    page: Page = 0
    limit: Limit = 50
    version: Annotated[BundleName | None, Field(description="Only this one.")] = None
    version_id: Annotated[BundleId | None, Field(description="Only this one.", serialization_alias="id")] = None


class CreateBundle(
    Operation[Bundle], http="POST /bundle", needs="app.upload_bundle", effect=Effect.CREATE, envelope="bundle"
):
    """Register a zip that is hosted elsewhere as a new bundle. Capgo neither fetches nor checks it.

    Signatures, session_key and key_id: as Capgo's command line made them.
    """

    app_id: AppId
    version: NewBundleName
    external_url: Annotated[
        str, Field(description="Address of the zip; must start with https://.", pattern="^https://.+")
    ]
    checksum: Annotated[str, Field(description="SHA-256 of the zip, in hex.", min_length=1)]
    signature: Signature | None = None
    manifest_signature: Signature | None = None
    session_key: Annotated[str | None, Field(description="Of an encrypted zip.", min_length=1)] = None
    key_id: Annotated[str | None, Field(description="Public key it is encrypted with.", min_length=1)] = None


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
    says={"target": "stable"},  # unsaid, some Capgo would replace the candidate of a rollout instead
):
    """Deploy a bundle to a channel, or roll back, with a key that may not change channels; else set_channel.

    Bundle and channel by name or by id. Takes it to all devices at once, and ends a running rollout.
    """

    app_id: AppId
    # For whoever calls; the route itself knows ids alone.
    version: Annotated[BundleName | None, Field(exclude=True)] = None
    channel: Annotated[ChannelName | None, Field(exclude=True)] = None
    version_id: BundleId | None = None
    channel_id: ChannelId | None = None

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        for name, number in (("version", "version_id"), ("channel", "channel_id")):
            if (getattr(self, name) is None) is (getattr(self, number) is None):
                raise ValueError(f"give {name} or {number}")
        return self

    async def resolved(self, capgo: Sender) -> Self:
        """The same with the ids of bundle and channel.

        Raises:
            NotFound: There is no such bundle or channel.
            CapgoError: They could not be looked up.
        """
        channel_id, version_id = self.channel_id, self.version_id
        if self.channel is not None:
            channel_id = (await capgo.send(GetChannel(app_id=self.app_id, channel=self.channel))).id
        if self.version is not None:
            bundles = (await capgo.send(ListBundles(app_id=self.app_id, version=self.version))).items
            version_id = bundles[0].id if bundles else None
        if channel_id is None or version_id is None:
            sentence = f"There is no bundle {quoted(str(self.version))}, so nothing was sent."
            raise NotFound("bundle_not_found", sentence, "See capgo_list_bundles.")
        return self.of_told(app_id=self.app_id, version_id=version_id, channel_id=channel_id)


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
