"""The days the seeded world looks back on."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from capgo_mcp.sandbox.answers import Row
from capgo_mcp.sandbox.times import postgres


@dataclass(frozen=True)
class Calendar:
    """Counts back from the midnight before the sandbox was made."""

    now: datetime

    @cached_property
    def midnight(self) -> datetime:
        """The last midnight, in UTC."""
        return self.now.replace(hour=0, minute=0, second=0, microsecond=0)

    def ago(self, days: float) -> str:
        """Spell the moment so many days before midnight."""
        return postgres(self.midnight - timedelta(seconds=round(days * 86400)))

    def day(self, days: int) -> str:
        """Spell the day so many days before today."""
        return (self.midnight - timedelta(days=days)).date().isoformat()

    def made(self, created: float, updated: float | None = None) -> Row:
        """Give the two timestamps of a row, in days before midnight."""
        return {"created_at": self.ago(created), "updated_at": self.ago(created if updated is None else updated)}
