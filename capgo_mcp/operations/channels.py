"""Channels: which bundle an app's devices receive.

https://capgo.app/docs/public-api/channels/
"""

from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AliasGenerator,
    BeforeValidator,
    Field,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from pydantic.alias_generators import to_camel

from capgo_mcp.api import rollout
from capgo_mcp.api.answers import Answer, Ok, Paged, Row
from capgo_mcp.api.channel_edit import PERCENT, ChannelRow, Edit
from capgo_mcp.api.fields import AppId, BundleName, ChannelName, Limit, Page, Wire, sent_as
from capgo_mcp.api.operation import Effect, Guard, Operation, Paging
from capgo_mcp.api.text import Timestamp


def _stored_word(word: Any) -> Any:
    """`metadata` is the pages' and the vendor CLI's word for what the database calls `version_number`."""
    return "version_number" if word == "metadata" else word


BlockedUpdate = Annotated[
    Literal["major", "minor", "patch", "version_number", "none"],
    BeforeValidator(_stored_word),
    Field(description="Block updates across this part of the version."),
]
DetachBundle = Annotated[
    bool,
    Field(
        description="Take the bundle off the channel.",
        serialization_alias="version",
    ),
    sent_as(lambda _: "builtin"),  # the API has no word for it: this bundle name means "none"
    Guard(bool, "it takes the bundle off the channel, and its devices no longer get an update from it"),
]
BasisPoints = Annotated[int, Field(ge=0, le=10_000)]
Count = Annotated[int, Field(ge=0)]


class ServedBundle(Answer):
    """The bundle a channel serves: id and version name."""

    id: int | None = None
    name: str | None = None


class Channel(
    Row,
    brief="id name public version rollout_version_info rollout_enabled rollout_percentage_bps rollout_paused_at",
):
    """A channel; `public` means default, percentages are in basis points (10000 is 100 %)."""

    id: int | None = None
    name: str | None = None
    public: bool | None = False
    version: ServedBundle | None = None
    rollout_enabled: bool | None = False
    rollout_version_info: ServedBundle | None = None
    rollout_version: int | None = None
    rollout_percentage_bps: int | None = 0
    rollout_paused_at: Timestamp | None = None
    rollout_pause_reason: str | None = None
    rollout_cache_ttl_seconds: int | None = None
    rollout_id: str | None = None
    ios: bool | None = None
    android: bool | None = None
    update_package: str | None = None
    disable_auto_update: str | None = None
    disable_auto_update_under_native: bool | None = None
    allow_device_self_set: bool | None = None
    allow_emulator: bool | None = None
    allow_device: bool | None = None
    allow_dev: bool | None = None
    allow_prod: bool | None = None
    auto_pause_enabled: bool | None = None
    auto_pause_window_minutes: int | None = None
    auto_pause_failure_rate_bps: int | None = None
    auto_pause_confidence: float | None = None
    auto_pause_min_attempts: int | None = None
    auto_pause_min_failures: int | None = None
    auto_pause_action: str | None = None
    auto_pause_cooldown_minutes: int | None = None
    auto_pause_last_triggered_at: Timestamp | None = None
    auto_pause_last_checked_at: Timestamp | None = None
    app_id: str | None = None
    created_by: str | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None

    def stated(self) -> Collection[str]:
        """That a rollout is off, where it has a target or a share that would make it look running."""
        looks_running = self.rollout_version_info is not None or bool(self.rollout_percentage_bps)
        return ("rollout_enabled",) if looks_running and self.rollout_enabled is False else ()

    def stored(self) -> ChannelRow:
        """The row that an edit of it starts from: bundles by exact name, or by id where only that is told."""
        told = {name: getattr(self, name, None) for name in ChannelRow.model_fields}
        stable, target = self.version or ServedBundle(), self.rollout_version_info or ServedBundle()
        bundles = {"version": stable.name or stable.id, "rollout_version": target.name or self.rollout_version}
        paused_at = self.rollout_paused_at.isoformat() if self.rollout_paused_at else None
        return ChannelRow.model_validate({**told, **bundles, "rollout_paused_at": paused_at})


class ListChannels(Operation[Paged[Channel]], http="GET /channel", needs="app.read_channels", paging=Paging.FIXED):
    """List an app's channels: the bundle each serves, which is default (public), running rollouts."""

    app_id: AppId
    page: Page = 0
    limit: Limit = 50


class GetChannel(Operation[Channel], http="GET /channel", needs="app.read_channels"):
    """Read one channel: which bundle e.g. production is serving right now, its rollout, auto-pause and update rules."""

    app_id: AppId
    channel: ChannelName


class ChannelSet(Ok):
    """A channel was created or changed; `id` and `public` are told when it was created with a bundle."""

    id: int | None = None
    public: bool | None = None


def _spelled(name: str) -> str:
    """POST /channel spells its oldest arguments in snake_case and all later ones in camelCase."""
    return name if name == "app_id" or name.startswith("allow_") else to_camel(name)


