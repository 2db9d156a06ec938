"""Devices that run an app, and the channel each is pinned to.

https://capgo.app/docs/public-api/devices/
"""

from typing import Annotated, Literal, Self

from pydantic import AliasChoices, AliasPath, BaseModel, Field, model_validator

from capgo_mcp.api.answers import CursorPaged, Ok, Row
from capgo_mcp.api.errors import NotFound
from capgo_mcp.api.fields import AppId, ChannelName, DeviceId, Limit, Since
from capgo_mcp.api.operation import Effect, Filter, Operation, Paging, Sender
from capgo_mcp.api.text import Timestamp, quoted

CustomId = Annotated[str, Field(description="Exact, instead of device_id.", min_length=1, max_length=36)]


class Device(
    Row,
    identity="device_id",
    brief="device_id custom_id platform version_name channel is_emulator is_prod updated_at",
    on_request="key_id",
):
    """A device; `channel` is there when it is pinned (has an override), `version` is the id of its bundle.

    The pages show `version: {id, name}`; the backend answers `version` and `version_name`.
    """

    device_id: str | None = None
    custom_id: str | None = None
    platform: str | None = None
    version_name: Annotated[
        str | None, Field(validation_alias=AliasChoices("version_name", "versionName", AliasPath("version", "name")))
    ] = None
    channel: str | None = None
    os_version: str | None = None
    plugin_version: str | None = None
    version_build: str | None = None
    version: Annotated[int | None, Field(validation_alias=AliasChoices(AliasPath("version", "id"), "version"))] = None
    is_prod: bool | None = True
    is_emulator: bool | None = False
    install_source: str | None = None
    country_code: str | None = None
    app_id: str | None = None
    updated_at: Timestamp | None = None
    key_id: str | None = None


class ListDevices(
    Operation[CursorPaged[Device]],
    http="GET /device",
    needs="app.read_devices",
    paging=Paging.CURSOR,
    filters={"custom_id": Filter("custom_id")},
    # Capgo looks the pins of a page up by one address with all its ids. Where a gateway finds that too long, pins
    # are missing without a word.
    at_once=150,
    if_empty="Capgo answers an empty list also when its device store is out of reach.",
    refuses={"page": "Devices have no pages: pass the answer's `next` as `cursor`."},
):
    """List an app's devices: bundle version each runs, platform, pinned channel, last seen."""

    app_id: AppId
    limit: Limit = 50
    cursor: Annotated[str | None, Field(description="`next` of the previous answer, unchanged.")] = None
    custom_id_mode: Annotated[
        bool, Field(description="Only those with a custom id.", serialization_alias="customIdMode")
    ] = False
    custom_id: Annotated[
        str | None, Field(description="Only devices with exactly this one.", min_length=1, max_length=36)
    ] = None
    updated_since: Annotated[
        Since | None,
        Field(description="Only those seen since, e.g. 2026-11-01 or 7d.", serialization_alias="updated_at"),
    ] = None
    order: Annotated[
        Literal["asc", "desc"] | None, Field(description="Sort by last seen; without it by device id.")
    ] = None


class OneDevice(BaseModel):
    """Arguments that name one device, by its id or by the one that the app gave it."""

    app_id: AppId
    device_id: DeviceId | None = None
    custom_id: CustomId | None = None

    @model_validator(mode="after")
    def _one_device(self) -> Self:
        if (self.device_id is None) == (self.custom_id is None):
            raise ValueError("give device_id or custom_id, one of them")
        return self


class GetDevice(Operation[Device], OneDevice, http="GET /device", needs="app.read_devices"):
    """Read one device: bundle it runs, platform, plugin and OS version, pinned channel, last seen.

    Takes device_id or custom_id.
    """

    async def resolved(self, capgo: Sender) -> Self:
        """The same with the device id: of several devices with the custom id, the one that was seen last.

        Raises:
            NotFound: No device has it.
            CapgoError: The devices could not be read.
        """
        if self.custom_id is None:
            return self
        # A Capgo that ignores `custom_id` knows the mode at least, and leaves out the many devices that have none.
        asked = ListDevices(app_id=self.app_id, custom_id_mode=True, custom_id=self.custom_id, order="desc", limit=1)
        while True:
            answer = await capgo.send(asked)
            if answer.items and answer.items[0].device_id:
                return type(self)(app_id=self.app_id, device_id=answer.items[0].device_id)
            if answer.next is None:
                break
            asked = asked.model_copy(update={"cursor": answer.next})
        sentence = f"No device has the custom id {quoted(self.custom_id)}."
        raise NotFound("device_not_found", sentence, "Look for a part of it with capgo_find_devices.")


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
    """Pin a device to a private channel (override) for 90 days. Setting it again within 60 s is refused."""

    app_id: AppId
    device_id: DeviceId
    channel: ChannelName


class UnsetDeviceChannel(Operation[Ok], http="DELETE /device", needs="app.manage_devices", effect=Effect.DELETE):
    """Unpin a device: remove its channel override, so that it follows the default channel again."""

    app_id: AppId
    device_id: DeviceId
