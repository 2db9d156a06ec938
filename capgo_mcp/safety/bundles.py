"""What a write to bundles means."""

from collections.abc import Mapping
from typing import Any, Final

from capgo_mcp.agent.arguments import Controls
from capgo_mcp.api.answers import Listing
from capgo_mcp.api.channel_edit import Edit, possible
from capgo_mcp.api.channel_words import told
from capgo_mcp.api.fields import MOST
from capgo_mcp.api.next_call import NextCall
from capgo_mcp.api.text import quoted
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.insights.bundles import all_bundles, all_channels, served_by
from capgo_mcp.insights.walk import in_long_pages
from capgo_mcp.insights.way_back import Step, way_back
from capgo_mcp.operations.apps import GetApp, ListApps
from capgo_mcp.operations.bundles import (
    Bundle,
    CreateBundle,
    DeleteAllBundles,
    DeleteBundle,
    ListBundles,
    SetBundleChannel,
    SetBundleMetadata,
)
from capgo_mcp.operations.channels import ListChannels
from capgo_mcp.operations.devices import ListDevices
from capgo_mcp.safety.channels import NOISE, SERVES, end_no_rollout_unseen, seen_channel, told_of_edit
from capgo_mcp.safety.meaning import Meaning
from capgo_mcp.safety.reading import DEVICES, NAMES, Reading, at_least, refuse_among
from capgo_mcp.safety.undo import Facts, Snapshot, Told, Undo, former, next_call


def all_apps() -> ListApps:
    """The read of all apps that the key can see."""
    return ListApps(limit=MOST)


def bundles_and_channels(app_id: str) -> tuple[ListBundles, ListChannels]:
    """The reads that tell which bundles are served."""
    return all_bundles(app_id=app_id), all_channels(app_id=app_id)


async def _preview_channel(operation: SetBundleChannel, reading: Reading) -> None:
    """Which bundle and channel the ids stand for, and what the channel serves now."""
    channels = await reading.read("channel", all_channels(app_id=operation.app_id))
    bundles = await reading.read("bundle", all_bundles(app_id=operation.app_id))
    channel = _by_id(channels, operation.channel_id)
    reading.tell_as("now", channel, "name", *SERVES)
    reading.tell(_by_id(bundles, operation.version_id), "name")


def _by_id(rows: Listing[Any] | None, number: int | None) -> Any:
    return next((row for row in rows.items if row.id == number), None) if rows else None


async def _snapshot_channel(operation: SetBundleChannel, capgo: Capgo) -> Snapshot:
    """The channel as the list shows it: Capgo reads one by name only, and this operation knows an id."""
    channels = await capgo.send(all_channels(app_id=operation.app_id))
    channel = _by_id(channels, operation.channel_id)
    return seen_channel(channel) if channel else Snapshot()


def _undo_channel(operation: SetBundleChannel, before: Snapshot, after: Snapshot) -> Undo:
    """By ids as it was done, since the key may have no right to more; a rollout that ended takes the other tool."""
    if before.channel is None or after.channel is None:
        return Undo([], ["the channel, which could not be read"])
    was, now = before.channel, after.channel
    bundle, by_id = before.facts.get("version"), None
    if bundle and was.version != now.version:
        ids: dict[str, int | None] = {"version_id": bundle["id"], "channel_id": operation.channel_id}
        by_id = Step(SetBundleChannel(app_id=operation.app_id, **ids), Edit(version=was.version))
    where = {"app_id": operation.app_id, "channel": after.facts["name"]}
    ends = dict.fromkeys(possible(was, Edit(version=now.version), now), now)
    way = way_back(was, ends, where, by_id)
    return Undo([*map(NextCall.of, way.calls)], way.lost)


def _in_vain(operation: SetBundleChannel, before: Snapshot, controls: Controls) -> str | None:
    row, served = before.channel, before.facts.get("version")
    if row is None:
        return None
    if served is None or served["id"] != operation.version_id:
        target = before.facts.get("rollout_version")
        meant = row.rollout_version if target == operation.version_id else None
        end_no_rollout_unseen(before.facts["name"], row, meant, controls)
        return None
    return f"It is so already. {told(before.facts['name'], row)}"


def _tell(_: SetBundleChannel, before: Snapshot, after: Snapshot) -> Told:
    """Capgo was told an id: which bundle that is shows only in what is read."""
    if before.channel is None or after.channel is None:
        return Told("")
    now = told(after.facts["name"], after.channel)
    return told_of_edit(now, before.channel, Edit(version=after.channel.version), after.channel)