class SetChannel(
    Operation[ChannelSet],
    http="POST /channel",
    needs="channel.update_settings",
    effect=Effect.CHANGE,
    controls=("create", "expected_version"),
    alias_generator=AliasGenerator(serialization_alias=_spelled),
):
    """Deploy, release or ship a bundle: set the version a channel serves, or roll a channel back to a previous bundle.

    Also to create a channel, make it the default, block major or minor updates, serve emulators. Only what is given
    changes. To a share of the devices first: capgo_set_rollout.
    """

    app_id: AppId
    channel: ChannelName
    version: Annotated[BundleName | None, Field(description="Bundle version name to serve, e.g. 2.2.0.")] = None
    detach_bundle: DetachBundle = False
    public: Annotated[bool | None, Field(description="Make it the default channel, in place of another.")] = None
    ios: Annotated[bool | None, Field(description="Serve iOS.")] = None
    android: Annotated[bool | None, Field(description="Serve Android.")] = None
    electron: Annotated[bool | None, Field(description="Serve Electron.")] = None
    disable_auto_update: BlockedUpdate | None = None
    disable_auto_update_under_native: Annotated[
        bool | None, Field(description="Block updates older than the native version.")
    ] = None
    allow_device_self_set: Annotated[bool | None, Field(description="Devices may join by themselves.")] = None
    allow_emulator: Annotated[bool | None, Field(description="Serve emulators.")] = None
    allow_device: Annotated[bool | None, Field(description="Serve physical devices.")] = None
    allow_dev: Annotated[bool | None, Field(description="Serve development builds.")] = None
    allow_prod: Annotated[bool | None, Field(description="Serve production builds.")] = None
    update_package: Annotated[
        Literal["all", "zip", "delta", "zip_from_builtin", "delta_from_builtin"] | None,
        Field(description="Kind of download."),
    ] = None

    def edit(self) -> Edit:
        """What it says to Capgo about a channel."""
        return _edit(self)

    @model_validator(mode="after")
    def _one_meaning(self) -> Self:
        if self.version is not None and self.detach_bundle:
            raise ValueError("give version or detach_bundle, not both")
        return self


def _rollout_spelled(name: str) -> str:
    """What is said of a rollout alone, the API says with that word before it."""
    told = name if name in ("app_id", "channel", "action") or name.startswith("auto_pause_") else f"rollout_{name}"
    return _spelled(told)


class SetRollout(
    Operation[ChannelSet],
    http="POST /channel",
    needs="channel.update_settings",
    effect=Effect.CHANGE,
    alias_generator=AliasGenerator(serialization_alias=_rollout_spelled),
    synonyms=rollout.SYNONYMS,
    controls=("expected_version",),
):
    """Gradual (canary) rollout of a bundle to a percentage of users: start, widen, pause (stop), resume, promote, drop.

    `widen` increases the percentage; `drop` ends it and rolls back; `promote` makes it stable for everyone; `advance`
    also starts the next. To all devices at once: capgo_set_channel.
    """

    app_id: AppId
    channel: ChannelName
    action: Annotated[
        rollout.Action,
        Field(
            description="start takes version and percentage, widen percentage, advance version; off forgets the bundle."
        ),
    ]
    version: Annotated[BundleName | None, Field(description="Bundle of the rollout.")] = None
    percentage: Annotated[
        float | None,
        Field(description="Share of devices, in percent.", ge=0, le=100, serialization_alias="rolloutPercentageBps"),
        sent_as(lambda percent: round(percent * PERCENT)),
    ] = None
    pause_reason: Annotated[str | None, Field(description="Why it is paused.")] = None
    paused_at: Annotated[str | None, Field(description="Paused since (ISO time).")] = None
    cache_ttl_seconds: Annotated[
        int | None, Field(description="Seconds a device keeps its draw.", ge=60, le=31_536_000)
    ] = None
    auto_pause_enabled: Annotated[bool | None, Field(description="Stop a failing rollout by itself.")] = None
    auto_pause_action: Annotated[
        Literal["pause", "rollback", "notify"] | None, Field(description="What auto-pause does.")
    ] = None
    auto_pause_failure_rate_bps: Annotated[
        BasisPoints | None, Field(description="Failure rate that triggers it, basis points.")
    ] = None
    auto_pause_window_minutes: Annotated[int | None, Field(description="Minutes looked back.", ge=1, le=10_080)] = None
    auto_pause_cooldown_minutes: Annotated[
        int | None, Field(description="Minutes between triggers.", ge=0, le=10_080)
    ] = None
    auto_pause_confidence: Annotated[float | None, Field(description="Statistical confidence.", gt=0, lt=1)] = None
    auto_pause_min_attempts: Annotated[Count | None, Field(description="Attempts needed.")] = None
    auto_pause_min_failures: Annotated[Count | None, Field(description="Failures needed.")] = None

    def edit(self) -> Edit:
        """What it says to Capgo about a channel; a pause whose moment is not given begins with it."""
        return _edit(self)

    @model_validator(mode="before")
    @classmethod
    def _in_our_words(cls, given: Any) -> Any:
        return rollout.in_our_words(given) if isinstance(given, Mapping) else given

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        rollout.check(self.action, {name for name in self.model_fields_set if getattr(self, name) is not None})
        return self

    @model_serializer(mode="wrap")
    def _in_words_of_the_api(self, handler: SerializerFunctionWrapHandler, info: SerializationInfo) -> dict[str, Any]:
        fields: dict[str, Any] = handler(self)
        return rollout.in_words_of_the_api(fields) if isinstance(info.context, Wire) else fields


def _edit(operation: SetChannel | SetRollout) -> Edit:
    return Edit.model_validate(operation.model_dump(by_alias=True, exclude_defaults=True, context=Wire()))


class DeleteChannel(Operation[Ok], http="DELETE /channel", needs="channel.delete", effect=Effect.DELETE):
    """Delete a channel. Its bundle stays; devices pinned to it fall back to the default channel."""

    app_id: AppId
    channel: ChannelName
