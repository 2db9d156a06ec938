"""Apps."""

import re

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.sandbox import changes
from capgo_mcp.sandbox.answers import (
    OK,
    ErrorAnswer,
    Row,
    bad,
    database,
    no_app_access,
    no_org_access,
    no_row,
    not_a_number,
)
from capgo_mcp.sandbox.auth import Middleware
from capgo_mcp.sandbox.call import Call, checked_app_id
from capgo_mcp.sandbox.cascade import drop_app
from capgo_mcp.sandbox.paging import limited_page, number
from capgo_mcp.sandbox.routing import Route, Source
from capgo_mcp.sandbox.rows import new_app
from capgo_mcp.sandbox.times import javascript

MAX_RETENTION = 63113903

_TAGS = re.compile(r"<[^>]*>")
_SETTINGS = (
    "name",
    "retention",
    "block_provider_infra_requests",
    "expose_metadata",
    "allow_device_custom_id",
    "need_onboarding",
    "existing_app",
    "ios_store_url",
    "android_store_url",
)
_ONBOARDING = ("need_onboarding", "existing_app")
_STORE_HOSTS = frozenset(
    {
        "apps.apple.com",
        "itunes.apple.com",
        "play.google.com",
        "play-lh.googleusercontent.com",
        "play.googleusercontent.com",
    }
)
_STORE_PAGE = re.compile(r"https://([\w.-]+)/")
_STORES = ("ios_store_url", "android_store_url")


def list_apps(call: Call) -> list[Row]:
    """List the apps the key can read."""
    org_id = call.params.get("org_id")
    if org_id and not call.may_org("org.read", org_id):
        message = "You do not have access to this organization"
        raise bad("user_does_not_have_access_to_this_organization", message, org_id=org_id)
    apps = [a for a in call.state.apps.values() if not org_id or a["owner_org"] == org_id]
    readable = [_told(call, a) for a in apps if call.may_app("app.read", a["app_id"])]
    return limited_page(
        readable, call.params.get("page"), call.params.get("limit"), "cannot_get_apps", "Cannot get apps"
    )


def get_app(call: Call) -> Row:
    """Read one app."""
    return _told(call, call.need_app("app.read", checked_app_id(call.path["app_id"]), 401))


def _told(call: Call, app: Row) -> Row:
    """Show an app as it is told: since July with who began it, by id and e-mail."""
    if call.state.behaviour is Behaviour.JULY or app["user_id"] is None:
        return app
    creator = call.state.users.get(app["user_id"], {})
    return {**app, "onboarding": {"source": "manual", "user_id": app["user_id"], "email": creator.get("email")}}


def create_app(call: Call) -> Row:
    """Create an app; the answer comes straight from the database, where big numbers are text."""
    app_id, org_id = _checked_new_app(call)
    if app_id in call.state.apps:
        detail = f"Key (app_id)=({app_id}) already exists."
        more = {"app_id": app_id, "constraint": "apps_pkey", "detail": detail}
        raise ErrorAnswer(409, "app_id_already_exists", "App ID already exists", more)
    flags = {name: call.params.get(name) is True for name in _ONBOARDING}
    urls = {name: call.params.get(name) for name in _STORES}
    icon_url = _icon_url(call, call.params.get("icon"), f"org/{org_id}/{app_id}/")
    name = _stripped(call.params["name"])
    row = new_app(call.state, app_id, name, org_id, call.key["user_id"], icon_url=icon_url, **flags, **urls)
    return _as_driver_row(changes.insert(call, "apps", row))


def _checked_new_app(call: Call) -> tuple[str, str]:
    app_id = call.app_id()
    for name in ("name", "owner_org"):
        if not call.params.get(name):
            raise bad(f"missing_{name}", f"Missing {name}", body=call.sent)
    org_id = call.text("owner_org")
    if not call.may_org("org.create_app", org_id):
        raise no_org_access("cannot_access_organization", 403, org_id=org_id)
    return app_id, org_id


def _as_driver_row(row: Row) -> Row:
    texts = {k: str(v) for k, v in row.items() if isinstance(v, int) and not isinstance(v, bool)}
    times = {k: javascript(row[k]) for k in ("created_at", "build_timeout_updated_at")}
    return {**row, **texts, **times}


