"""Arguments for every operation, made for the seeded sandbox, and short ways to use them."""

import functools
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from capgo_mcp.agent.generated import generated
from capgo_mcp.api.operation import Declared, Operation
from capgo_mcp.catalog import TOOLSETS, every_tool
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.client.key import StaticKey
from capgo_mcp.config.settings import Settings
from capgo_mcp.operations import every
from capgo_mcp.sandbox import ADMIN_KEY, seeded
from capgo_mcp.sandbox.seed.people import DEMO_APP, LIGHTHOUSE
from capgo_mcp.server.tools import Toolbox

AnyTool = type[Declared[Any]]
AnyOperation = type[Operation[Any]]

ALL_TOOLSETS: Final = TOOLSETS
TODAY: Final = datetime.now(UTC).date()
_SEEDED: Final = seeded()
_FAILED: Final = next(row for row in _SEEDED.deliveries.values() if row["status"] == "failed")

DEVICE: Final = next(device for app, device in _SEEDED.devices if app == DEMO_APP)

BY_NAME: Final[dict[str, Any]] = {
    "app_id": DEMO_APP,
    "org_id": LIGHTHOUSE,
    "owner_org": LIGHTHOUSE,
    "owner_org_id": LIGHTHOUSE,
    "channel": "beta",
    "version": "2.2.7",
    "device_id": DEVICE,
    "version_id": 125,
    "channel_id": 2,
    "page": 0,
    "limit": 5,
    "cursor": DEVICE,
    "email": "jonas@example.com",
    "management_email": "jonas@example.com",
    "external_url": "https://cdn.example.com/bundle.zip",
    "checksum": "a" * 64,
    "from_date": str(TODAY - timedelta(days=7)),
    "to_date": str(TODAY - timedelta(days=1)),
    "api_key_id": 3,
    "updated_since": f"{TODAY - timedelta(days=30)}T00:00:00Z",
    "paused_at": f"{TODAY}T00:00:00Z",
    "webhook_id": _FAILED["webhook_id"],
    "delivery_id": _FAILED["id"],
    "url": "https://hooks.example.com/sample",
    "ios_store_url": "https://apps.apple.com/app/id1234567890",
    "android_store_url": "https://play.google.com/store/apps/details?id=com.demo.app",
    "events": ["channels"],
    "target": "broadcast",
    "job_id": "b1d0c0de-0000-4000-8000-000000000003",
    "campaign_id": "none",
    "invite_type": "org_member",
    "retention": 2_592_000,
    "auto_pause_confidence": 0.9,
    "group_by": ["version"],
    "plugin_version_below": "7.0.0",
    "version_below": "2.2.7",
    "not_seen_since": "30d",
    "since": "30d",
    "older_than": "30d",
    "no_update_since": "30d",
    "seen_since": "30d",
}
"""A good value for each word of the API; a word that is not here gets one by its schema."""

BY_TOOL: Final[dict[str, dict[str, Any]]] = {
    "capgo_create_app": {"app_id": "com.sample.app"},
    "capgo_create_bundle": {"version": "9.9.9", "signature": "0" * 512, "manifest_signature": "0" * 512},
    "capgo_delete_bundle": {"version": "1.0.0"},
    "capgo_set_organization_policies": {
        "required_encryption_key": "k" * 20,
        "password_policy_config": {"enabled": True},
        "max_apikey_expiration_days": 30,
    },
    "capgo_invite_member": {"email": "robin@example.com"},
    "capgo_set_rollout": {"channel": "staging", "action": "pause"},
    "capgo_get_build_logs": {"job_id": "b1d0c0de-0000-4000-8000-000000000002"},
    "capgo_get_store_metadata": {"url": "https://play.google.com/store/apps/details?id=com.demo.app"},
    "capgo_observe": {"view": "events", "days": 7},
    "capgo_send_notification": {"payload": {"title": "Hi"}},
}
"""Values that one tool needs otherwise."""

NOT_WITH_OTHERS: Final = {
    "capgo_set_channel": {"detach_bundle"},
    "capgo_set_rollout": {"version"},
    "capgo_explain_device": {"custom_id"},
    "capgo_get_device": {"custom_id"},
    "capgo_get_bundle": {"version_id"},
    "capgo_set_bundle_channel": {"version", "channel"},
}
"""The arguments of a tool that its other ones exclude."""

ONE_OF: Final = {
    "capgo_get_bundle": {"version"},
    "capgo_explain_device": {"device_id"},
    "capgo_get_device": {"device_id"},
    "capgo_set_bundle_channel": {"version_id", "channel_id"},
    "capgo_update_notification_settings": {
        "push_update_enabled",
        "push_update_install_mode",
        "push_update_channel",
    },
}
"""The argument of a tool to give where one of several must be given."""


def required(operation: AnyTool) -> dict[str, Any]:
    """Good values for the arguments that must be given."""
    return {
        name: value(operation, name)
        for name, field in operation.model_fields.items()
        if field.is_required() or name in ONE_OF.get(operation.spec.name, ())
    }


def full(operation: AnyTool) -> dict[str, Any]:
    """Good values for all arguments that can stand together."""
    return {
        name: value(operation, name)
        for name in operation.model_fields
        if name not in NOT_WITH_OTHERS.get(operation.spec.name, ())
    }


def value(operation: AnyTool, name: str) -> Any:
    """A good value for one argument of an operation."""
    special = BY_TOOL.get(operation.spec.name, {})
    known = special.get(name, BY_NAME.get(name))
    return from_schema(input_schema(operation)["properties"][name]) if known is None else known


def from_schema(schema: dict[str, Any]) -> Any:
    """Some value that a schema allows."""
    if "enum" in schema:
        return schema["enum"][0]
    match schema["type"]:
        case "boolean":
            return True
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "array":
            return []
        case "object":
            return {}
        case _:
            return "sample"


@functools.cache
def input_schema(operation: AnyTool) -> dict[str, Any]:
    """The schema of a tool's arguments."""
    return generated(operation).input_schema


def endpoint(name: str) -> AnyOperation:
    """The operation of a tool that is one endpoint of the API."""
    return next(operation for operation in every() if operation.spec.name == name)


def tool(name: str) -> AnyTool:
    """What a tool is declared as."""
    return next(kind for kind in every_tool() if kind.spec.name == name)


def toolbox(capgo: Capgo, **settings: Any) -> Toolbox:
    """The tools over a client, all toolsets on unless settings say otherwise."""
    return Toolbox(capgo, Settings(key=StaticKey(ADMIN_KEY), **{"toolsets": ALL_TOOLSETS, **settings}))
