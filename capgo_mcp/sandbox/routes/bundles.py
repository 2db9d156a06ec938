"""Bundles."""

import re

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.api.channel_edit import Edit
from capgo_mcp.sandbox import changes
from capgo_mcp.sandbox.answers import OK, ErrorAnswer, Row, bad, database, no_app_access, no_row, not_a_number
from capgo_mcp.sandbox.call import Call, checked_app_id
from capgo_mcp.sandbox.paging import number, page_of_fifty
from capgo_mcp.sandbox.routes.channel_settings import change
from capgo_mcp.sandbox.routing import Route
from capgo_mcp.sandbox.rows import new_bundle

_NUMBER = r"(0|[1-9]\d*)"
_PRE = rf"({_NUMBER}|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
SEMVER = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(-{_PRE}(\.{_PRE})*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?", re.ASCII
)

_SIGNATURES = ("signature", "manifest_signature")
_SIGNATURE = re.compile(r"[0-9a-f]{512}", re.ASCII)


def list_bundles(call: Call) -> list[Row]:
    """List the bundles that are not deleted, newest first; in July an empty page was an error."""
    app_id = call.app_id()
    call.need_app("app.read_bundles", app_id, code="cannot_get_bundle")
    alive = [b for b in call.state.bundles.values() if b["app_id"] == app_id and not b["deleted"]]
    july = call.state.behaviour is Behaviour.JULY
    since = {} if july else dict.fromkeys(_SIGNATURES)
    newest_first = [{**since, **b} for b in sorted(alive, key=lambda b: b["created_at"], reverse=True)]
    if not july and ("version" in call.params or "id" in call.params):
        return _matching(call, newest_first)
    page = page_of_fifty(call, newest_first, "cannot_get_bundle", "Cannot get bundle")
    if july and not page:
        raise bad("cannot_get_bundle", "Cannot get bundle", supabaseError=None)
    return page


def _matching(call: Call, bundles: list[Row]) -> list[Row]:
    """Find the one bundle with the name and the id that are asked for, which in July were not understood."""
    version, bundle_id = call.params.get("version"), call.params.get("id")
    known = number(bundle_id) if bundle_id is not None else None
    if version == "" or (known is not None and not (known.is_integer() and known >= 1)):
        raise bad("invalid_query", "Invalid query")
    return [b for b in bundles if version in (None, b["name"]) and known in (None, b["id"])]


def create_bundle(call: Call) -> Row:
    """Register an externally hosted zip as a bundle, without ever fetching it."""
    _check_new_bundle(call)
    app_id, name = call.text("app_id"), call.text("version")
    app = call.need_app("app.upload_bundle", app_id, code="cannot_create_bundle")
    url = call.text("external_url")
    if not url.startswith("https://"):
        raise bad("invalid_protocol", "External URL must use HTTPS protocol", external_url=url)
    _check_signatures(call)
    _check_encryption(call, app)
    _check_name_is_free(call, app_id, name)
    july = call.state.behaviour is Behaviour.JULY
    names = ("session_key", "key_id", *(() if july else _SIGNATURES))
    optional = {field: call.params.get(field) or None for field in names}
    values = {"external_url": url, "checksum": str(call.params["checksum"]), **optional}
    row = new_bundle(call.state, app, name, call.key["user_id"], **values)
    app["last_version"] = name
    return {"status": "success", "bundle": changes.insert(call, "app_versions", row)}


def _check_new_bundle(call: Call) -> None:
    for name in ("app_id", "version", "external_url", "checksum"):
        if not call.params.get(name):
            raise bad(f"missing_{name}", f"Missing required fields: {name}")
    checked_app_id(call.params["app_id"])
    if not SEMVER.fullmatch(call.text("version")):
        message = "Version must be valid semver (e.g., 1.0.0, 1.0.0-alpha.1)"
        raise bad("invalid_version_format", message, version=call.text("version"))


def _check_signatures(call: Call) -> None:
    """Refuse what is no signature; in July they were not known, and dropped."""
    if call.state.behaviour is Behaviour.JULY:
        return
    for name in _SIGNATURES:
        given = call.params.get(name)
        if given and not (isinstance(given, str) and _SIGNATURE.fullmatch(given)):
            raise bad(f"invalid_{name}", f"{name} must be 512 lowercase hex characters")


def _check_encryption(call: Call, app: Row) -> None:
    org = call.state.orgs[app["owner_org"]]
    required, key_id = org["required_encryption_key"], call.text("key_id")
    if not org["enforce_encrypted_bundles"]:
        return
    if not call.params.get("session_key"):
        raise bad("encryption_required", "This organization requires all bundles to be encrypted")
    if required and not key_id:
        raise bad("encryption_key_required", "This organization requires bundles encrypted with a specific key")
    if required and not required.startswith(key_id):
        raise bad("encryption_key_mismatch", "The bundle was encrypted with another key", key_id=key_id)


