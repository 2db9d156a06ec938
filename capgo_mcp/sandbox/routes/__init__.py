"""Every route of the sandbox, one module per area."""

from capgo_mcp.sandbox.routes import (
    apikeys,
    apps,
    builds,
    bundles,
    channels,
    devices,
    members,
    notifications,
    organizations,
    statistics,
    webhooks,
)

_AREAS = (
    apps, channels, bundles, devices, organizations, members, statistics, apikeys, webhooks, builds, notifications,
)  # fmt: skip
ROUTES = tuple(route for area in _AREAS for route in area.ROUTES)
