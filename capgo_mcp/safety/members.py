"""What a write to the members of an organization means."""

from typing import Any, Final

from capgo_mcp.client.capgo import Capgo
from capgo_mcp.operations.members import InviteMember, ListMembers, Member, RemoveMember
from capgo_mcp.safety.meaning import Meaning
from capgo_mcp.safety.organizations import tell_organization
from capgo_mcp.safety.reading import Reading
from capgo_mcp.safety.undo import Snapshot, Undo, next_call

# The second is the word of an older model of roles.
_SUPER_ADMIN: Final = ("org_super_admin", "super_admin")


async def _preview_invite(operation: InviteMember, reading: Reading) -> None:
    members = await reading.read("members", ListMembers(org_id=operation.org_id))
    if members is not None:
        reading.facts["members"] = len(members.items)


async def _snapshot(operation: InviteMember | RemoveMember, capgo: Capgo) -> Snapshot:
    members = (await capgo.send(ListMembers(org_id=operation.org_id))).items
    row = next((member for member in members if _is(member, operation.email)), None)
    return Snapshot() if row is None else Snapshot.of(row)


def _undo(operation: InviteMember, before: Snapshot, after: Snapshot) -> Undo:
    if before.facts or not after.facts:
        return Undo([], [])
    return Undo([next_call(RemoveMember, org_id=operation.org_id, email=operation.email)], [])


def _undo_removal(operation: RemoveMember, before: Snapshot, _: Snapshot) -> Undo:
    invite = next_call(
        InviteMember, org_id=operation.org_id, email=operation.email, invite_type=before.facts.get("role")
    )
    return Undo([invite], [], "They have to accept the invitation, and get no other rights back than of that role.")


async def _preview_remove(operation: RemoveMember, reading: Reading) -> None:
    """The last super admin takes the organization along, so that one is confirmed as the organization is."""
    members = await reading.read("member", ListMembers(org_id=operation.org_id))
    reading.tell_one_of(members, "member", "email", operation.email, "email", "role", "is_tmp")
    rows = members.items if members else []
    supers = [member for member in rows if member.role in _SUPER_ADMIN and not member.is_tmp]
    if len(supers) == 1 and _is(supers[0], operation.email):
        await tell_organization(operation.org_id, reading)
        reading.warnings.append(
            "this is the last super admin: Capgo deletes the whole organization with all its apps along with them"
        )


def _is(member: Member, email: str) -> bool:
    return (member.email or "").casefold() == email.casefold()


MEANINGS: Final[tuple[Meaning[Any], ...]] = (
    Meaning(InviteMember, preview=_preview_invite, snapshot=_snapshot, undo=_undo),
    Meaning(RemoveMember, preview=_preview_remove, snapshot=_snapshot, undo=_undo_removal),
)
