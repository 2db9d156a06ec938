"""Members of an organization and their invitations."""

from capgo_mcp.sandbox import changes
from capgo_mcp.sandbox.answers import OK, ErrorAnswer, Row, bad, no_org_access
from capgo_mcp.sandbox.auth import Middleware
from capgo_mcp.sandbox.call import Call
from capgo_mcp.sandbox.cascade import drop_org, revoke
from capgo_mcp.sandbox.rights import RANKS, rank
from capgo_mcp.sandbox.routing import Route
from capgo_mcp.sandbox.rows import new_member
from capgo_mcp.sandbox.schema import check, email, one_of, text
from capgo_mcp.sandbox.state import State

# What may be sent as invite_type, and the role it stands for; the short words are left from an older role model.
_ROLES = {
    "org_member": "org_member",
    "org_billing_admin": "org_billing_admin",
    "org_admin": "org_admin",
    "org_super_admin": "org_super_admin",
    "read": "org_member",
    "upload": "org_member",
    "write": "org_member",
    "admin": "org_admin",
    "super_admin": "org_super_admin",
    "invite_read": "org_member",
    "invite_upload": "org_member",
    "invite_write": "org_member",
    "invite_admin": "org_admin",
    "invite_super_admin": "org_super_admin",
}


def list_members(call: Call) -> list[Row]:
    """List members and invitations."""
    org_id = _org(call, "org.read_members")
    return [_shown(call.state, member) for member in call.state.members.values() if member["org_id"] == org_id]


def _shown(state: State, member: Row) -> Row:
    user = state.users[member["user_id"]]
    about = {"uid": user["id"], "email": user["email"], "image_url": user["image_url"]}
    return {**about, "role": member["rbac_role_name"], "is_tmp": member["is_invite"]}


def invite_member(call: Call) -> Row:
    """Invite an existing user; a member's role is not changed by inviting again."""
    check(call.params, {"orgId": text(), "email": email, "invite_type": one_of(*_ROLES)})
    org_id = _org(call, "org.invite_user")
    role = _ROLES[call.params["invite_type"]]
    user = _user(call)
    if not user:
        raise _cannot_invite("NO_EMAIL")
    if _member(call.state, org_id, user):
        raise _cannot_invite("ALREADY_INVITED")
    if RANKS[role] > rank(call.key, org_id):
        raise _cannot_invite("NO_RIGHTS")
    changes.insert(call, "org_users", new_member(call.state, org_id, user["id"], role, is_invite=True))
    return OK


def _cannot_invite(reason: str) -> ErrorAnswer:
    return bad("error_inviting_user_to_organization", "Error inviting user to organization", data=reason)


def remove_member(call: Call) -> Row:
    """Remove a member or withdraw an invitation, and revoke every right that came with it."""
    check(call.params, {"orgId": text(), "email": email})
    org_id = _org(call, "org.update_user_roles")
    about = {"orgId": org_id, "email": call.params["email"]}
    user = _user(call)
    if not user:
        raise ErrorAnswer(404, "user_not_found", "User not found", about)
    member = _member(call.state, org_id, user)
    if not member:
        raise ErrorAnswer(404, "organization_member_not_found", "User is not a member of this organization", about)
    _check_removable(call, member)
    if _is_last_super_admin(call, member):
        drop_org(call, call.state.orgs[org_id])  # a trigger of the database, whatever the handler says
        return OK
    changes.delete(call, "org_users", member, changes.SYSTEM)
    revoke(call, org_id, user["id"])
    return OK


def _check_removable(call: Call, member: Row) -> None:
    role, org_id = member["rbac_role_name"], member["org_id"]
    if RANKS[role] > rank(call.key, org_id):
        message = "You cannot remove a member with a higher role than yours"
        raise ErrorAnswer(403, "cannot_delete_higher_priority_role", message)


def _is_last_super_admin(call: Call, member: Row) -> bool:
    peers = [m for m in call.state.members.values() if m["org_id"] == member["org_id"] and not m["is_invite"]]
    return [m for m in peers if m["rbac_role_name"] == "org_super_admin"] == [member]


def _org(call: Call, permission: str) -> str:
    check(call.params, {"orgId": text()})
    org_id: str = call.params["orgId"]
    if not call.may_org(permission, org_id):
        raise no_org_access("cannot_access_organization", orgId=org_id)
    call.need_fresh_key(org_id)
    return org_id


def _user(call: Call) -> Row | None:
    address = call.params["email"].lower()
    return next((user for user in call.state.users.values() if user["email"] == address), None)


def _member(state: State, org_id: str, user: Row) -> Row | None:
    rows = (m for m in state.members.values() if m["org_id"] == org_id and m["user_id"] == user["id"])
    return next(rows, None)


ROUTES = (
    Route("GET", "/organization/members", list_members),
    Route("POST", "/organization/members", invite_member),
    Route("DELETE", "/organization/members", remove_member, Middleware.AUTH),
)
