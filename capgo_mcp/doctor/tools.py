"""Which tools a key can use and why not the others: found by reading, and for writing deduced from the roles."""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from capgo_mcp.api.audience import to_person
from capgo_mcp.api.errors import CapgoError, NotAllowed, PlanLimit
from capgo_mcp.api.operation import Declared, Endpoint, Operation
from capgo_mcp.api.rights import HOLDERS, holders
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.config.settings import Settings
from capgo_mcp.doctor.finding import Finding, fine, note
from capgo_mcp.insights.batch import Batch
from capgo_mcp.operations.api_keys import ListApiKeys
from capgo_mcp.operations.apps import GetApp
from capgo_mcp.operations.channels import ListChannels
from capgo_mcp.operations.devices import ListDevices
from capgo_mcp.operations.members import ListMembers
from capgo_mcp.operations.organizations import GetOrganization
from capgo_mcp.operations.statistics import GetAppStatistics
from capgo_mcp.server.selection import chosen

_OF_INSIGHTS: Final = ("app.read_bundles", "app.read_channels", "app.read_devices")
"""What the tools read that are made of several reads."""
_ROLES: Final = {permission: frozenset(roles) for permission, roles in HOLDERS.items()}


@dataclass(frozen=True)
class Held:
    """What is known of a key's permissions at one app and its organization.

    Attributes:
        known: Whether the key holds a permission, as far as a read has shown.
    """

    known: Mapping[str, bool]

    def has(self, permission: str) -> bool | None:
        """Whether the key holds a permission; None where only using it would tell.

        A refused read rules out every role that would have allowed it, and an allowed one is due to a role that is
        left. Where those all hold the permission, or none that is left does, nothing needs to be tried.
        """
        if permission in self.known:
            return self.known[permission]
        out = frozenset().union(*(_ROLES[name] for name, held in self.known.items() if not held))
        able = _ROLES[permission]
        if able and able <= out:
            return False
        givers = (_ROLES[name] - out for name, held in self.known.items() if held)
        return True if any(roles and roles <= able for roles in givers) else None


async def findings(settings: Settings, capgo: Capgo, app: str | None, org: str | None) -> AsyncIterator[Finding]:
    """What the tools that the settings leave can do, tried at one app and one organization.

    Raises:
        CapgoError: Capgo could not be asked.
    """
    tried = {probe.spec.needs: await _allowed(capgo, probe) for probe in _probes(app, org)}
    # A key that sees no organization can read none.
    held = Held(tried if org else tried | {"org.read": False})
    for finding in _tools(settings, held):
        yield finding
    if app:
        yield await _statistics(capgo, app, may_read_organization=held.has("org.read") is True)


def _probes(app: str | None, org: str | None) -> Iterator[Operation[Any]]:
    yield ListApiKeys()
    if app:
        yield GetApp(app_id=app)
        yield ListChannels(app_id=app)
        yield ListDevices(app_id=app, limit=1)
    if org:
        yield GetOrganization(org_id=org)
        yield ListMembers(org_id=org)


async def _allowed(capgo: Capgo, probe: Operation[Any]) -> bool:
    try:
        await capgo.send(probe)
    # Other errors say nothing of rights, and end the examination.
    except NotAllowed:
        return False
    return True


def _tools(settings: Settings, held: Held) -> Iterator[Finding]:
    usable: list[str] = []
    untried: list[str] = []
    refused: dict[str, list[str]] = {}
    for tool in chosen(settings):
        needs = _needs(tool.entry.kind)
        if missing := next((permission for permission in needs if held.has(permission) is False), None):
            refused.setdefault(missing, []).append(tool.name)
        else:
            (usable if all(held.has(permission) for permission in needs) else untried).append(tool.name)
    if usable:
        yield fine("tools", f"The key can use {', '.join(usable)}.")
    if untried:
        yield fine("tools", f"Whether it can use these, which write, only using them shows: {', '.join(untried)}.")
    for permission, names in refused.items():
        then = "Nothing to do, unless somebody shall use them."
        yield note("tools", f"It cannot use {', '.join(names)}. {holders(permission)}", then)


def _needs(kind: type[Declared[Any]]) -> tuple[str, ...]:
    match kind.spec:
        case Endpoint(needs=permission):
            return (permission,) if permission else ()
    return (*_OF_INSIGHTS, kind.write.spec.needs) if issubclass(kind, Batch) else _OF_INSIGHTS


async def _statistics(capgo: Capgo, app: str, *, may_read_organization: bool) -> Finding:
    """Whether Capgo counts for this key: without a role in the organization it takes everybody for a debtor."""
    today = capgo.clock.moment().date()
    try:
        await capgo.send(GetAppStatistics(app_id=app, from_date=today, to_date=today))
    except PlanLimit as error:
        if may_read_organization:
            return note("statistics", error.sentence, "Look at the plan in the Capgo console.")
        return note(
            "statistics",
            "Capgo tells this key no statistics, as if nobody paid: it has no role in the organization.",
            "Give the key the role org_member there, beside its role in the app.",
        )
    except CapgoError as error:
        return note("statistics", error.sentence, to_person(error.hint))
    return fine("statistics", "The key can read statistics.")
