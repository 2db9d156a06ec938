"""What a call would destroy, read from Capgo before anything is sent that writes."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

from capgo_mcp.agent.outcomes import Preview
from capgo_mcp.agent.render import shown
from capgo_mcp.api.answers import Answer, Listing
from capgo_mcp.api.errors import CapgoError, NotFound
from capgo_mcp.api.fields import MOST
from capgo_mcp.api.operation import Operation
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.operations.api_keys import DeleteApiKey, ListApiKeys
from capgo_mcp.operations.apps import App, DeleteApp, GetApp, ListApps, UpdateApp
from capgo_mcp.operations.builds import CancelBuild
from capgo_mcp.operations.bundles import Bundle, DeleteAllBundles, DeleteBundle, ListBundles
from capgo_mcp.operations.channels import Channel, DeleteChannel, GetChannel, ListChannels, SetChannel
from capgo_mcp.operations.devices import GetDevice, ListDevices, UnsetDeviceChannel
from capgo_mcp.operations.members import ListMembers, RemoveMember
from capgo_mcp.operations.organizations import DeleteOrganization, GetOrganization
from capgo_mcp.operations.webhooks import DeleteWebhook, GetWebhook

NAMES: Final = 20
"""Names listed one by one."""
_LOOK_IT_UP: Final = "Names are exact and case-sensitive: look it up with the list tool first."
_SERVES: Final = ("public", "version", "rollout_version_info", "rollout_percentage_bps")

A = TypeVar("A", bound=Answer)


class Look:
    """Reads what a preview tells, and keeps account of what could not be read."""

    def __init__(self, capgo: Capgo) -> None:
        self._capgo = capgo
        self.facts: dict[str, Any] = {}
        self.unknown: list[str] = []

    async def read(self, what: str, operation: Operation[A], *, target: bool = False) -> A | None:
        """The answer, or None after noting why it could not be had.

        Raises:
            NotFound: What is read is the target of the call, and it does not exist.
        """
        try:
            return await self._capgo.send(operation)
        except CapgoError as error:
            if target and isinstance(error, NotFound):
                raise
            self.unknown.append(f"{what}: {error.sentence}")
            return None

    async def count(self, what: str, operation: Operation[Any]) -> Listing[Any] | None:
        """The rows of a list, noting how many there are."""
        rows: Listing[Any] | None = await self.read(what, operation)
        if rows is not None:
            more = getattr(rows, "next", None) is not None
            self.facts[what] = f"at least {len(rows.items)}" if more else len(rows.items)
        return rows

    def tell(self, answer: Answer | None, *names: str) -> None:
        """Note these facts of an answer, if it could be had."""
        if answer is not None:
            facts = shown(answer)
            self.facts |= {name: facts[name] for name in names if name in facts}

    def tell_one_of(self, rows: Listing[Any] | None, what: str, name: str, value: object, *names: str) -> None:
        """Note these facts of the row whose `name` has the value.

        Raises:
            NotFound: There is no such row.
        """
        if rows is not None:
            row = next((row for row in rows.items if getattr(row, name) == value), None)
            self.tell(row, *names)
            told = any(getattr(other, name) is not None for other in rows.items)
            if row is None and told and getattr(rows, "next", None) is None:
                raise NotFound("not_found", f"There is no such {what}, so there is nothing to confirm.", _LOOK_IT_UP)
            if row is None:
                self.unknown.append(f"{what}: not among the {len(rows.items)} that Capgo lists first")


async def preview(operation: Operation[Any], capgo: Capgo) -> Preview:
    """What the operation would destroy; what cannot be read is told instead of guessed."""
    look = Look(capgo)
    target = operation.model_dump(mode="json", exclude_defaults=True)
    await LOOKS[type(operation)](operation, look)
    return Preview(would=operation.spec.title, facts={**target, **look.facts}, unknown=look.unknown)


async def target_name(operation: Operation[Any], capgo: Capgo) -> str:
    """The name by which the user confirms that a whole account goes.

    Raises:
        CapgoError: It cannot be read.
    """
    if isinstance(operation, DeleteOrganization):
        answer: Any = await capgo.send(GetOrganization(org_id=operation.org_id))
    else:
        answer = await capgo.send(GetApp(app_id=operation.app_id))  # type: ignore[attr-defined]  # apps and bundles
    name = shown(answer).get("name") or shown(answer).get("app_id")
    if not name:
        raise NotFound("no_name", "Capgo tells no name to confirm by, so nothing was deleted.")
    return str(name)


def serving(channels: Listing[Channel] | None, *names: str | None) -> dict[str, list[str]]:
    """Which channels serve each of the named bundles, as stable or as rollout target."""
    users: dict[str, list[str]] = {}
    for channel in channels.items if channels else []:
        for bundle in (channel.version, channel.rollout_version_info):
            if bundle and bundle.name and channel.name and (bundle.name in names or not names):
                users.setdefault(bundle.name, []).append(channel.name)
    return users


async def _app(operation: DeleteApp, look: Look) -> None:
    app = operation.app_id
    look.tell(await look.read("app", GetApp(app_id=app)), "name")
    await look.count("channels", ListChannels(app_id=app, limit=MOST))
    await look.count("bundles", ListBundles(app_id=app, limit=MOST))
    await look.count("devices", ListDevices(app_id=app, limit=MOST))


async def _named_channel(operation: DeleteChannel | SetChannel, look: Look) -> Channel | None:
    read = GetChannel(app_id=operation.app_id, channel=operation.channel)
    return await look.read("channel", read, target=True)


async def _channel(operation: DeleteChannel, look: Look) -> None:
    look.tell(await _named_channel(operation, look), *_SERVES)
    look.unknown.append("platforms: Capgo does not tell which platforms a channel serves")


async def _detached(operation: SetChannel, look: Look) -> None:
    channel = await _named_channel(operation, look)
    if channel is not None:
        look.facts["now"] = {name: fact for name, fact in shown(channel).items() if name in _SERVES}


async def _bundle(operation: DeleteBundle, look: Look) -> None:
    bundles = await look.read("bundle", ListBundles(app_id=operation.app_id, limit=MOST))
    look.tell_one_of(bundles, "bundle", "name", operation.version, "id", "created_at", "comment")
    channels = await look.read("channels", ListChannels(app_id=operation.app_id, limit=MOST))
    if channels is not None:
        users = serving(channels, operation.version).get(operation.version, [])
        look.facts["served_by"] = users[:NAMES]
        look.facts["capgo_will_refuse"] = bool(users)


async def _bundles(operation: DeleteAllBundles, look: Look) -> None:
    look.tell(await look.read("app", GetApp(app_id=operation.app_id)), "name")
    bundles = await look.read("bundles", ListBundles(app_id=operation.app_id, limit=MOST))
    channels = await look.read("channels", ListChannels(app_id=operation.app_id, limit=MOST))
    if bundles is not None and channels is not None:
        _split(look, bundles, serving(channels))


def _split(look: Look, bundles: Listing[Bundle], kept: Mapping[str, list[str]]) -> None:
    gone = [bundle.name for bundle in bundles.items if bundle.name not in kept]
    more = getattr(bundles, "next", None) is not None
    look.facts |= {
        "bundles_to_delete": f"at least {len(gone)}" if more else len(gone),
        "bundles_to_keep": len(kept),
        "kept_because_served": [{"version": name, "served_by": users} for name, users in [*kept.items()][:NAMES]],
    }


async def _device(operation: UnsetDeviceChannel, look: Look) -> None:
    device = await look.read("device", GetDevice(app_id=operation.app_id, device_id=operation.device_id))
    look.tell(device, "custom_id", "platform", "version_name", "channel")
    if device is not None and device.channel is None:
        look.facts["pinned"] = False


async def _organization(operation: DeleteOrganization, look: Look) -> None:
    look.tell(await look.read("organization", GetOrganization(org_id=operation.org_id)), "name")
    apps: Listing[App] | None = await look.count("apps", ListApps(org_id=operation.org_id, limit=MOST))
    look.facts["app_ids"] = [app.app_id for app in apps.items[:NAMES]] if apps else []
    await look.count("members", ListMembers(org_id=operation.org_id))


async def _member(operation: RemoveMember, look: Look) -> None:
    members = await look.read("member", ListMembers(org_id=operation.org_id))
    look.tell_one_of(members, "member", "email", operation.email, "email", "role", "is_tmp")


async def _api_key(operation: DeleteApiKey, look: Look) -> None:
    keys = await look.read("API key", ListApiKeys())
    look.tell_one_of(keys, "API key", "id", operation.api_key_id, "name", "expires_at", "created_at")


async def _webhook(operation: DeleteWebhook, look: Look) -> None:
    read = GetWebhook(org_id=operation.org_id, webhook_id=operation.webhook_id)
    webhook = await look.read("webhook", read, target=True)
    look.tell(webhook, "name", "url", "enabled", "events")


async def _build(_: CancelBuild, look: Look) -> None:
    look.unknown.append("status: asking Capgo for it would bill the build's time and may cancel it")


async def _retention(operation: UpdateApp, look: Look) -> None:
    app = await look.read("app", GetApp(app_id=operation.app_id))
    if app is not None:
        look.facts["retention_now"] = app.retention
    bundles = await look.read("bundles", ListBundles(app_id=operation.app_id, limit=MOST))
    channels = await look.read("channels", ListChannels(app_id=operation.app_id, limit=MOST))
    if bundles is not None and channels is not None:
        kept = serving(channels)
        look.facts["bundles_no_channel_serves"] = sum(bundle.name not in kept for bundle in bundles.items)


LOOKS: Final[dict[type[Operation[Any]], Callable[[Any, Look], Awaitable[None]]]] = {
    DeleteApp: _app,
    DeleteChannel: _channel,
    SetChannel: _detached,
    DeleteBundle: _bundle,
    DeleteAllBundles: _bundles,
    UnsetDeviceChannel: _device,
    DeleteOrganization: _organization,
    RemoveMember: _member,
    DeleteApiKey: _api_key,
    DeleteWebhook: _webhook,
    CancelBuild: _build,
    UpdateApp: _retention,
}
"""What to read before each call that can destroy something."""
