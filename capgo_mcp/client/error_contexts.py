"""What codes of the API mean in one place or another, where they mean several things: tables only.

Read by `refusals`, before the tables of `error_codes`.
"""

from typing import Final

from capgo_mcp.api.errors import Conflict, NotAllowed, NotFound, RateLimited, Refused, ServerFault
from capgo_mcp.client.error_codes import HIDDEN, Explanation

BY_DETAIL: Final[dict[tuple[str, str], Explanation]] = {
    ("cannot_create_bundle", "You can't access this app"): Explanation(NotAllowed, f"No access to this app. {HIDDEN}"),
    # Postgres's code for a name that is taken. Of a bundle that is there, Capgo says version_already_exists.
    ("cannot_create_bundle", "23505"): Explanation(
        Conflict,
        "A deleted bundle had this version, and its name stays taken for 90 days or more",
        "Choose another version.",
    ),
    ("too_many_requests", "too_many_failed_auth_attempts"): Explanation(
        RateLimited, "Capgo blocks this address after too many failed logins, even with a valid key"
    ),
    ("too_many_requests", "api_key_rate_limit_exceeded"): Explanation(RateLimited, "Too many requests with this key"),
    ("too_many_requests", "ip_rate_limit_exceeded"): Explanation(RateLimited, "Too many requests from this address"),
    # The status is a detail as well: with 400 or 403 the same code means that there is no access.
    ("cannot_get_bundle", "500"): Explanation(
        ServerFault, "Capgo could not read the bundles", "Try again in a minute; if it stays, report the request id."
    ),
    ("error_inviting_user_to_organization", "NO_EMAIL"): Explanation(
        NotFound, "No Capgo user has this e-mail address", "The person must sign up at Capgo first."
    ),
    ("error_inviting_user_to_organization", "ALREADY_INVITED"): Explanation(
        Conflict,
        "This person is a member or invited already",
        "The user can change an existing member's role in the Capgo console, and nobody elsewhere.",
    ),
    ("error_inviting_user_to_organization", "NO_RIGHTS"): Explanation(
        NotAllowed, "The key may not invite with this role"
    ),
    ("error_inviting_user_to_organization", "NO_ORG"): Explanation(NotFound, "There is no such organization"),
    ("error_inviting_user_to_organization", "ROLE_NOT_FOUND"): Explanation(NotFound, "There is no such role"),
    ("error_inviting_user_to_organization", "TOO_RECENT_INVITATION_CANCELATION"): Explanation(
        Conflict, "An invitation of this person was cancelled a short while ago", "Try again later."
    ),
}
"""Codes that mean several things, told apart by a detail of the answer."""

BY_OPERATION: Final[dict[tuple[str, str], Explanation]] = {
    **dict.fromkeys(
        (("capgo_count_events", "not_found"), ("capgo_list_events", "not_found")),
        Explanation(
            NotFound,
            "This Capgo does not tell a key what devices report: it is older, or self-hosted",
            "The user can look at the app's logs in the Capgo console.",
        ),
    ),
    **dict.fromkeys(
        (("capgo_count_events", "app_access_denied"), ("capgo_list_events", "app_access_denied")),
        Explanation(NotAllowed, f"No right to read what devices report. {HIDDEN}"),
    ),
    ("capgo_observe", "not_found"): Explanation(
        NotFound,
        "This Capgo has no Observe: it is older, or self-hosted",
        "Ask capgo_get_update_health about failed updates; for the rest the user can look into the Capgo console.",
    ),
    ("capgo_get_channel", "cannot_find_version"): Explanation(
        NotFound,
        "There is no such channel",
        "Names are exact and case-sensitive: look it up with capgo_list_channels.",
    ),
    **dict.fromkeys(
        (("capgo_set_channel", "unknown_error"), ("capgo_set_rollout", "unknown_error")),
        Explanation(
            ServerFault,
            "Capgo could not do it; it answers so when version names no bundle of this app",
            "Check the name with capgo_list_bundles and read the channel back with capgo_get_channel before trying "
            "again.",
        ),
    ),
    **dict.fromkeys(
        (("capgo_set_channel", "cannot_access_app"), ("capgo_set_rollout", "cannot_access_app")),
        Explanation(
            NotAllowed,
            f"No right to change this channel. {HIDDEN}",
            "Creating one takes app.create_channel, which app_developer has. With still fewer rights, "
            "capgo_set_bundle_channel puts a bundle on a channel.",
        ),
    ),
    ("capgo_set_rollout", "cannot_find_channel"): Explanation(
        NotFound,
        "There is no such channel, and a rollout needs one that serves a bundle already",
        "Create it first with capgo_set_channel and a version, then start the rollout.",
    ),
    ("capgo_set_rollout", "missing_stable_version"): Explanation(
        Refused,
        "The channel serves no bundle yet, to which a rollout could fall back",
        "Give it one first with capgo_set_channel and a version, then start the rollout.",
    ),
    ("capgo_set_rollout", "missing_rollout_version"): Explanation(
        Refused,
        "No rollout is there that could be promoted",
        "See capgo_get_channel; to put a bundle on the channel, capgo_set_channel with version.",
    ),
    ("capgo_set_device_channel", "too_many_requests"): Explanation(
        RateLimited, "The same device and channel can be set once a minute, counting failures"
    ),
    ("capgo_create_organization", "unknown_error"): Explanation(
        ServerFault,
        "Capgo could not create it; it answers so when the name is taken",
        "See capgo_list_organizations before trying again, so as not to create it twice.",
    ),
}
"""Codes that mean something particular in one operation."""
