"""Which roles of Capgo hold which permission, to tell a user what is missing.

Capgo grants permissions through roles that are bound to an API key at organization, app or channel level.
"""

from typing import Final

_ORG: Final = "org_admin, org_super_admin"

ROLES: Final[dict[str, str]] = {
    "app.read": f"app_reader, app_uploader, app_developer, app_admin, app_preview, {_ORG}",
    "app.read_bundles": f"app_reader, app_uploader, app_developer, app_admin, app_preview, {_ORG}",
    "app.read_channels": f"app_reader, app_uploader, app_developer, app_admin, {_ORG}",
    "app.read_devices": f"app_reader, app_uploader, app_developer, app_admin, {_ORG}",
    "app.upload_bundle": f"app_uploader, app_developer, app_admin, app_preview, {_ORG}",
    "app.create_channel": f"app_developer, app_admin, app_preview, {_ORG}",
    "app.manage_devices": f"app_developer, app_admin, {_ORG}",
    "app.build_native": f"app_developer, app_admin, {_ORG}",
    "app.manage_notifications": f"app_notifications, app_developer, app_admin, {_ORG}",
    "app.update_settings": f"app_admin, {_ORG}",
    "app.delete": "org_super_admin",
    "bundle.delete": f"app_admin, {_ORG}",
    "channel.promote_bundle": (
        f"channel_uploader, channel_developer, channel_admin, app_uploader, app_developer, app_admin, {_ORG}"
    ),
    "channel.manage_forced_devices": f"channel_developer, channel_admin, app_developer, app_admin, {_ORG}",
    "channel.update_settings": f"channel_admin, app_admin, {_ORG}",
    "channel.delete": f"channel_admin, app_admin, {_ORG}",
    "org.read": f"apikey_org_reader, apikey_manager, org_member, org_billing_admin, {_ORG}",
    "org.create": "a key with the global permission org.create",
    "org.create_app": f"org_member, org_billing_admin, {_ORG}",
    "org.delete": "org_super_admin",
    "org.read_members": f"org_member, {_ORG}",
    "org.update_settings": _ORG,
    "org.invite_user": _ORG,
    "org.update_user_roles": _ORG,
    "org.read_audit": _ORG,
    "org.manage_apikeys": f"apikey_manager, {_ORG}",
}


def holders(permission: str) -> str:
    """A sentence that tells which roles hold a permission."""
    return f"This needs the permission {permission} (held by {ROLES[permission]})."
