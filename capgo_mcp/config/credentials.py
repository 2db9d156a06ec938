"""Where the API key comes from. The key is a secret: no representation here shows it."""

import logging
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import anyio.to_thread

from capgo_mcp.api.errors import KeyMissing
from capgo_mcp.client.clock import Clock, SystemClock
from capgo_mcp.client.key import HOW, clean
from capgo_mcp.config.keystore import Saved, saved
from capgo_mcp.config.keytext import NoKeyText, key_text
from capgo_mcp.config.machine import Machine

log = logging.getLogger(__name__)

_FRESH: Final = 15.0
"""Seconds for which a saved key is used before it is looked for again."""


@dataclass(frozen=True)
class KeyFile:
    """A file that holds the key; it is read before each call, so that the key can be replaced while running."""

    path: Path

    async def read(self) -> str:
        """The key that the file holds now."""
        where = f"{self.path}, which CAPGO_API_KEY_FILE names,"
        try:
            text = await anyio.to_thread.run_sync(key_text, self.path)
        except NoKeyText as error:
            raise KeyMissing("no_key", f"{where} holds no key: {error}.", HOW) from None
        return clean(text, f"What {where} holds")


@dataclass
class SavedKey:
    """The key that `capgo-mcp login` or the Capgo CLI saved.

    It is looked for at the first call, so that starting stays fast, and again from time to time: another `login` counts
    without a restart.

    Attributes:
        machine: Where it is looked for.
        clock: What tells when to look again.
    """

    machine: Machine
    clock: Clock = field(default_factory=SystemClock, repr=False, compare=False)
    _found: Saved | None = field(default=None, init=False, repr=False)
    _looked: float = field(default=-math.inf, init=False, repr=False)

    async def read(self) -> str:
        """The saved key."""
        if self._found is None or self.clock.now() - self._looked > _FRESH:
            former, self._found = self._found, await anyio.to_thread.run_sync(saved, self.machine)
            self._looked = self.clock.now()
            if self._found is None:
                return await NoKey().read()
            if former is None or former.where != self._found.where:
                log.info("using the API key saved in %s", self._found.where)
        found = self._found
        if found.signed_in and found.signed_in.days_left(self.clock) <= 0:
            self._found = None  # so that the next call sees it when the user has signed in again
            raise found.signed_in.over()
        return clean(found.key, f"The Capgo API key in {found.where}")


@dataclass(frozen=True)
class NoKey:
    """No key was set."""

    async def read(self) -> str:
        """Never a key: tells how to set one."""
        raise KeyMissing("no_key", "No Capgo API key is set, so nothing was sent.", HOW)