def update_app(call: Call) -> Row:
    """Change settings of an app; only what is sent changes."""
    app_id = checked_app_id(call.path["app_id"])
    app = call.need_app("app.update_settings", app_id, 401)
    values = {name: call.params[name] for name in _SETTINGS if name in call.params}
    if "retention" in values:
        values["retention"] = _retention(values["retention"])
    if "name" in values:
        values["name"] = _stripped(values["name"])
    if "icon" in call.params:
        values["icon_url"] = _icon_url(call, call.params["icon"], f"org/{app['owner_org']}/{app_id}/")
    if not values:
        raise _cannot_update(no_row())
    if app["need_onboarding"] and values.get("need_onboarding") is False:
        values["onboarding_completed_at"] = call.state.now()
    return changes.update(call, "apps", app, **values)


def _retention(value: object) -> int:
    seconds = number(value)
    if seconds > MAX_RETENTION:
        raise bad("retention_to_big", f"Retention cannot be bigger than {MAX_RETENTION} (2 years)", retention=value)
    if seconds < 0:
        raise bad("retention_to_small", "Retention cannot be smaller than 0", retention=value)
    # Null passes both bounds, as it does in JavaScript, and only the database refuses it.
    if value is None:
        raise _cannot_update(database("23502", 'null value in column "retention" violates not-null constraint'))
    if isinstance(value, bool) or not seconds.is_integer():
        raise _cannot_update(not_a_number(value))
    return int(seconds)


def _cannot_update(reason: Row) -> ErrorAnswer:
    return bad("cannot_update_app", "Cannot update app", supabaseError=reason)


def _stripped(name: object) -> str | None:
    return None if name is None else _TAGS.sub("", str(name))


def _icon_url(call: Call, icon: object, folder: str) -> str:
    """Take an icon: an image in the app's own folder of the storage, and in July an address of anywhere too."""
    is_kept = isinstance(icon, str) and folder in icon
    if icon and not is_kept and call.state.behaviour is not Behaviour.JULY:
        raise bad("invalid_icon_path", "Icon path must belong to this app organization")
    # A path into Capgo's storage would be signed here, and the sandbox stores no images.
    return icon if isinstance(icon, str) and icon.startswith(("https://", "http://")) else ""


def delete_app(call: Call) -> Row:
    """Delete an app and everything in it."""
    app_id = checked_app_id(call.path["app_id"])
    if not call.may_app("app.delete", app_id):
        raise no_app_access(app_id, code="cannot_delete_app")
    drop_app(call, call.state.apps[app_id])
    return OK


def store_metadata(call: Call) -> Row:
    """Read a page of an app store; the sandbox knows those whose address ends in the id of one of its apps."""
    url = call.text("url")
    if not url:
        raise bad("missing_url", "Missing url")
    page = _STORE_PAGE.match(url)
    if page is None or page[1] not in _STORE_HOSTS:
        raise bad("invalid_url", "Invalid store url", url=url)
    app = next((app for app in call.state.apps.values() if url.endswith(app["app_id"])), None)
    if app is None:
        raise bad("cannot_fetch_store_metadata", "Cannot fetch store metadata", url=url)
    ids = {"app_id": app["app_id"], "android_app_id": app["app_id"], "ios_bundle_id": app["app_id"]}
    icon = {"icon_url": f"https://{page[1]}/icon.png", "icon_data_url": "data:image/png;base64,iVBORw0KGgo="}
    return {"status": "ok", "name": app["name"], "screenshot_url": None, "url": url, **icon, **ids}


ROUTES = (
    Route("GET", "/app", list_apps),
    Route("GET", "/app/{app_id}", get_app, source=Source.PATH),
    Route("POST", "/app", create_app, Middleware.AUTH),
    Route("POST", "/app/store-metadata", store_metadata, Middleware.AUTH),
    Route("PUT", "/app/{app_id}", update_app),
    Route("DELETE", "/app/{app_id}", delete_app, source=Source.PATH),
)
