"""Webhooks of an organization. Not documented by Capgo."""

from typing import Annotated, Any, Final, Literal

from pydantic import Field

from capgo_mcp.api.answers import Answer, Ok, Paged, Row
from capgo_mcp.api.fields import UUID, Limit, OrganizationId, Page
from capgo_mcp.api.operation import Effect, Guard, Operation, Paging
from capgo_mcp.api.text import Timestamp

WebhookId = Annotated[
    str, Field(description="Webhook id, from capgo_list_webhooks.", pattern=UUID, serialization_alias="webhookId")
]
DeliveryId = Annotated[
    str,
    Field(
        description="Delivery id, from capgo_list_webhook_deliveries.", pattern=UUID, serialization_alias="deliveryId"
    ),
]
WebhookName = Annotated[str, Field(description="Name people see.", min_length=1)]
_SENDS: Final = "Capgo then sends what changes there, with names and e-mail addresses, to whoever has that address"
WebhookUrl = Annotated[
    str,
    Field(description="Public https address that gets the events.", pattern=r"^https://[^\s/]+", max_length=2000),
    Guard(lambda url: url is not None, _SENDS),
]
Events = Annotated[
    list[Literal["apps", "app_versions", "channels", "org_users", "orgs"]],
    Field(description="Changes of what it gets; app_versions are bundles, org_users members.", min_length=1),
]
DeliveryVersion = Annotated[
    Literal["legacy", "standard"] | None,
    Field(description="Form of the deliveries.", serialization_alias="deliveryVersion"),
]


class DeliveryCounts(Answer):
    """Deliveries of the last 24 hours."""

    success: int | None = None
    failed: int | None = None
    pending: int | None = None


class Webhook(Row, brief="id name url enabled events"):
    """A webhook; its secret is never told."""

    id: str | None = None
    name: str | None = None
    url: str | None = None
    enabled: bool | None = True
    events: list[str] | None = None
    delivery_version: str | None = None
    stats_24h: DeliveryCounts | None = None
    org_id: str | None = None
    created_by: str | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None


class Delivery(
    Row,
    brief="id event_type status response_status attempt_count created_at",
    on_request="request_payload response_body response_headers",
):
    """One delivery of a webhook."""

    id: str | None = None
    webhook_id: str | None = None
    event_type: str | None = None
    status: str | None = None
    response_status: int | None = None
    attempt_count: int | None = None
    max_attempts: int | None = None
    duration_ms: int | None = None
    created_at: Timestamp | None = None
    completed_at: Timestamp | None = None
    next_retry_at: Timestamp | None = None
    request_payload: Any = None
    response_body: str | None = None
    response_headers: Any = None


class DeliveryTest(Answer):
    """How a test delivery went."""

    success: bool | None = None
    status: int | None = None
    duration_ms: int | None = None
    response_preview: str | None = None
    delivery_id: str | None = None
    message: str | None = None


class ListWebhooks(Operation[Paged[Webhook]], http="GET /webhooks", needs="org.update_settings", paging=Paging.FIXED):
    """List an organization's webhooks: where they send which events."""

    org_id: OrganizationId
    page: Page = 0
    limit: Limit = 50


class GetWebhook(Operation[Webhook], http="GET /webhooks", needs="org.update_settings"):
    """Read one webhook with its deliveries of the last 24 hours."""

    org_id: OrganizationId
    webhook_id: WebhookId


class CreateWebhook(
    Operation[Webhook], http="POST /webhooks", needs="org.update_settings", effect=Effect.CREATE, envelope="webhook"
):
    """Create a webhook. The secret that signs its deliveries is not shown here: the console has it."""

    org_id: OrganizationId
    name: WebhookName
    url: WebhookUrl
    events: Events
    enabled: Annotated[bool | None, Field(description="False to send nothing yet.")] = None
    delivery_version: DeliveryVersion = None


class UpdateWebhook(
    Operation[Webhook], http="PUT /webhooks", needs="org.update_settings", effect=Effect.CHANGE, envelope="webhook"
):
    """Change a webhook's name, address or events, or switch it on or off; only what is given changes."""

    org_id: OrganizationId
    webhook_id: WebhookId
    name: WebhookName | None = None
    url: WebhookUrl | None = None
    events: Annotated[Events | None, Guard(bool, "it gets other events from now on, and loses those not named")] = None
    enabled: Annotated[
        bool | None, Field(description="Whether it is on."), Guard(bool, "it gets every event from now on")
    ] = None
    delivery_version: DeliveryVersion = None


class DeleteWebhook(Operation[Ok], http="DELETE /webhooks", needs="org.update_settings", effect=Effect.DELETE):
    """Delete a webhook and its delivery history."""

    org_id: OrganizationId
    webhook_id: WebhookId


class TestWebhook(
    Operation[DeliveryTest], http="POST /webhooks/test", needs="org.update_settings", effect=Effect.CREATE
):
    """Send a test event to a webhook now."""

    org_id: OrganizationId
    webhook_id: WebhookId


class ListWebhookDeliveries(
    Operation[Paged[Delivery]],
    http="GET /webhooks/deliveries",
    needs="org.update_settings",
    envelope="deliveries",
    paging=Paging.FIXED,
):
    """List a webhook's deliveries, newest first."""

    org_id: OrganizationId
    webhook_id: WebhookId
    status: Annotated[Literal["success", "failed", "pending"] | None, Field(description="Only these.")] = None
    page: Page = 0
    limit: Limit = 50


class RetryWebhookDelivery(
    Operation[Ok], http="POST /webhooks/deliveries/retry", needs="org.update_settings", effect=Effect.CREATE
):
    """Queue a failed delivery again."""

    org_id: OrganizationId
    delivery_id: DeliveryId
