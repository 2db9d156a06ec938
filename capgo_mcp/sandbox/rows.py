"""New rows with the defaults the database gives them."""

from typing import Any

from capgo_mcp.api.channel_edit import NEW
from capgo_mcp.sandbox.answers import Row
from capgo_mcp.sandbox.state import State

MAIL_TOPICS = (
    "onboarding", "usage_limit", "credit_usage", "device_error", "weekly_stats", "monthly_stats",
    "bundle_created", "bundle_deployed", "deploy_stats_24h", "billing_period_stats", "channel_self_rejected",
)  # fmt: skip

_CHANNEL_DEFAULTS: Row = {
    **NEW.model_dump(),
    "auto_pause_last_triggered_at": None,
    "auto_pause_last_checked_at": None,
}


def new_org(state: State, name: str, user_id: str, **values: Any) -> Row:
    """Make an organization."""
    org_id = values.pop("id", None) or state.uuid("org")
    now = state.now()
    return {
        "id": org_id,
        "created_by": user_id,
        "created_at": now,
        "updated_at": now,
        "logo": None,
        "name": name,
        "management_email": state.users[user_id]["email"],
        "customer_id": f"pending_{org_id}",
        "stats_updated_at": None,
        "last_stats_updated_at": None,
        "enforcing_2fa": False,
        "email_preferences": dict.fromkeys(MAIL_TOPICS, True),
        "password_policy_config": None,
        "enforce_hashed_api_keys": False,
        "require_apikey_expiration": False,
        "max_apikey_expiration_days": None,
        "enforce_encrypted_bundles": False,
        "required_encryption_key": None,
        "has_usage_credits": False,
        "website": None,
        "stats_refresh_requested_at": None,
        "onboarding": {"intent": "unknown"},
        **values,
    }


def new_app(state: State, app_id: str, name: str | None, org_id: str, user_id: str | None, **values: Any) -> Row:
    """Make an app."""
    now = state.now()
    return {
        "created_at": now,
        "app_id": app_id,
        "icon_url": "",
        "user_id": user_id,
        "name": name,
        "last_version": None,
        "updated_at": None,
        "id": state.uuid("app"),
        "retention": 2592000,
        "owner_org": org_id,
        "default_upload_channel": "dev",
        "transfer_history": [],
        "channel_device_count": 0,
        "manifest_bundle_count": 0,
        "expose_metadata": False,
        "allow_preview": False,
        "allow_device_custom_id": True,
        "need_onboarding": False,
        "existing_app": False,
        "ios_store_url": None,
        "android_store_url": None,
        "stats_updated_at": None,
        "stats_refresh_requested_at": None,
        "build_timeout_seconds": 900,
        "build_timeout_updated_at": now,
        "block_provider_infra_requests": True,
        "rollout_channel_count": 0,
        "rollout_paused_version_names": [],
        "created_from_onboarding": False,
        "onboarding_completed_at": None,
        **values,
    }


def new_bundle(state: State, app: Row, name: str, user_id: str, **values: Any) -> Row:
    """Make a bundle registered under an external address."""
    now = state.now()
    return {
        "id": state.serial("bundles"),
        "created_at": now,
        "app_id": app["app_id"],
        "name": name,
        "updated_at": now,
        "deleted": False,
        "external_url": None,
        "checksum": None,
        "session_key": None,
        "storage_provider": "external",
        "min_update_version": None,
        "native_packages": None,
        "owner_org": app["owner_org"],
        "user_id": user_id,
        "r2_path": None,
        "manifest": None,
        "link": None,
        "comment": None,
        "manifest_count": 0,
        "key_id": None,
        "cli_version": None,
        "deleted_at": None,
        "created_by_apikey_rbac_id": None,
        **values,
    }


def new_channel(state: State, app: Row, name: str, user_id: str, **values: Any) -> Row:
    """Make a channel."""
    now = state.now()
    return {
        "id": state.serial("channels"),
        "created_at": now,
        "name": name,
        "app_id": app["app_id"],
        "version": None,
        "created_by": user_id,
        "updated_at": now,
        "owner_org": app["owner_org"],
        "rbac_id": state.uuid("channel"),
        "rollout_id": state.uuid("rollout"),
        **_CHANNEL_DEFAULTS,
        **values,
    }


def new_device(app_id: str, device_id: str, version_name: str, updated_at: str, **values: Any) -> Row:
    """Make a device as it last reported itself."""
    return {
        "updated_at": updated_at,
        "device_id": device_id,
        "custom_id": "",
        "is_prod": True,
        "is_emulator": False,
        "install_source": None,
        "version_name": version_name,
        "app_id": app_id,
        "platform": "ios",
        "plugin_version": "7.0.0",
        "os_version": "17.0",
        "version_build": "1.0.0",
        "key_id": None,
        "country_code": None,
        **values,
    }


def new_event(
    app_id: str, device_id: str, action: str, version_name: str, created_at: str, metadata: Row | None = None
) -> Row:
    """Make an event that a device reported."""
    return {
        "app_id": app_id,
        "device_id": device_id,
        "action": action,
        "version_name": version_name,
        "metadata": metadata,
        "created_at": created_at,
    }


def new_key(state: State, name: str, value: str, user_id: str, bindings: list[Row], **values: Any) -> Row:
    """Make an API key."""
    now = state.now()
    return {
        "created_at": now,
        "expires_at": None,
        "id": state.serial("keys"),
        "name": name,
        "rbac_id": state.uuid("key"),
        "updated_at": now,
        "user_id": user_id,
        "is_hashed_key": False,
        "global_permissions": [],
        "owner_org_id": None,
        "key": value,
        "bindings": bindings,
        **values,
    }


def new_member(state: State, org_id: str, user_id: str, role: str, *, is_invite: bool = False) -> Row:
    """Make a membership, or an invitation that waits to become one."""
    now = state.now()
    return {
        "id": state.serial("members"),
        "app_id": None,
        "org_id": org_id,
        "user_id": user_id,
        "is_invite": is_invite,
        "channel_id": None,
        "created_at": now,
        "updated_at": now,
        "rbac_role_name": role,
    }


def new_webhook(state: State, org_id: str, user_id: str, **values: Any) -> Row:
    """Make a webhook, signing secret included."""
    now = state.now()
    return {
        "id": state.uuid("webhook"),
        "org_id": org_id,
        "enabled": True,
        "delivery_version": "legacy",
        "created_at": now,
        "updated_at": now,
        "created_by": user_id,
        "secret": f"whsec_sandbox_{state.serial('webhook secrets')}",
        **values,
    }


def new_delivery(state: State, webhook: Row, event: str, payload: Row, **values: Any) -> Row:
    """Make a delivery of a webhook that has not been attempted yet."""
    return {
        "id": state.uuid("delivery"),
        "webhook_id": webhook["id"],
        "org_id": webhook["org_id"],
        "audit_log_id": None,
        "event_type": event,
        "status": "pending",
        "request_payload": payload,
        "response_status": None,
        "response_body": None,
        "response_headers": None,
        "attempt_count": 0,
        "max_attempts": 3,
        "next_retry_at": None,
        "created_at": state.now(),
        "completed_at": None,
        "duration_ms": None,
        **values,
    }


def new_campaign(state: State, app_id: str, name: str, kind: str, **values: Any) -> Row:
    """Make a campaign of notifications that waits to be sent."""
    now = state.now()
    return {
        "id": state.uuid("campaign"),
        "app_id": app_id,
        "name": name,
        "kind": kind,
        "status": "queued",
        "created_at": now,
        "updated_at": now,
        **values,
    }
