"""Push notifications, which reach people's phones. Documented by Capgo in parts."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel, to_snake

from capgo_mcp.api.answers import Answer, Listing, Row
from capgo_mcp.api.errors import UnexpectedAnswer
from capgo_mcp.api.fields import CAMEL_CASE, AppId, sent_as
from capgo_mcp.api.operation import Effect, Guard, Operation, Sender
from capgo_mcp.api.text import Timestamp

_BROADCAST: Final = "broadcast"


def _one(target: object) -> object:
    """The API's own form is an object, of which it takes one name and forgets the others."""
    if not isinstance(target, Mapping):
        return target
    if len(target) != 1:
        raise ValueError("must name one recipient: of several, Capgo takes one and forgets the others")
    ((kind, who),) = target.items()
    return _BROADCAST if kind == _BROADCAST and who is True else f"{to_snake(str(kind))}:{who}"


def _as_object(target: str) -> dict[str, Any]:
    kind, _, who = target.partition(":")
    return {to_camel(kind): who or True}


Target = Annotated[
    str,
    BeforeValidator(_one),
    Field(
        description="Who: external_id:ID, recipient_key:KEY, device_key:KEY, tag:TAG, or broadcast (every device; only "
        "if the user says so).",
        pattern=r"^(broadcast|(external_id|recipient_key|device_key|tag):.+)$",
        max_length=600,
    ),
    sent_as(_as_object),
    Guard(lambda _: True, "it reaches people's phones, and nothing calls it back"),
]
InstallMode = Annotated[
    Literal["next", "set"] | None,
    Field(description="Whether a bundle is installed at the next start, or set at once while the app is used."),
]
Recipients = Annotated[int | None, Field(description="Most recipients.", ge=1)]


class PushSettings(Row):
    """How an app's devices are told about updates by push; without a channel, each follows its own."""

    push_update_enabled: bool | None = None
    push_update_install_mode: str | None = None
    push_update_channel: str | None = None


class PushProvider(Row, identity="provider"):
    """Which service sends an app's pushes; its configuration and secrets are never told."""

    provider: str | None = None
    status: str | None = None
    updated_at: Timestamp | None = None


class Campaign(Row):
    """A campaign, with whatever Capgo tells about it."""

    model_config = ConfigDict(extra="allow")

    id: str | None = None
    name: str | None = None


class Counts(Row, identity=""):
    """Delivery counts, with whatever Capgo tells about them."""

    model_config = ConfigDict(extra="allow")


class Queued(Answer):
    """What is on its way; `targeted` is the number of devices, where Capgo knows it."""

    status: str | None = None
    campaign_id: str | None = None
    queued: int | None = None
    targeted: int | None = None


class GetNotificationSettings(
    Operation[PushSettings], http="GET /notifications/settings", needs="app.manage_notifications"
):
    """Read an app's push-update settings."""

    app_id: AppId


class UpdateNotificationSettings(
    Operation[PushSettings],
    http="PUT /notifications/settings",
    needs="app.manage_notifications",
    effect=Effect.CHANGE,
    alias_generator=CAMEL_CASE,
):
    """Change how an app's devices are told about updates by push; what is not given stays as it is."""

    app_id: AppId
    push_update_enabled: Annotated[
        bool | None,
        Field(description="Whether pushes wake devices."),
        Guard(lambda on: on is not None, "it changes for all devices of the app how they learn of updates"),
    ] = None
    push_update_install_mode: InstallMode = None
    push_update_channel: Annotated[
        str | None,
        Field(description="Channel they are told to follow; empty text for each its own.", max_length=128),
        sent_as(lambda channel: channel or None),
    ] = None

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if self.model_dump(exclude_none=True).keys() == {"app_id"}:
            raise ValueError("give what to change")
        return self

    async def resolved(self, capgo: Sender) -> Self:
        """The same with all settings, since Capgo resets those that are left out.

        Raises:
            UnexpectedAnswer: What is so now could not be told.
            CapgoError: It could not be read.
        """
        given = self.model_dump(exclude_none=True)
        if len(given) == len(type(self).model_fields):
            return self
        now = await capgo.send(GetNotificationSettings(app_id=self.app_id))
        if now.push_update_enabled is None or now.push_update_install_mode not in ("next", "set"):
            sentence = "The settings cannot be read, and Capgo resets those that are left out; nothing was sent."
            raise UnexpectedAnswer("unexpected_answer", sentence, "Give all three settings.")
        return type(self)(**{**now.model_dump(), "push_update_channel": now.push_update_channel or "", **given})


class ListNotificationProviders(
    Operation[Listing[PushProvider]], http="GET /notifications/providers", needs="app.manage_notifications"
):
    """List the services that send an app's pushes, and whether they are set up."""

    app_id: AppId


class SendNotification(
    Operation[Queued],
    http="POST /notifications/send",
    needs="app.manage_notifications",
    effect=Effect.CREATE,
    alias_generator=CAMEL_CASE,
):
    """Send a push notification to the people who use an app. The preview says how many devices it reaches."""

    app_id: AppId
    target: Target
    kind: Annotated[
        Literal["alert", "background", "badge", "update_check"] | None, Field(description="An alert if left out.")
    ] = None
    payload: Annotated[
        dict[str, Any] | None, Field(description='What it says, e.g. {"title": "Hi", "body": "News"}.')
    ] = None
    name: Annotated[str | None, Field(description="Name of the campaign.", max_length=180)] = None
    limit: Recipients = None


class TriggerUpdateCheck(
    Operation[Queued],
    http="POST /notifications/update-check",
    needs="app.manage_notifications",
    effect=Effect.CREATE,
    alias_generator=CAMEL_CASE,
):
    """Wake devices with a silent push so that they check for an update now. The preview says how many."""

    app_id: AppId
    target: Target
    install_mode: InstallMode = None
    channel: Annotated[str | None, Field(description="Channel to check; each its own if left out.")] = None
    limit: Recipients = None


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
