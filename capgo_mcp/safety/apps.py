"""What a write to an app means."""

from typing import Any, Final

from capgo_mcp.api.fields import MOST
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.operations.apps import DeleteApp, GetApp, UpdateApp
from capgo_mcp.operations.bundles import ListBundles
from capgo_mcp.operations.channels import ListChannels
from capgo_mcp.operations.devices import ListDevices
from capgo_mcp.safety.bundles import served_by
from capgo_mcp.safety.meaning import Meaning
from capgo_mcp.safety.reading import Reading
from capgo_mcp.safety.undo import Snapshot, Undo, former, next_call, untold


async def _preview_update(operation: UpdateApp, reading: Reading) -> None:
    """What a short retention reaches: it is the one setting of an app that destroys."""
    app = await reading.read("app", GetApp(app_id=operation.app_id))
    if app is not None:
        reading.facts["retention_now"] = app.retention
    bundles = await reading.read("bundles", ListBundles(app_id=operation.app_id, limit=MOST))
    channels = await reading.read("channels", ListChannels(app_id=operation.app_id, limit=MOST))
    if bundles is not None and channels is not None:
        kept = served_by(channels)
        reading.facts["bundles_no_channel_serves"] = sum(bundle.name not in kept for bundle in bundles.items)


async def _snapshot(operation: UpdateApp, capgo: Capgo) -> Snapshot:
    app = await capgo.send(GetApp(app_id=operation.app_id))
    return Snapshot.of(app)


def _undo(operation: UpdateApp, before: Snapshot, after: Snapshot) -> Undo:
    back, lost = former(UpdateApp, before, after)
    calls = [next_call(UpdateApp, app_id=operation.app_id, **back)] if back else []
    return Undo(calls, [*lost, *untold(operation, "icon")])


async def _preview_delete(operation: DeleteApp, reading: Reading) -> None:
    app = operation.app_id
    reading.tell(await reading.read("app", GetApp(app_id=app)), "name")
    await reading.count("channels", ListChannels(app_id=app, limit=MOST))
    await reading.count("bundles", ListBundles(app_id=app, limit=MOST))
    await reading.count("devices", ListDevices(app_id=app, limit=MOST), moving=True)


MEANINGS: Final[tuple[Meaning[Any], ...]] = (
    Meaning(
        UpdateApp,
        preview=_preview_update,
        snapshot=_snapshot,
        undo=_undo,
        noise=frozenset({"updated_at", "last_version"}),
    ),
    Meaning(DeleteApp, preview=_preview_delete, named_by=lambda operation: GetApp(app_id=operation.app_id)),
)
