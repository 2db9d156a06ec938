"""Devices that run an app, and the channel each is pinned to.

https://capgo.app/docs/public-api/devices/
"""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from capgo_mcp.api.answers import CursorPaged, Ok, Row, Timestamp
from capgo_mcp.api.fields import AppId, ChannelName, DeviceId, Limit
from capgo_mcp.api.operation import Effect, Operation, Paging


class Device(
    Row,
    identity="device_id",
    brief="device_id custom_id platform version_name channel is_emulator is_prod updated_at",
    on_request="key_id",
):
    """A device; `channel` is there when it is pinned (has an override), `version` is the id of its bundle."""

    device_id: str | None = None
    custom_id: str | None = None
    platform: str | None = None
    version_name: str | None = None
    channel: str | None = None
    os_version: str | None = None
    plugin_version: str | None = None
    version_build: str | None = None
    version: int | None = None
    is_prod: bool | None = True
    is_emulator: bool | None = False
    install_source: str | None = None
    country_code: str | None = None
    app_id: str | None = None
    updated_at: Timestamp | None = None
    key_id: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _documented_version(cls, data: Any) -> Any:
        """The pages show `version: {id, name}`; the backend answers `version` and `version_name`."""
        if isinstance(data, dict) and isinstance(version := data.get("version"), dict):
            return {"version_name": version.get("name"), **data, "version": version.get("id")}
        return data


class ListDevices(
    Operation[CursorPaged[Device]],
    http="GET /device",
    needs="app.read_devices",
    paging=Paging.CURSOR,
    at_once=150,
    if_empty="Capgo answers an empty list also when its device store is out of reach.",
    refuses={"page": "Devices have no pages: pass the answer's `next` as `cursor`."},
):
    """List an app's devices: bundle version each runs, platform, pinned channel, last seen."""

    app_id: AppId
    limit: Limit = 50
    cursor: Annotated[str | None, Field(description="`next` of the previous answer, unchanged.")] = None
    custom_id_mode: Annotated[
        bool, Field(description="Only devices that have a custom id.", serialization_alias="customIdMode")
    ] = False
    updated_since: Annotated[
        str | None,
        Field(
            description="Only devices seen after this moment, e.g. 2026-11-01T00:00:00Z.",
            serialization_alias="updated_at",
        ),
    ] = None
    order: Annotated[
        Literal["asc", "desc"] | None, Field(description="Sort by last seen; without it by device id.")
    ] = None


class GetDevice(Operation[Device], http="GET /device", needs="app.read_devices"):
    """Read one device: bundle it runs, platform, plugin and OS version, pinned channel, last seen."""

    app_id: AppId
    device_id: DeviceId


class SetDeviceChannel(
    Operation[Ok],
    http="POST /device",
    needs="channel.manage_forced_devices",
    effect=Effect.CHANGE,
    refuses={
        "version_id": "Capgo refuses version_id (invalid_version_id): a device cannot be set to a bundle. Put the "
        "bundle on a private channel with capgo_set_channel, then pin the device to that channel here.",
    },
):
    """Pin a device to a private channel (override). The same device and channel again within 60 s is refused."""

    app_id: AppId
    device_id: DeviceId
    channel: ChannelName


class UnsetDeviceChannel(Operation[Ok], http="DELETE /device", needs="app.manage_devices", effect=Effect.DELETE):
    """Unpin a device: remove its channel override, so that it follows the default channel again."""

    app_id: AppId
    device_id: DeviceId
