"""What a change of what an app's devices may do means."""

from typing import Any, Final

from capgo_mcp.client.capgo import Capgo
from capgo_mcp.operations.app_settings import SetAppSettings
from capgo_mcp.operations.apps import GetApp
from capgo_mcp.safety.meaning import Meaning
from capgo_mcp.safety.undo import Snapshot, Undo, former, next_call

_PAGES: Final = ("ios_store_url", "android_store_url")


async def _snapshot(operation: SetAppSettings, capgo: Capgo) -> Snapshot:
    app = await capgo.send(GetApp(app_id=operation.app_id))
    return Snapshot.of(app)


def _undo(operation: SetAppSettings, before: Snapshot, after: Snapshot) -> Undo:
    back, lost = former(SetAppSettings, before, after)
    none = {name: "" for name in lost if name in _PAGES}
    calls = [next_call(SetAppSettings, app_id=operation.app_id, **back, **none)] if back or none else []
    return Undo(calls, [name for name in lost if name not in none])


MEANINGS: Final[tuple[Meaning[Any], ...]] = (
    Meaning(SetAppSettings, snapshot=_snapshot, undo=_undo, noise=frozenset({"updated_at", "last_version"})),
)