def _check_name_is_free(call: Call, app_id: str, name: str) -> None:
    taken = call.state.bundle_named(app_id, name)
    # The backend looks among those that are there, so that the database has to refuse the name of a deleted one.
    if taken and taken["deleted"]:
        message = 'duplicate key value violates unique constraint "app_versions_name_app_id_key"'
        raise bad("cannot_create_bundle", "Cannot create bundle", supabaseError=database("23505", message))
    if taken:
        raise bad("version_already_exists", "Version already exists", version=name)


def set_metadata(call: Call) -> Row:
    """Set a bundle's link and comment."""
    _need_fields(call, "app_id", "version_id")
    app_id = checked_app_id(call.params["app_id"])
    call.need_app("app.upload_bundle", app_id, code="cannot_update_bundle_metadata")
    bundle = call.state.live_bundle(app_id, _id(call, "version_id", "cannot_find_version", "Cannot find version"))
    if not bundle:
        raise bad("cannot_find_version", "Cannot find version", supabaseError=no_row())
    values = {name: call.params[name] for name in ("link", "comment") if name in call.params}
    if not values:
        raise bad("no_fields_to_update", "No fields to update")
    changes.update(call, "app_versions", bundle, **values)
    return OK


def set_channel(call: Call) -> Row:
    """Make a bundle the stable one of a channel; both are named by id."""
    _need_fields(call, "app_id", "version_id", "channel_id")
    app_id = checked_app_id(call.params["app_id"])
    channel_id = _plain_id(call, "channel_id")
    channel = call.state.channels.get(channel_id)
    channel = channel if channel and channel["app_id"] == app_id else None
    permission = "channel.promote_bundle"
    if not (call.may_channel(permission, channel) if channel else call.may_app(permission, app_id)):
        raise no_app_access(app_id)
    bundle = call.state.live_bundle(app_id, _plain_id(call, "version_id"))
    if not bundle:
        raise bad("cannot_find_version", "Cannot find version")
    if not channel:
        raise bad("cannot_find_channel", "Cannot find channel")
    change(call, channel, Edit(version=bundle["id"]))
    return {"status": "success", "message": f"Bundle {bundle['name']} set to channel {channel['name']}"}


def _need_fields(call: Call, *names: str) -> None:
    if not all(call.params.get(name) for name in names):
        known = {name: call.params[name] for name in names if name in call.params}
        raise bad("missing_required_fields", "Missing required fields", **known)


def _plain_id(call: Call, name: str) -> int:
    value = number(call.params[name])
    if not value.is_integer():
        reason = not_a_number(call.params[name])["message"]
        raise bad("cannot_set_bundle_to_channel", "Cannot set bundle to channel", error=reason)
    return int(value)


def _id(call: Call, name: str, code: str, message: str) -> int:
    value = number(call.params[name])
    if not value.is_integer():
        raise bad(code, message, supabaseError=not_a_number(call.params[name]))
    return int(value)


def delete_bundles(call: Call) -> Row:
    """Delete the named bundle or, when no version is named, every bundle no channel uses."""
    app_id = call.app_id()
    call.need_app("bundle.delete", app_id, code="cannot_delete_bundle")
    alive = [b for b in call.state.bundles.values() if b["app_id"] == app_id and not b["deleted"]]
    linked = call.state.linked_bundles(app_id)
    version = call.params.get("version")
    unlinked = (b for b in alive if b["id"] not in linked)
    for bundle in [_deletable(alive, linked, app_id, version)] if version else list(unlinked):
        changes.update(call, "app_versions", bundle, deleted=True, deleted_at=call.state.now())
    return OK


def _deletable(alive: list[Row], linked: set[int], app_id: str, version: object) -> Row:
    bundle = next((b for b in alive if b["name"] == version), None)
    if not bundle:
        raise bad("cannot_delete_version", "Cannot delete version", supabaseError=no_row())
    if bundle["id"] in linked:
        raise linked_bundle(app_id, version)
    return bundle


def linked_bundle(app_id: str, version: object) -> ErrorAnswer:
    """Refuse to delete a bundle that a channel still uses."""
    more = {"app_id": app_id, "version": version}
    return ErrorAnswer(400, "cannot_delete_linked_version", "Cannot delete a bundle linked to a channel", more)


ROUTES = (
    Route("GET", "/bundle", list_bundles),
    Route("POST", "/bundle", create_bundle),
    Route("POST", "/bundle/metadata", set_metadata),
    Route("PUT", "/bundle", set_channel),
    Route("DELETE", "/bundle", delete_bundles),
)
