"""What every write means, from the modules that say it: one for each area of the API, named like the toolset."""

from collections.abc import Mapping
from typing import Any, Final

from capgo_mcp.api.operation import Effect, Operation
from capgo_mcp.operations import every
from capgo_mcp.safety import (
    api_keys,
    app_settings,
    apps,
    builds,
    bundles,
    channels,
    devices,
    members,
    notifications,
    organizations,
    policies,
    webhooks,
)
from capgo_mcp.safety.meaning import Meaning

AREAS: Final = (
    apps,
    app_settings,
    channels,
    bundles,
    devices,
    organizations,
    policies,
    members,
    api_keys,
    webhooks,
    builds,
    notifications,
)


def _by_operation() -> dict[type[Operation[Any]], Meaning[Any]]:
    said = {meaning.operation: meaning for area in AREAS for meaning in area.MEANINGS}
    # Also a write that no area speaks of gets a meaning, an empty one: if it can destroy, that fails here, at import.
    return {kind: said.get(kind) or Meaning(kind) for kind in every() if kind.spec.effect is not Effect.READ}


MEANINGS: Final[Mapping[type[Operation[Any]], Meaning[Any]]] = _by_operation()
"""The meaning of every write there is."""
