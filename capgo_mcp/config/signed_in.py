"""What is remembered of a sign-in with the browser, beside the key that it brought: nothing secret."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from capgo_mcp.api.errors import KeyMissing
from capgo_mcp.api.text import quoted
from capgo_mcp.client.clock import Clock
from capgo_mcp.config.machine import Machine
from capgo_mcp.config.options import SettingsError
from capgo_mcp.config.private_file import write_private

AGAIN: Final = "Ask the user to sign in again with `capgo-mcp login`, which counts at once."
"""What to do when a sign-in is over."""
_NAMED: Final = 5
"""Names that a phrase lists before it only counts."""


class SignedIn(BaseModel):
    """A sign-in that brought the saved key.

    Attributes:
        url: Address of the API at which it was.
        client_id: As what this program signed in.
        digest: Tells the key that was brought from any other, and not the key itself.
        expires_at: When the key ends; None where it does not.
        organizations: Names of the organizations it is for, as far as they are known.
    """

    model_config = ConfigDict(frozen=True)

    url: str
    client_id: str
    digest: str
    expires_at: datetime | None
    organizations: Sequence[str] = ()

    @classmethod
    def recalled(cls, machine: Machine, key: str) -> Self | None:
        """The sign-in that brought a key; None where that key came otherwise."""
        try:
            told = cls.model_validate_json(_path(machine).read_bytes())
        # What cannot be read here is no reason to doubt the key.
        except (OSError, ValidationError):
            return None
        return told if told.digest == digest(key) else None

    def remember(self, machine: Machine) -> None:
        """Keep it until it is forgotten.

        Raises:
            SettingsError: The file cannot be written.
        """
        path = _path(machine)
        try:
            write_private(path, f"{self.model_dump_json(indent=2)}\n")
        except OSError as error:
            raise SettingsError(f"{machine.short(path)} cannot be written: {error.strerror}.") from error

    @property
    def extent(self) -> str:
        """For whom and how long, as a phrase for people."""
        names = [quoted(name) for name in self.organizations[:_NAMED]]
        rest = [f"{more} more"] if (more := len(self.organizations) - _NAMED) > 0 else []
        *first, last = [*names, *rest] or [""]
        listed = f"{', '.join(first)} and {last}" if first else last
        return f"for {listed}, {self.until}" if listed else self.until

    @property
    def until(self) -> str:
        """When it ends, as a phrase for people."""
        return f"until {self.expires_at:%Y-%m-%d}" if self.expires_at else "without an end"

    def days_left(self, clock: Clock) -> float:
        """Days until it ends; negative when it is over, and without end where it has none."""
        if self.expires_at is None:
            return float("inf")
        return (self.expires_at - clock.moment()).total_seconds() / 86400

    def over(self) -> KeyMissing:
        """The error for a key whose time is over: sent to Capgo, it would count as an attempt to break in."""
        sentence = f"The sign-in at Capgo ended on {self.expires_at:%Y-%m-%d}, so nothing was sent."
        return KeyMissing("key_expired", sentence, AGAIN)


def forget_sign_in(machine: Machine) -> None:
    """Forget it; the key itself is not touched."""
    _path(machine).unlink(missing_ok=True)


def digest(key: str) -> str:
    """What a key can be recognised by: keys are long and random, so that nothing leads back from it."""
    return hashlib.sha256(key.encode()).hexdigest()


def _path(machine: Machine) -> Path:
    return machine.settings / "capgo-mcp" / "sign-in.json"
