"""What a write to the members of an organization means."""

from typing import Any, Final

from capgo_mcp.operations.members import ListMembers, RemoveMember
from capgo_mcp.safety.meaning import Meaning
from capgo_mcp.safety.reading import Reading


async def _preview_remove(operation: RemoveMember, reading: Reading) -> None:
    members = await reading.read("member", ListMembers(org_id=operation.org_id))
    reading.tell_one_of(members, "member", "email", operation.email, "email", "role", "is_tmp")


MEANINGS: Final[tuple[Meaning[Any], ...]] = (Meaning(RemoveMember, preview=_preview_remove),)
