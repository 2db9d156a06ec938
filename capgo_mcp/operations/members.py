"""Members of an organization.

https://capgo.app/docs/public-api/members/
"""

from typing import Annotated, Literal

from pydantic import Field

from capgo_mcp.api.answers import Listing, Ok, Row
from capgo_mcp.api.fields import OrganizationId
from capgo_mcp.api.operation import Effect, Guard, Operation

Email = Annotated[str, Field(description="E-mail of their Capgo account.", pattern="^[^@ ]+@[^@ ]+$")]


class Member(Row, identity="uid", brief="uid email role is_tmp", on_request="image_url"):
    """A member; `is_tmp` means that the invitation is still pending."""

    uid: str | None = None
    email: str | None = None
    role: str | None = None
    is_tmp: bool | None = False
    image_url: str | None = None


class ListMembers(Operation[Listing[Member]], http="GET /organization/members", needs="org.read_members"):
    """List an organization's members and pending invitations: e-mail and role."""

    org_id: OrganizationId


class InviteMember(
    Operation[Ok],
    http="POST /organization/members",
    needs="org.invite_user",
    effect=Effect.CREATE,
    refuses={"role": "Capgo's pages say role, its backend takes invite_type: give the role there."},
):
    """Invite a Capgo user to an organization. Cannot change the role of an existing member."""

    org_id: OrganizationId
    email: Email
    invite_type: Annotated[
        # Capgo takes older words as well, each of which means one of these.
        Literal["org_member", "org_billing_admin", "org_admin", "org_super_admin"],
        Field(description="Role to give; an admin role needs confirm."),
        Guard(
            lambda role: role in ("org_admin", "org_super_admin"),
            "whoever gets this role can change everything in the organization, and remove others",
        ),
    ]


class RemoveMember(
    Operation[Ok],
    http="DELETE /organization/members",
    needs="org.update_user_roles",
    effect=Effect.DELETE,
    controls=("confirm_name",),
):
    """Remove a member from an organization and revoke all their access. The last super admin takes it along."""

    org_id: OrganizationId
    email: Email