def _answered_create(operation: CreateBundle, bundle: Bundle) -> Told:
    """Whether the bundle has what proves and opens it: an older Capgo drops what it does not know."""
    asked = {
        "signature": (operation.signature, bundle.signed),
        "manifest_signature": (operation.manifest_signature, bundle.manifest_signed),
        "session_key": (operation.session_key, bundle.encrypted),
    }
    dropped = [name for name, (given, told) in asked.items() if given and not told]
    if not dropped:
        return Told("")
    now = f"Bundle {quoted(operation.version)} is there, but without {' and '.join(dropped)}."
    return Told(
        now, met=False, notes=("This Capgo has dropped that: it is older. Devices that need it refuse the bundle.",)
    )


async def _snapshot_metadata(operation: SetBundleMetadata, capgo: Capgo) -> Snapshot:
    bundles = (await capgo.send(ListBundles(app_id=operation.app_id, version_id=operation.version_id))).items
    if not bundles:
        return Snapshot()
    row = bundles[0]
    told = {"name": row.name, "comment": row.comment, "link": row.link}
    return Snapshot({name: fact for name, fact in told.items() if fact}, told)


def _undo_metadata(operation: SetBundleMetadata, before: Snapshot, after: Snapshot) -> Undo:
    back, lost = former(SetBundleMetadata, before, after)
    where = {"app_id": operation.app_id, "version_id": operation.version_id}
    return Undo([next_call(SetBundleMetadata, **where, **back)] if back else [], lost)


def _undo_creation(operation: CreateBundle, _: Bundle) -> Undo:
    delete = next_call(DeleteBundle, app_id=operation.app_id, version=operation.version)
    return Undo([delete], [], "After that its version name stays taken for 90 days or more.")


async def _preview_delete(operation: DeleteBundle, reading: Reading) -> None:
    reads = bundles_and_channels(operation.app_id)
    devices = in_long_pages(ListDevices(app_id=operation.app_id, limit=DEVICES))
    await reading.ahead(*reads, devices)
    bundles = await reading.read("bundle", reads[0])
    reading.tell_one_of(bundles, "bundle", "name", operation.version, "id", "created_at", "comment")
    channels = await reading.read("channels", reads[1])
    if channels is not None:
        users = served_by(channels.items).get(operation.version, [])
        reading.facts["served_by"] = users[:NAMES]
        reading.facts["capgo_will_refuse"] = bool(users)
    await reading.count(
        "devices_on_it",
        devices,
        moving=True,
        admits=lambda device: device.version_name == operation.version,
    )


async def tell_app(operation: GetApp, reading: Reading) -> None:
    """The app by whose name the user has to confirm; another one of that organization must not look like it."""
    app = await reading.named(operation)
    apps = await reading.read("other apps", all_apps())
    others = [one for one in apps.items if one.owner_org == app.owner_org] if apps else []
    refuse_among([one for one in others if one.app_id != operation.app_id], "app", app.name or "")


async def _preview_delete_all(operation: DeleteAllBundles, reading: Reading) -> None:
    app, reads = GetApp(app_id=operation.app_id), bundles_and_channels(operation.app_id)
    await reading.ahead(app, *reads, all_apps())
    await tell_app(app, reading)
    bundles = await reading.read("bundles", reads[0])
    channels = await reading.read("channels", reads[1])
    if bundles is not None and channels is not None:
        reading.facts |= _split(bundles, served_by(channels.items))


def _split(bundles: Listing[Bundle], kept: Mapping[str, list[str]]) -> Facts:
    return {
        "bundles_to_delete": at_least(sum(bundle.name not in kept for bundle in bundles.items), bundles),
        "bundles_to_keep": len(kept),
        "kept_because_served": [{"version": name, "served_by": users} for name, users in [*kept.items()][:NAMES]],
    }


MEANINGS: Final[tuple[Meaning[Any], ...]] = (
    Meaning(CreateBundle, answered=_answered_create, created=_undo_creation, consequential=False),
    Meaning(
        SetBundleChannel,
        preview=_preview_channel,
        snapshot=_snapshot_channel,
        in_vain=_in_vain,
        told=_tell,
        undo=_undo_channel,
        noise=NOISE,
    ),
    Meaning(SetBundleMetadata, snapshot=_snapshot_metadata, undo=_undo_metadata, consequential=False),
    Meaning(DeleteBundle, preview=_preview_delete),
    Meaning(DeleteAllBundles, preview=_preview_delete_all),
)
