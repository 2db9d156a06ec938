"""What a write to an organization means."""

from typing import Any, Final

from capgo_mcp.api.answers import Listing
from capgo_mcp.api.fields import MOST
from capgo_mcp.api.next_call import NextCall
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.operations.apps import App, ListApps
from capgo_mcp.operations.members import ListMembers
from capgo_mcp.operations.organizations import (
    CreateOrganization,
    DeleteOrganization,
    GetOrganization,
    ListOrganizations,
    OrganizationCreated,
    UpdateOrganization,
)
from capgo_mcp.safety.meaning import Meaning
from capgo_mcp.safety.reading import NAMES, Reading, refuse_among
from capgo_mcp.safety.undo import Snapshot, Undo, former, next_call, untold


async def _snapshot(operation: UpdateOrganization, capgo: Capgo) -> Snapshot:
    organization = await capgo.send(GetOrganization(org_id=operation.org_id))
    return Snapshot.of(organization)


def _undo(operation: UpdateOrganization, before: Snapshot, after: Snapshot) -> Undo:
    back, lost = former(UpdateOrganization, before, after)
    calls = [next_call(UpdateOrganization, org_id=operation.org_id, **back)] if back else []
    return Undo(calls, [*lost, *untold(operation, "logo")])


async def _preview_update(operation: UpdateOrganization, reading: Reading) -> None:
    organization = await reading.read("organization", GetOrganization(org_id=operation.org_id))
    reading.tell_as("now", organization, "name", "website", "management_email")


def _undo_creation(operation: CreateOrganization, answer: OrganizationCreated) -> Undo:
    """Without another question: there is nothing in it yet."""
    return Undo([NextCall.of(DeleteOrganization(org_id=answer.id or ""), confirm_name=operation.name)], [])


async def _preview_delete(operation: DeleteOrganization, reading: Reading) -> None:
    members = ListMembers(org_id=operation.org_id)
    await reading.ahead(members, *_all_of(operation.org_id))
    await tell_organization(operation.org_id, reading)
    await reading.count("members", members)


def _all_of(org_id: str) -> tuple[GetOrganization, ListApps]:
    return GetOrganization(org_id=org_id), ListApps(org_id=org_id, limit=MOST)


async def tell_organization(org_id: str, reading: Reading) -> None:
    """What goes with an organization, by whose name the user has to confirm."""
    this, all_apps = _all_of(org_id)
    every = ListOrganizations()
    await reading.ahead(this, every, all_apps)
    organization = await reading.named(this)
    others = await reading.read("other organizations", every)
    strangers = [one for one in others.items if one.id != org_id] if others else []
    refuse_among(strangers, "organization", organization.name or "")
    apps: Listing[App] | None = await reading.count("apps", all_apps)
    reading.facts["app_ids"] = [app.app_id for app in apps.items[:NAMES]] if apps else []


MEANINGS: Final[tuple[Meaning[Any], ...]] = (
    Meaning(CreateOrganization, created=_undo_creation),
    Meaning(
        UpdateOrganization,
        preview=_preview_update,
        snapshot=_snapshot,
        undo=_undo,
    ),
    Meaning(DeleteOrganization, preview=_preview_delete),
)
