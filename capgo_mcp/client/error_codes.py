"""What each error code of the API means, said so that an agent can act on it: tables only, read by `refusals`."""

from typing import Final, NamedTuple

from capgo_mcp.api.errors import (
    ApiError,
    Conflict,
    KeyRefused,
    NotAllowed,
    NotFound,
    PlanLimit,
    RateLimited,
    Refused,
    ServerFault,
)


class Explanation(NamedTuple):
    """What a code means: the error to raise, what happened, and what to do."""

    kind: type[ApiError]
    sentence: str
    hint: str = ""


_KEY: Final = "Stop calling, for 20 failures block the address, and ask the user for another key (capgo-mcp login)."
_ARGUMENTS: Final = "Check the arguments against the tool's schema."
HIDDEN: Final = "The key may not do this, or it does not exist (Capgo answers both alike)"
_LATER: Final = "Try again in a minute; if it stays, the user can report the request id to Capgo's support."


def _all(kind: type[ApiError], hint: str, sentences: dict[str, str]) -> dict[str, Explanation]:
    return {code: Explanation(kind, sentence, hint) for code, sentence in sentences.items()}


BY_CODE: Final[dict[str, Explanation]] = {
    **_all(
        KeyRefused,
        _KEY,
        {
            "no_key_provided": "Capgo saw no API key",
            "no_jwt_apikey_or_subkey": "Capgo saw no API key",
            "invalid_apikey": "Capgo does not accept the API key: it is unknown, expired, or plain where the "
            "organization wants hashed keys",
            "invalid_jwt": "Capgo took the API key for a session token and refused it",
            "invalid_subkey": "Capgo does not accept the limited sub-key",
        },
    ),
    # The key is good, and works elsewhere: this code is none of those that let the circuit breaker stop it.
    "org_requires_expiring_key": Explanation(
        KeyRefused,
        "The organization accepts only API keys that have an expiry date, and this one has none",
        "Ask the user for a key with an expiry date; this one works for other organizations.",
    ),
    **_all(
        NotAllowed,
        "",
        {
            "cannot_access_app": f"No access to this app. {HIDDEN}",
            "no_access_to_app": f"No access to this app. {HIDDEN}",
            "app_access_denied": f"No access to this app. {HIDDEN}",
            "cannot_access_channel": f"No access to this channel. {HIDDEN}",
            "cannot_access_organization": f"No access to this organization. {HIDDEN}",
            "invalid_org_id": f"No access to this organization. {HIDDEN}",
            "no_access_to_organization": f"No access to this organization. {HIDDEN}",
            "user_does_not_have_access_to_this_organization": f"No access to this organization. {HIDDEN}",
            "no_organizations_found": "The key reads no organization",
            "no_permission": "An app-scoped key cannot manage webhooks: it takes an organization-scoped one",
            "not_authorized": "The key may not read this",
            "permission_denied": "The key lacks the permission",
            "cannot_delete_app": f"The app cannot be deleted. {HIDDEN}",
            "cannot_delete_bundle": f"The bundle cannot be deleted. {HIDDEN}",
            "cannot_promote_bundle": "The key may not put bundles on this channel",
            "cannot_update_bundle_metadata": f"The bundle cannot be changed. {HIDDEN}",
            "cannot_list_apikeys": "The key may not list API keys",
            "cannot_get_apikey": "The key may not read API keys",
            "cannot_delete_apikey": "The key may not delete this API key; none can delete itself",
            "cannot_update_apikey": "The key may not change this API key; none can change itself",
            "unauthorized": f"No access to this build. {HIDDEN}",
            "cannot_delete_higher_priority_role": "The member's role is higher than the key's",
        },
    ),
    **_all(
        NotFound,
        "",
        {
            "not_found": "Capgo has no such route here",
            "devices_not_found": "There are no such devices",
            "channel_not_found": "There is no such channel",
            "cannot_find_channel": "There is no such channel",
            "cannot_find_channels": "The channels cannot be listed at this page",
            "cannot_find_version": "There is no such bundle",
            "cannot_delete_version": "There is no such bundle, or it is already deleted",
            "cannot_find_app": "There is no such app",
            "app_not_found": "There is no such app",
            "apps_not_found": "There are no apps",
            "organization_not_found": "There is no such organization",
            "organization_member_not_found": "This person is not a member of the organization",
            "user_not_found": "No Capgo user has this e-mail address",
            "webhook_not_found": "There is no such webhook",
            "delivery_not_found": "There is no such delivery",
            "api_key_not_found": "There is no such API key among those this key manages",
            "api_key_not_found_or_access_denied": "There is no such API key among those this key manages",
            "failed_to_get_apikey": "There is no such API key among those this key manages",
            "binding_failed": "There is no such role",
        },
    ),
    "device_not_found": Explanation(
        NotFound,
        "There is no such device (or Capgo's device store did not answer)",
        "Look it up with capgo_find_devices, by a part of its custom id as well.",
    ),
    "app_id_already_exists": Explanation(
        Conflict, "This app id is taken", "App ids are unique in all of Capgo: choose another."
    ),
    "version_already_exists": Explanation(
        Conflict, "A bundle of this version exists already", "Choose a higher version; see capgo_list_bundles."
    ),
    "cannot_delete_linked_version": Explanation(
        Conflict,
        "A channel serves this bundle, so Capgo keeps it",
        "Find the channels with capgo_list_channels and move them to another bundle first.",
    ),
    "public_channel_override": Explanation(
        Conflict, "A device can be pinned to private channels only, and this one is public", "Choose a private channel."
    ),
    "delivery_not_failed": Explanation(Conflict, "Only a failed delivery can be retried"),
    "webhook_disabled": Explanation(
        Conflict, "The webhook is disabled", "The user can enable it in the Capgo console."
    ),
    "apikey_missing_rbac_bindings": Explanation(Conflict, "The API key has no roles"),
    "CANNOT_REMOVE_LAST_SUPER_ADMIN": Explanation(
        Conflict,
        "The last super admin cannot be removed",
        "The user can give someone else that role in the Capgo console first.",
    ),
    "already_analyzed": Explanation(Conflict, "This build was analyzed already"),
    "invalid_state": Explanation(Conflict, "The build is not in a state for this"),
    "push_update_disabled": Explanation(
        Conflict,
        "The app does not use pushes for updates",
        "Ask the user whether to switch them on: capgo_update_notification_settings.",
    ),
    "missing_notification_provider": Explanation(
        Conflict, "No service sends pushes for this app", "The user can set one up in the Capgo console."
    ),
    "missing_rollout_version": Explanation(
        Conflict, "The channel has no rollout to promote", "Start one with rollout_version first."
    ),
    "missing_stable_version": Explanation(
        Conflict, "The channel serves no bundle yet, which a rollout needs", "Set version first, then rollout_version."
    ),
    **_all(
        PlanLimit,
        "",
        {
            "need_plan_upgrade": "The organization's plan does not include this",
            "native_build_concurrency_limit_exceeded": "As many builds run as the plan allows",
        },
    ),
    "subscription_required": Explanation(
        PlanLimit,
        "Capgo says that the organization does not pay",
        "It says so also to a key without org.read. Ask the user for one that has org_member beside its app role.",
    ),
    "invalid_icon_path": Explanation(
        Refused,
        "The icon must be an image in the app's own folder of Capgo's storage",
        "Ask the user to upload it in the console. Only older servers take the address of any image.",
    ),
    "too_many_requests": Explanation(RateLimited, "Too many requests"),
    "rate_limited": Explanation(RateLimited, "Too many requests of this kind"),
    **_all(
        Refused,
        _ARGUMENTS,
        {
            "invalid_json_parse_body": "Capgo found nothing to do in the request",
            "invalid_body": "Capgo does not accept the arguments",
            "invalid_app_id": "This is not an app id: it looks like com.demo.app",
            "missing_app_id": "app_id is missing",
            "missing_name": "name is missing",
            "name_is_required": "name is missing",
            "missing_owner_org": "owner_org is missing",
            "missing_org_id": "org_id is missing",
            "missing_version": "version is missing",
            "missing_external_url": "external_url is missing",
            "missing_checksum": "checksum is missing",
            "missing_channel_name": "channel is missing",
            "missing_device_id": "device_id is missing",
            "missing_device_id_or_app_id": "device_id or app_id is missing",
            "missing_required_fields": "A required argument is missing",
            "missing_parameter": "A required argument is missing",
            "missing_params": "A required argument is missing",
            "invalid_params": "Capgo does not accept these arguments together",
            "invalid_view": "Capgo has no such view",
            "missing_recipient": "The recipient is missing",
            "missing_url": "url is missing",
            "api_key_id_required": "The API key's id is missing",
            "bindings_required": "bindings is missing",
            "invalid_parameter": "An argument has a value that Capgo does not accept",
            "invalid_request": "Capgo does not accept the request",
            "invalid_version_format": "The version is not a semantic version such as 2.3.0",
            "invalid_query": "Capgo does not accept a filter of this list",
            "invalid_signature": "A signature is 512 lower-case hex digits, made by Capgo's command line",
            "invalid_manifest_signature": "A signature is 512 lower-case hex digits, made by Capgo's command line",
            "invalid_update_package": "update_package must be one of those in the schema",
            "invalid_target": "Capgo does not know this target of a deployment",
            "invalid_custom_id": "custom_id must have 1 to 36 characters",
            "invalid_owner_org_id": "The organization's id is no UUID",
            "invalid_protocol": "external_url must start with https://",
            "invalid_version_id": "A device cannot be set to a bundle, only pinned to a channel",
            "invalid_limit": "limit must be a positive whole number",
            "invalid_days": "days must be 1, 3, 7 or 30",
            "invalid_order": "order must be asc or desc",
            "invalid_updated_at": "updated_since must be a moment such as 2026-11-01T00:00:00Z",
            "invalid_id_format": "An API key's id is a number",
            "invalid_url": "Capgo does not accept this URL",
            "invalid_events": "There is no such event",
            "invalid_delivery_version": "There is no such delivery version",
            "missing_notification_target": "A push needs a target",
            "invalid_notification_tag": "This is not a tag",
            "invalid_expiration_date": "The expiry must be a date in the future",
            "expiration_required": "The organization wants an expiry date",
            "expiration_exceeds_max": "The expiry is later than the organization allows",
            "invalid_max_expiration_days": "The longest life of keys must be 1 to 365 days",
            "invalid_required_encryption_key": "The encryption key has the wrong form",
            "retention_to_big": "retention is in seconds, at most 63113903 (two years)",
            "retention_to_small": "retention is in seconds, at least 0",
            "invalid_rollout_percentage": "rollout_percentage must be 0 to 100",
            "invalid_rollout_config": "A rollout setting is out of range",
            "invalid_auto_pause_confidence": "auto_pause_confidence must lie between 0 and 1",
            "invalid_auto_pause_action": "auto_pause_action must be pause, rollback or notify",
            "no_fields_to_update": "Nothing to change was given",
            "no_updates": "Nothing to change was given",
            "no_valid_fields_provided_for_update": "Nothing to change was given",
            "logs_too_big": "The logs are too long",
            "too_big": "The file is too large",
            "not_text": "The file is not text",
        },
    ),
    **_all(
        Refused,
        "The organization's encryption policy asks for it; the user can upload with Capgo's own command line.",
        {
            "encryption_required": "The organization accepts only encrypted bundles",
            "encryption_key_required": "The organization accepts only bundles encrypted with a known key",
            "encryption_key_mismatch": "The bundle is encrypted with another key than the organization's",
        },
    ),
    "cannot_set_rollout_without_stable": Explanation(
        Conflict, "The channel serves no bundle yet, which a rollout needs", "Set version first, then the rollout."
    ),
    "version_name_unavailable": Explanation(
        Conflict, "The version's name is taken, by a deleted bundle too", "Choose another version."
    ),
    "cannot_create_apikey": Explanation(
        Refused,
        "An API key cannot create API keys, whatever its role",
        "Ask the user to create the key in the Capgo console.",
    ),
    **_all(
        Refused,
        "Choose another bundle, or ask the user whether to change the channel's update_package.",
        {
            "channel_zip_required": "The bundle has no zip, and the channel's update_package asks for one",
            "channel_delta_required": "The bundle has no manifest, and the channel's update_package asks for one",
        },
    ),
    "requires_2fa_to_enforce_2fa": Explanation(Refused, "The key's owner has no second factor, so cannot require one"),
    "cannot_delete_preview_bundle": Explanation(Refused, "The preview's bundle cannot be deleted"),
    "error_inviting_user_to_organization": Explanation(Refused, "The person cannot be invited"),
    "error_deleting_user_from_organization": Explanation(Refused, "The member cannot be removed"),
    "cannot_get_bundle": Explanation(NotAllowed, f"The bundles cannot be read. {HIDDEN}"),
    "cannot_create_bundle": Explanation(Refused, "Capgo did not create the bundle", _ARGUMENTS),
    "cannot_get_audit_logs": Explanation(
        Refused, "The audit log cannot be read at this page", "Start again at page 0."
    ),
    **_all(
        ServerFault,
        "",
        dict.fromkeys(
            [
                "unknown_error",
                "channel_device_error",
                "channel_self_store_error",
                "internal_error",
                "builder_error",
                "config_error",
                "service_unavailable",
                "cannot_validate_build_plan",
                "cannot_check_linked_channels",
                "cannot_check_2fa",
                "cannot_create_app",
                "cannot_create_delivery",
                "cannot_create_org",
                "cannot_create_org_plan",
                "cannot_create_webhook",
                "cannot_delete_all_version",
                "cannot_delete_channel",
                "cannot_delete_organization",
                "cannot_delete_webhook",
                "cannot_load_app",
                "cannot_reset_delivery",
                "cannot_set_bundle_to_channel",
                "cannot_update_app",
                "cannot_update_delivery",
                "cannot_update_org",
                "cannot_update_version_metadata",
                "cannot_update_webhook",
                "failed_to_delete_apikey",
                "failed_to_update_apikey",
            ],
            "Capgo could not do it, which can also mean that an argument names something that does not exist",
        ),
    ),
    **_all(
        ServerFault,
        _LATER,
        dict.fromkeys(
            [
                "cannot_fetch_store_metadata",
                "cannot_get_app_statistics",
                "cannot_get_apps",
                "cannot_get_deliveries",
                "cannot_get_org",
                "cannot_get_organization",
                "cannot_get_organization_members",
                "cannot_get_organization_statistics",
                "cannot_get_organizations",
                "cannot_get_plan",
                "cannot_get_user",
                "cannot_get_user_organizations",
                "cannot_get_user_statistics",
                "cannot_get_webhooks",
                "cannot_parse_audit_logs",
                "cannot_parse_members",
                "cannot_parse_organization",
                "cannot_parse_organizations",
                "failed_to_list_apikeys",
            ],
            "Capgo could not read it",
        ),
    ),
}
"""Every code that has one meaning."""
