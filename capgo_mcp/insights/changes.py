"""Who changed an app, a channel or a bundle, what and when: the audit log in words."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import Field

from capgo_mcp.api.answers import Answer
from capgo_mcp.api.channel_edit import PERCENT
from capgo_mcp.api.errors import NotFound
from capgo_mcp.api.fields import AppId, ChannelName, Since, moment
from capgo_mcp.api.text import Timestamp, quoted
from capgo_mcp.client.bounds import Deadline
from capgo_mcp.insights.bundles import all_bundles
from capgo_mcp.insights.insight import Context, Insight
from capgo_mcp.operations.apps import GetApp
from capgo_mcp.operations.audit import AuditEntry, ListAuditLog

_THINGS: Final = {"apps": "app", "app_versions": "bundle", "channels": "channel"}
_DONE: Final = {"INSERT": "created", "UPDATE": "changed", "DELETE": "deleted"}
# As many entries as Capgo gives at once.
_PAGE: Final = 100
_LONGEST: Final = 200
_OF_BUNDLES: Final = frozenset({"version", "rollout_version"})
"""Columns that hold the id of a bundle."""
_PERCENTAGE: Final = "rollout_percentage_bps"
_BY_ITSELF: Final = frozenset(
    {
        "updated_at",
        "deleted_at",
        "rollout_id",
        "stats_updated_at",
        "stats_refresh_requested_at",
        "channel_device_count",
        "manifest_bundle_count",
        "rollout_channel_count",
        "rollout_paused_version_names",
        "auto_pause_last_checked_at",
    }
)
"""Columns that change along with others, or without anybody."""
_NOTHING: Final = "The audit log tells of no change in this time; Capgo keeps it for 30 days."
_MORE: Final = "Earlier changes are not told: raise limit, or ask for one channel."
_LATE: Final = "Earlier entries were not read, for lack of time: ask for one channel, or for less time."


class ChangedField(Answer):
    """What a field held before a change, and after."""

    field: str
    old: Any = None
    new: Any = None


class AppChange(Answer):
    """Who changed something, what, and when."""

    at: Timestamp | None = None
    who: str
    what: str
    fields: list[ChangedField] | None = None


class AppChanges(Answer):
    """Changes, newest first."""

    items: list[AppChange]
    note: str | None = None


class ListChanges(Insight[AppChanges], toolset="audit"):
    """Who changed an app or one of its channels, what from and to, and when: the audit log in words."""

    app_id: AppId
    channel: Annotated[ChannelName | None, Field(description="Only changes of this channel.")] = None
    since: Annotated[Since, Field(description="How far back, e.g. 2026-11-01 or 7d; Capgo keeps 30 days.")] = "30d"
    limit: Annotated[int, Field(description="Most changes, newest first.", ge=1, le=100)] = 20

    async def gather(self, context: Context) -> AppChanges:
        """Read who owns the app, then the owner's log from its newest entry on, and the names of bundles."""
        owner = (await context.capgo.send(GetApp(app_id=self.app_id))).owner_org
        if owner is None:
            raise NotFound("no_owner", "Capgo does not tell which organization owns the app.", "Tell the user.")
        entries, note = await self._read(context, owner, moment(self.since, context.clock.moment()))
        names = await _names(context, self.app_id, entries)
        items = [_told(entry, names) for entry in entries]
        return AppChanges(items=items, note=note or (None if items else _NOTHING))

    async def _read(self, context: Context, owner: str, since: datetime) -> tuple[list[AuditEntry], str | None]:
        """The newest entries that are asked for, each once though others come, and why there are no more."""
        asked = ListAuditLog.of_told(org_id=owner, table_name="channels" if self.channel else None, limit=_PAGE)
        deadline = Deadline(context.clock, context.seconds)
        found: dict[object, AuditEntry] = {}
        while True:
            answer = await context.capgo.send(asked)
            await context.report(asked.page + 1, message="pages of the audit log read")
            recent = [entry for entry in answer.items if entry.created_at is None or entry.created_at >= since]
            found |= {entry.id or id(entry): entry for entry in recent if self._concerns(entry)}
            # Newest first: where one is too old, all after it are.
            ended = len(recent) < len(answer.items) or answer.next is None
            if ended or len(found) >= self.limit:
                more = not ended or len(found) > self.limit
                return [*found.values()][: self.limit], _MORE if more else None
            if deadline.left <= 0:
                return [*found.values()], _LATE
            asked = asked.model_copy(update={"page": answer.next})

    def _concerns(self, entry: AuditEntry) -> bool:
        """Whether somebody changed something of the app, or of the channel that is asked for."""
        old, new = _records(entry)
        mine = entry.table_name in _THINGS and self.app_id in (old.get("app_id"), new.get("app_id"))
        named = self.channel is None or self.channel in (old.get("name"), new.get("name"))
        return mine and named and (entry.operation != "UPDATE" or bool(_columns(entry)))


