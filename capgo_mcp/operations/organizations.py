"""Organizations: they own apps and pay for them.

https://capgo.app/docs/public-api/organizations/
"""

from typing import Annotated

from pydantic import Field

from capgo_mcp.api.answers import Answer, Ok, Paged, Row
from capgo_mcp.api.fields import Limit, OrganizationId, Page
from capgo_mcp.api.operation import Effect, Operation, Paging
from capgo_mcp.api.text import Timestamp

OrganizationName = Annotated[str, Field(description="Name people see.", min_length=3)]
Website = Annotated[str, Field(description="Web address.")]


class Organization(
    Row,
    brief="id name management_email website created_at",
    on_request="logo customer_id",
):
    """An organization."""

    id: str | None = None
    name: str | None = None
    management_email: str | None = None
    website: str | None = None
    created_by: str | None = None
    created_at: Timestamp | None = None
    updated_at: Timestamp | None = None
    logo: str | None = None
    customer_id: str | None = None


class OrganizationCreated(Answer):
    """The id of a new organization."""

    id: str | None = None


class ListOrganizations(
    Operation[Paged[Organization]],
    http="GET /organization",
    needs="org.read",
    paging=Paging.FIXED,
    one_page_when="invalid_body",
):
    """List my organizations: id, name and e-mail of those this key can read."""

    page: Page = 0
    limit: Limit = 50


class GetOrganization(Operation[Organization], http="GET /organization", needs="org.read"):
    """Read one organization: name, e-mail, website."""

    org_id: OrganizationId


class CreateOrganization(
    Operation[OrganizationCreated], http="POST /organization", needs="org.create", effect=Effect.CREATE
):
    """Create an organization, which starts a trial. A repeat creates a second one."""

    name: OrganizationName
    email: Annotated[str | None, Field(description="E-mail for billing; the key owner's by default.")] = None
    estimated_mau: Annotated[
        int | None,
        Field(
            description="Expected monthly active users; chooses the plan.",
            ge=0,
            le=1_000_000,
            serialization_alias="estimatedMau",
        ),
    ] = None
    website: Website | None = None


class UpdateOrganization(
    Operation[Organization], http="PUT /organization", needs="org.update_settings", effect=Effect.CHANGE
):
    """Change an organization's name, logo, website or e-mail; only what is given changes."""

    org_id: OrganizationId
    name: OrganizationName | None = None
    logo: Annotated[str | None, Field(description="Logo: URL or storage path.")] = None
    website: Website | None = None
    management_email: Annotated[str | None, Field(description="E-mail for billing.")] = None


class DeleteOrganization(
    Operation[Ok], http="DELETE /organization", needs="org.delete", by_name=True, effect=Effect.DELETE
):
    """Delete an organization with all its apps and everything in them. No undo."""

    org_id: OrganizationId
