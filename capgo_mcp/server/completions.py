"""Completions: the app ids, channels, bundle versions and devices that a person may mean while typing.

A completion is a convenience: when Capgo cannot be asked there is none, and nothing fails.
"""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import anyio
import mcp_types as t
from pydantic import ValidationError

from capgo_mcp.api.errors import CapgoError
from capgo_mcp.api.operation import Sender
from capgo_mcp.api.text import clean
from capgo_mcp.client.clock import Clock
from capgo_mcp.client.reads import CURSOR_ROWS
from capgo_mcp.insights.walk import in_long_pages
from capgo_mcp.operations.apps import ListApps
from capgo_mcp.operations.bundles import ListBundles
from capgo_mcp.operations.channels import ListChannels
from capgo_mcp.operations.devices import ListDevices

log = logging.getLogger(__name__)

FRESH: Final = 30.0
"""Seconds for which what Capgo listed is used again."""

_REMEMBERED: Final = 16
_SHOWN: Final = 100
"""Values in one answer, as many as the protocol allows."""
_ROWS: Final = 200
"""Channels or bundles that are offered; each fifty cost a request."""


@dataclass(frozen=True)
class Candidate:
    """Something that can be typed, and the texts by which it is found."""

    value: str
    texts: tuple[str, ...]

    def rank(self, typed: str) -> int | None:
        """How well it fits what was typed so far, 0 being best; None when it does not."""
        if any(text.lower().startswith(typed) for text in self.texts):
            return 0
        return 1 if any(typed in text.lower() for text in self.texts) else None


Candidates = tuple[Candidate, ...]


def _named(names: Iterable[str | None]) -> Candidates:
    return tuple(Candidate(name, (name,)) for name in names if name and clean(name) == name)


async def _apps(capgo: Sender, _: str) -> Candidates:
    return _named(app.app_id for app in (await capgo.send(ListApps(limit=_ROWS))).items)


async def _channels(capgo: Sender, app_id: str) -> Candidates:
    return _named(channel.name for channel in (await capgo.send(ListChannels(app_id=app_id, limit=_ROWS))).items)


async def _versions(capgo: Sender, app_id: str) -> Candidates:
    return _named(bundle.name for bundle in (await capgo.send(ListBundles(app_id=app_id, limit=_ROWS))).items)


async def _devices(capgo: Sender, app_id: str) -> Candidates:
    """The devices seen last; they are found by their custom id as well."""
    devices = (await capgo.send(in_long_pages(ListDevices(app_id=app_id, limit=CURSOR_ROWS, order="desc")))).items
    return tuple(
        Candidate(device.device_id, (device.device_id, device.custom_id or ""))
        for device in devices
        if device.device_id and clean(device.device_id) == device.device_id
    )


SOURCES: Final[dict[str, Callable[[Sender, str], Awaitable[Candidates]]]] = {
    "app_id": _apps,
    "channel": _channels,
    "version": _versions,
    "device_id": _devices,
}
"""Where the values of an argument come from, by its name in prompts and addresses."""


class Completions:
    """What one caller may be offered, remembered briefly.

    Args:
        capgo: Where to look.
        clock: What tells the time.
        app: The only app there is, where the settings say so.
    """

    def __init__(self, capgo: Sender, clock: Clock, app: str | None = None) -> None:
        self._capgo = capgo
        self._app = app
        self._clock = clock
        self._lock = anyio.Lock()
        self._known: dict[tuple[str, str], tuple[float, Candidates]] = {}

    async def complete(self, argument: str, typed: str, given: Mapping[str, str]) -> t.Completion:
        """The values that fit what was typed, those that begin with it first.

        Args:
            argument: Which argument of a prompt or address it is.
            typed: What stands there so far.
            given: The arguments that are filled in already.
        """
        ranked = [(one.rank(typed.lower()), one.value) for one in await self._candidates(argument, given)]
        values = [value for wanted in (0, 1) for rank, value in ranked if rank == wanted]
        return t.Completion(values=values[:_SHOWN], total=len(values), has_more=len(values) > _SHOWN)

    async def _candidates(self, argument: str, given: Mapping[str, str]) -> Candidates:
        if argument == "app_id" and self._app:
            return _named([self._app])
        app_id = self._app or given.get("app_id", "")
        if argument not in SOURCES or (argument != "app_id" and not app_id):
            return ()
        key = (argument, "" if argument == "app_id" else app_id)
        async with self._lock:  # each key pressed asks again: only the first one asks Capgo
            until, candidates = self._known.get(key, (0.0, ()))
            if self._clock.now() >= until:
                candidates = await self._read(argument, app_id)
                # Taken out, so that it stands last again: the first one is the next to be forgotten.
                self._known.pop(key, None)
                while len(self._known) >= _REMEMBERED:
                    self._known.pop(next(iter(self._known)))
                self._known[key] = (self._clock.now() + FRESH, candidates)
        return candidates

    async def _read(self, argument: str, app_id: str) -> Candidates:
        try:
            return await SOURCES[argument](self._capgo, app_id)
        # The second where the app id is only half typed.
        except (CapgoError, ValidationError) as error:
            log.debug("no completions for %s: %s", argument, type(error).__name__)
            return ()
