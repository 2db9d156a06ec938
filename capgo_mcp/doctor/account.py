"""What the key can see and do, found out by reading only; stops at the first refusal of the key itself."""

from collections.abc import AsyncIterator, Iterator
from typing import Final

from capgo_mcp.api.audience import to_person
from capgo_mcp.api.errors import CapgoError
from capgo_mcp.config.settings import Settings
from capgo_mcp.doctor import tools
from capgo_mcp.doctor.finding import Finding, fine, note, problem
from capgo_mcp.operations.apps import ListApps
from capgo_mcp.operations.organizations import ListOrganizations

_NAMED: Final = 5
"""Names that a sentence lists before it only counts."""


async def findings(settings: Settings) -> AsyncIterator[Finding]:
    """Apps, organizations, tools and statistics; nine requests at most where nothing has to be repeated."""
    async with settings.connect() as capgo:
        try:
            organizations = [row.id for row in (await capgo.send(ListOrganizations())).items if row.id]
            apps = {row.app_id: row.owner_org for row in (await capgo.send(ListApps())).items if row.app_id}
            for finding in _visible(settings, list(apps), organizations):
                yield finding
            app = settings.app or next(iter(apps), None)
            owner = settings.org or apps.get(app or "")
            org = owner if owner in organizations else next(iter(organizations), None)
            async for finding in tools.findings(settings, capgo, app, org):
                yield finding
        except CapgoError as error:
            yield problem("account", error.sentence, to_person(error.hint))


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


def _count(names: list[str], what: str) -> str:
    shown = ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
    return f"{len(names)} {what}{'' if len(names) == 1 else 's'}" + (f": {shown}" if names else "")
