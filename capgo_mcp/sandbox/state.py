"""Everything a sandbox remembers: plain rows in plain tables."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.sandbox.answers import Row
from capgo_mcp.sandbox.limits import Limits, Meters
from capgo_mcp.sandbox.times import parsed, postgres

_PIN_LASTS = timedelta(days=90)
_NAMESPACE = UUID("ca960000-0000-4000-8000-000000000000")


@dataclass
class State:
    """The tables, each a dictionary of rows by primary key, beside the clock and the counters."""

    clock: Callable[[], float] = time.time
    behaviour: Behaviour = Behaviour.NOVEMBER
    limits: Limits = field(default_factory=Limits)
    users: dict[str, Row] = field(default_factory=dict)
    orgs: dict[str, Row] = field(default_factory=dict)
    unpaid: set[str] = field(default_factory=set)
    members: dict[int, Row] = field(default_factory=dict)
    keys: dict[int, Row] = field(default_factory=dict)
    apps: dict[str, Row] = field(default_factory=dict)
    bundles: dict[int, Row] = field(default_factory=dict)
    channels: dict[int, Row] = field(default_factory=dict)
    devices: dict[tuple[str, str], Row] = field(default_factory=dict)
    overrides: dict[tuple[str, str], Row] = field(default_factory=dict)
    audit: dict[int, Row] = field(default_factory=dict)
    webhooks: dict[str, Row] = field(default_factory=dict)
    deliveries: dict[str, Row] = field(default_factory=dict)
    builds: dict[str, Row] = field(default_factory=dict)
    notification_settings: dict[str, Row] = field(default_factory=dict)
    campaigns: dict[str, Row] = field(default_factory=dict)
    providers: list[Row] = field(default_factory=list)
    recipients: list[Row] = field(default_factory=list)
    notification_days: list[Row] = field(default_factory=list)
    usage: dict[tuple[str, str], Row] = field(default_factory=dict)
    bundle_days: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)
    native_days: dict[tuple[str, str], dict[str, int]] = field(default_factory=dict)
    events: list[Row] = field(default_factory=list)
    oauth_clients: dict[str, Row] = field(default_factory=dict)
    oauth_requests: dict[str, Row] = field(default_factory=dict)
    oauth_codes: dict[str, Row] = field(default_factory=dict)
    serials: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.meters = Meters(self)

    def moment(self) -> datetime:
        """Say what time it is."""
        return datetime.fromtimestamp(self.clock(), UTC)

    def now(self) -> str:
        """Say what time it is, as the data layer spells it."""
        return postgres(self.moment())

    def serial(self, table: str) -> int:
        """Give the next numeric id of a table; ids are never given twice."""
        self.serials[table] += 1
        return self.serials[table]

    def uuid(self, kind: str) -> str:
        """Give the next uuid of a kind, the same ones in the same order in every sandbox."""
        return str(uuid5(_NAMESPACE, f"{kind}/{self.serial('uuid ' + kind)}"))

    def channel_named(self, app_id: str, name: object) -> Row | None:
        """Find a channel by its app and exact name."""
        return next((c for c in self.channels.values() if c["app_id"] == app_id and c["name"] == name), None)

    def override(self, app_id: str, device_id: str) -> Row | None:
        """Find what pins a device; a pin ends 90 days after it was last set, however often the device asks."""
        row = self.overrides.get((app_id, device_id))
        return row if row and self.moment() - parsed(row["updated_at"]) < _PIN_LASTS else None

    def bundle_named(self, app_id: str, name: object) -> Row | None:
        """Find a bundle by its app and exact name; a deleted one still owns its name."""
        return next((b for b in self.bundles.values() if b["app_id"] == app_id and b["name"] == name), None)

    def live_bundle(self, app_id: str, bundle_id: int) -> Row | None:
        """Find a bundle of an app by id, unless it is deleted."""
        bundle = self.bundles.get(bundle_id)
        return bundle if bundle and bundle["app_id"] == app_id and not bundle["deleted"] else None

    def linked_bundles(self, app_id: str, *, besides: int | None = None) -> set[int]:
        """Collect the bundles that a channel of the app, besides a given one, serves or rolls out."""
        channels = [c for c in self.channels.values() if c["app_id"] == app_id and c["id"] != besides]
        return {c[column] for c in channels for column in ("version", "rollout_version") if c[column] is not None}
