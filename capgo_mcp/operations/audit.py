"""The audit log of an organization; Capgo keeps 30 days. Not documented by Capgo."""

from typing import Annotated, Any, Literal

from pydantic import Field

from capgo_mcp.api.answers import Paged, Row
from capgo_mcp.api.fields import OrganizationId, Page
from capgo_mcp.api.operation import EmptyPage, Operation, Paging
from capgo_mcp.api.text import Timestamp


class AuditEntry(
    Row,
    brief="id created_at table_name record_id operation actor_type actor_user_email actor_apikey_name changed_fields",
    on_request="old_record new_record",
):
    """Who changed what and when."""

    id: int | None = None
    created_at: Timestamp | None = None
    table_name: str | None = None
    record_id: str | None = None
    operation: str | None = None
    actor_type: str | None = None
    actor_user_email: str | None = None
    actor_apikey_name: str | None = None
    changed_fields: list[str] | None = None
    actor_user_id: str | None = None
    actor_apikey_id: int | None = None
    user_id: str | None = None
    org_id: str | None = None
    old_record: Any = None
    new_record: Any = None


class ListAuditLog(
    Operation[Paged[AuditEntry]],
    http="GET /organization/audit",
    needs="org.read_audit",
    paging=Paging.SIZED,
    # Here a page past the end is still an error.
    empty_when=EmptyPage("cannot_get_audit_logs", "Cannot get audit logs"),
):
    """Read an organization's audit log, newest first: who changed which app, bundle, channel or member."""

    org_id: OrganizationId
    table_name: Annotated[
        Literal["apps", "app_versions", "channels", "org_users", "orgs"] | None,
        Field(description="Only changes of these; app_versions are bundles.", serialization_alias="tableName"),
    ] = None
    operation: Annotated[Literal["INSERT", "UPDATE", "DELETE"] | None, Field(description="Only these changes.")] = None
    page: Page = 0
    # Capgo cuts a larger limit down without a word, and pages would be missed.
    limit: Annotated[int, Field(description="Most items.", ge=1, le=100)] = 50