def _records(entry: AuditEntry) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The row before and after, as far as there was one."""
    old, new = (row if isinstance(row, dict) else {} for row in (entry.old_record, entry.new_record))
    return old, new


def _columns(entry: AuditEntry) -> list[str]:
    """What somebody changed about a row that stayed."""
    old, new = _records(entry)
    if entry.operation != "UPDATE":
        return []
    return [
        name for name in entry.changed_fields or [*new] if name not in _BY_ITSELF and old.get(name) != new.get(name)
    ]


async def _names(context: Context, app_id: str, entries: list[AuditEntry]) -> Mapping[object, str]:
    """Names of the bundles that changes speak of by id."""
    if not _OF_BUNDLES & {name for entry in entries for name in _columns(entry)}:
        return {}
    # All at once: by its id Capgo tells one at a time, and a log speaks of many.
    bundles = (await context.capgo.send(all_bundles(app_id=app_id))).items
    return {bundle.id: bundle.name for bundle in bundles if bundle.name}


def _told(entry: AuditEntry, names: Mapping[object, str]) -> AppChange:
    return AppChange(at=entry.created_at, who=_who(entry), what=_what(entry), fields=[*_fields(entry, names)] or None)


def _who(entry: AuditEntry) -> str:
    """A person, with the API key they used; or Capgo itself, which pauses rollouts and cleans up."""
    person = entry.actor_user_email or (f"user {entry.actor_user_id}" if entry.actor_user_id else "")
    key = f"the API key {quoted(entry.actor_apikey_name)}" if entry.actor_apikey_name else ""
    return " with ".join(filter(None, (person, key))) or "Capgo itself"


def _what(entry: AuditEntry) -> str:
    old, new = _records(entry)
    withdrawn = new.get("deleted") is True and old.get("deleted") is False
    done = "deleted" if withdrawn else _DONE.get(entry.operation or "", "touched")
    thing, name = _THINGS[entry.table_name or ""], str(new.get("name") or old.get("name") or "")
    return f"{done} the {thing} {quoted(name)}"


def _fields(entry: AuditEntry, names: Mapping[object, str]) -> Iterator[ChangedField]:
    old, new = _records(entry)
    for name in _columns(entry):
        was, now = (_value(name, row.get(name), names) for row in (old, new))
        yield ChangedField(field=name.replace(_PERCENTAGE, "rollout_percentage"), old=was, new=now)


def _value(name: str, value: Any, names: Mapping[object, str]) -> Any:
    """A value as people speak of it: the name of a bundle, percent, and of long ones the beginning."""
    if name in _OF_BUNDLES and value is not None:
        return names.get(value, f"bundle {value}, which is gone")
    if name == _PERCENTAGE and isinstance(value, int):
        return value / PERCENT
    return json.dumps(value)[:_LONGEST] if isinstance(value, dict | list) else value
