"""What the key can see and do, found out by reading only; stops at the first refusal of the key itself."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

from capgo_mcp.api.errors import CapgoError, NotAllowed
from capgo_mcp.api.operation import Operation
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.config.settings import Settings
from capgo_mcp.doctor.finding import Finding, fine, note, problem
from capgo_mcp.operations.api_keys import ListApiKeys
from capgo_mcp.operations.apps import ListApps
from capgo_mcp.operations.devices import ListDevices
from capgo_mcp.operations.members import ListMembers
from capgo_mcp.operations.organizations import ListOrganizations

_NAMED: Final = 5
"""Names that a sentence lists before it only counts."""


async def findings(settings: Settings) -> AsyncIterator[Finding]:
    """Apps, organizations and rights; five requests at most where nothing has to be repeated."""
    async with settings.connect() as capgo:
        try:
            organizations = [row.id for row in (await capgo.send(ListOrganizations())).items if row.id]
            apps = [row.app_id for row in (await capgo.send(ListApps())).items if row.app_id]
            for finding in (*_visible(settings, apps, organizations),):
                yield finding
            yield await _rights(capgo, settings.app or next(iter(apps), None), settings.org, organizations)
        except CapgoError as error:
            yield problem("account", error.sentence, error.hint or "Try again later.")


def _visible(settings: Settings, apps: list[str], organizations: list[str]) -> Iterator[Finding]:
    if apps:
        yield fine("apps", f"The key sees {_count(apps, 'app')}.")
    else:
        yield note("apps", "The key sees no app.", "Give it a role in an app or organization, or create an app.")
    yield fine("organizations", f"The key sees {_count(organizations, 'organization')}.")
    if settings.app and settings.app not in apps:
        then = "Check --app: capgo-mcp call capgo_list_apps shows the ids."
        yield problem("apps", f"{settings.app}, which --app names, is not among them.", then)
    if settings.org and settings.org not in organizations:
        then = "Check --org: capgo-mcp call capgo_list_organizations shows the ids."
        yield problem("organizations", f"{settings.org}, which --org names, is not among them.", then)


async def _rights(capgo: Capgo, app: str | None, org: str | None, organizations: list[str]) -> Finding:
    """Which permissions to read the key has; those to write cannot be tried without writing."""
    probes: list[Operation[Any]] = [ListApiKeys()]
    if app:
        probes.append(ListDevices(app_id=app, limit=1))
    if wanted := org or next(iter(organizations), None):
        probes.append(ListMembers(org_id=wanted))
    held: list[str] = []
    missing: list[str] = []
    for probe in probes:
        (held if await _allowed(capgo, probe) else missing).append(probe.spec.needs)
    if missing:
        return note(
            "rights",
            f"The key may not use {', '.join(missing)}" + (f"; it may use {', '.join(held)}." if held else "."),
            "Nothing to do unless a tool answers that a right is missing; its hint names the roles that have it.",
        )
    return fine("rights", f"The key may use {', '.join(held)}. Rights to write show only when a tool needs them.")


async def _allowed(capgo: Capgo, probe: Operation[Any]) -> bool:
    try:
        await capgo.send(probe)
    except NotAllowed:
        return False
    return True


def _count(names: list[str], what: str) -> str:
    shown = ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
    return f"{len(names)} {what}{'' if len(names) == 1 else 's'}" + (f": {shown}" if names else "")
