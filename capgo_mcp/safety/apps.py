"""What a write to an app means."""

from datetime import timedelta
from typing import Any, Final

from capgo_mcp.api.fields import MOST
from capgo_mcp.api.next_call import NextCall
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.insights.bundles import served_by
from capgo_mcp.insights.walk import in_long_pages
from capgo_mcp.operations.apps import App, CreateApp, DeleteApp, GetApp, UpdateApp
from capgo_mcp.operations.devices import ListDevices
from capgo_mcp.safety.bundles import all_apps, bundles_and_channels, tell_app
from capgo_mcp.safety.meaning import Meaning
from capgo_mcp.safety.reading import Reading, at_least
from capgo_mcp.safety.undo import Snapshot, Undo, former, next_call, untold


async def _preview_update(operation: UpdateApp, reading: Reading) -> None:
    """What a shorter retention reaches: it is the one setting of an app that destroys."""
    app = await reading.read("app", GetApp(app_id=operation.app_id))
    now, then = app.retention if app else None, operation.retention
    reading.tell_as("now", app, "name", "block_provider_infra_requests")
    if app is not None:
        reading.facts["retention_now"] = now
    if then is None or (now is not None and then >= now):
        return
    reads = bundles_and_channels(operation.app_id)
    await reading.ahead(*reads)
    bundles = await reading.read("bundles", reads[0])
    channels = await reading.read("channels", reads[1])
    reached: int | str = "an unknown number of"
    if bundles is not None and channels is not None:
        kept, since = served_by(channels.items), reading.today - timedelta(seconds=then)
        idle = [bundle for bundle in bundles.items if bundle.name not in kept]
        reading.facts["bundles_no_channel_serves"] = len(idle)
        reached = at_least(sum(bundle.created_at is None or bundle.created_at < since for bundle in idle), bundles)
        reading.facts["bundles_reached"] = reached
    reading.warnings.append(
        f"a shorter retention lets Capgo delete, at its next daily clean-up, {reached} bundles that no channel serves"
    )


async def _snapshot(operation: UpdateApp, capgo: Capgo) -> Snapshot:
    app = await capgo.send(GetApp(app_id=operation.app_id))
    return Snapshot.of(app)


def _undo(operation: UpdateApp, before: Snapshot, after: Snapshot) -> Undo:
    back, lost = former(UpdateApp, before, after)
    calls = [next_call(UpdateApp, app_id=operation.app_id, **back)] if back else []
    note = "What Capgo's daily clean-up deletes until then does not come back." if "retention" in back else ""
    return Undo(calls, [*lost, *untold(operation, "icon")], note)


async def _preview_delete(operation: DeleteApp, reading: Reading) -> None:
    app, (bundles, channels) = GetApp(app_id=operation.app_id), bundles_and_channels(operation.app_id)
    devices = in_long_pages(ListDevices(app_id=operation.app_id, limit=MOST))
    await reading.ahead(app, channels, bundles, devices, all_apps())
    await tell_app(app, reading)
    await reading.count("channels", channels)
    await reading.count("bundles", bundles)
    await reading.count("devices", devices, moving=True)


def _undo_creation(operation: CreateApp, _: App) -> Undo:
    """Without another question: there is nothing in it yet."""
    delete = NextCall.of(DeleteApp(app_id=operation.app_id), confirm_name=operation.name)
    return Undo([delete], [], "After that its id stays taken.")


MEANINGS: Final[tuple[Meaning[Any], ...]] = (
    Meaning(CreateApp, created=_undo_creation, consequential=False),
    Meaning(
        UpdateApp,
        preview=_preview_update,
        weighs=lambda operation: operation.retention is not None,
        snapshot=_snapshot,
        undo=_undo,
        noise=frozenset({"updated_at", "last_version"}),
    ),
    Meaning(DeleteApp, preview=_preview_delete),
)
