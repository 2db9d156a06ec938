"""When each app got its newest bundle, and which apps got none for long."""

from datetime import datetime
from functools import partial
from typing import Annotated, Final, Generic

from pydantic import Field

from capgo_mcp.api.answers import Listing, R, Row
from capgo_mcp.api.errors import CapgoError
from capgo_mcp.api.fields import OrgId, Since, moment
from capgo_mcp.api.text import Timestamp
from capgo_mcp.client.bounds import Deadline
from capgo_mcp.client.reads import together
from capgo_mcp.insights.insight import Context, Insight
from capgo_mcp.operations.apps import App, ListApps
from capgo_mcp.operations.bundles import ListBundles

_AT_ONCE: Final = 5
"""Apps that are looked at side by side."""


class AppUpdate(Row, identity="app_id"):
    """An app and its newest bundle."""

    app_id: str | None = None
    name: str | None = None
    newest_bundle: str | None = None
    uploaded_at: Timestamp | None = None


class AppUpdates(Listing[R], Generic[R]):
    """Apps, the one that was updated last first; `unknown` names those whose bundles could not be read."""

    apps_seen: int
    unknown: list[str] | None = None


class FindApps(Insight[AppUpdates[AppUpdate]]):
    """When was each app last updated: newest bundle and its date. Or only apps without an update since."""

    org_id: OrgId | None = None
    no_update_since: Annotated[Since | None, Field(description="Only apps without one since, e.g. 90d.")] = None
    limit: Annotated[int, Field(description="Most apps to look at.", ge=1, le=200)] = 50

    async def gather(self, context: Context) -> AppUpdates[AppUpdate]:
        """Read the apps, and the newest bundle of each while there is time."""
        page = await context.capgo.send(ListApps(org_id=self.org_id, limit=self.limit))
        bound = None if self.no_update_since is None else moment(self.no_update_since, context.clock.moment())
        deadline = Deadline(context.clock, context.seconds)
        reading = _Reading(context)
        while reading.seen < len(page.items) and deadline.left:
            some = page.items[reading.seen : reading.seen + _AT_ONCE]
            await together(*(partial(reading.add, app) for app in some))
            reading.seen += len(some)
            await context.report(reading.seen, message=f"{reading.seen} of {len(page.items)} apps looked at")
        left = len(page.items) - reading.seen
        notes = [f"The time was over before {left} more apps were looked at."] if left else []
        notes += ["There are more apps: raise limit."] if page.next is not None else []
        return AppUpdates[AppUpdate](
            items=[app for app in reading.sorted() if bound is None or not _is_since(app, bound)],
            apps_seen=reading.seen,
            unknown=reading.unknown or None,
            note=" ".join(notes) or None,
        )


class _Reading:
    """The apps that were looked at so far."""

    def __init__(self, context: Context) -> None:
        self.seen = 0
        self.unknown: list[str] = []
        self._context = context
        self._found: list[AppUpdate] = []

    async def add(self, app: App) -> None:
        """Read the newest bundle of an app."""
        app_id = app.app_id or ""
        try:
            newest = (await self._context.capgo.send(ListBundles.of_told(app_id=app_id, limit=1))).items
        except CapgoError as error:
            self.unknown.append(f"{app_id}: {error.sentence}")
            return
        bundle = {"newest_bundle": newest[0].name, "uploaded_at": newest[0].created_at} if newest else {}
        self._found.append(AppUpdate(app_id=app_id, name=app.name, **bundle))

    def sorted(self) -> list[AppUpdate]:
        """What was found: by the date of the update, and apps without any at the end."""
        dated = [app for app in self._found if app.uploaded_at]
        dated.sort(key=lambda app: (app.uploaded_at, app.app_id), reverse=True)
        return [*dated, *(app for app in self._found if not app.uploaded_at)]


def _is_since(app: AppUpdate, bound: datetime) -> bool:
    return app.uploaded_at is not None and app.uploaded_at >= bound
