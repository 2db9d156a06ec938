"""Every route of the sandbox, one module per area."""

from capgo_mcp.sandbox.routes import (
    apikeys,
    apps,
    audit,
    builds,
    bundles,
    channels,
    devices,
    events,
    health,
    members,
    notifications,
    observe,
    organizations,
    sign_in,
    statistics,
    webhooks,
)
from capgo_mcp.sandbox.routing import Route

ROUTES: tuple[Route, ...] = (
    *apps.ROUTES,
    *channels.ROUTES,
    *bundles.ROUTES,
    *devices.ROUTES,
    *events.ROUTES,
    *organizations.ROUTES,
    *members.ROUTES,
    *audit.ROUTES,
    *statistics.ROUTES,
    *apikeys.ROUTES,
    *webhooks.ROUTES,
    *builds.ROUTES,
    *notifications.ROUTES,
    *observe.ROUTES,
    *health.ROUTES,
    *sign_in.ROUTES,
)
