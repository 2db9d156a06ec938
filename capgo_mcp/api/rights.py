"""Which roles of Capgo hold which permission: told to a user who lacks one, and obeyed by the sandbox.

Capgo grants permissions through roles that are bound to an API key at organization, app or channel level.
"""

from typing import Final

_ORG: Final = ("org_admin", "org_super_admin")
_DEVELOPERS: Final = ("app_developer", "app_admin")
_READERS: Final = ("app_reader", "app_uploader", *_DEVELOPERS)

HOLDERS: Final[dict[str, tuple[str, ...]]] = {
    "app.read": (*_READERS, "app_preview", *_ORG),
    "app.read_bundles": (*_READERS, "app_preview", *_ORG),
    "app.read_channels": (*_READERS, *_ORG),
    "app.read_devices": (*_READERS, *_ORG),
    "app.read_logs": (*_READERS, *_ORG),
    "app.upload_bundle": ("app_uploader", *_DEVELOPERS, "app_preview", *_ORG),
    "app.create_channel": (*_DEVELOPERS, "app_preview", *_ORG),
    "app.manage_devices": (*_DEVELOPERS, *_ORG),
    "app.build_native": (*_DEVELOPERS, *_ORG),
    "app.manage_notifications": ("app_notifications", *_DEVELOPERS, *_ORG),
    "app.update_settings": ("app_admin", *_ORG),
    "app.delete": ("org_super_admin",),
    "bundle.delete": ("app_admin", "org_super_admin"),
    "channel.promote_bundle": (
        "channel_preview",
        "channel_uploader",
        "channel_developer",
        "channel_admin",
        "app_uploader",
        *_DEVELOPERS,
        *_ORG,
    ),
    "channel.manage_forced_devices": ("channel_developer", "channel_admin", *_DEVELOPERS, *_ORG),
    "channel.update_settings": ("channel_admin", "app_admin", *_ORG),
    "channel.delete": ("channel_preview", "channel_admin", "app_admin", "org_super_admin"),
    "org.read": ("apikey_org_reader", "apikey_manager", "org_member", "org_billing_admin", *_ORG),
    "org.create": (),  # no role has it: a key does, as a global permission
    "org.create_app": ("org_member", "org_billing_admin", *_ORG),
    "org.delete": ("org_super_admin",),
    "org.read_members": ("org_member", *_ORG),
    "org.update_settings": _ORG,
    "org.invite_user": _ORG,
    "org.update_user_roles": _ORG,
    "org.read_audit": _ORG,
    "org.manage_apikeys": ("apikey_manager", *_ORG),
}
"""The roles that hold each permission, the narrowest first."""

UNASSIGNABLE: Final = frozenset({"apikey_org_reader"})
"""Roles that Capgo gives to keys itself: nobody can choose them for a key, so nobody is told to."""


def holders(permission: str) -> str:
    """A sentence that tells which roles a key can be given that hold a permission."""
    roles = (
        ", ".join(role for role in HOLDERS[permission] if role not in UNASSIGNABLE)
        or f"a key with the global permission {permission}"
    )
    return f"This needs the permission {permission} (held by {roles})."
