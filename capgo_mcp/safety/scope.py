"""Keeps tools inside one organization: an app is touched only after Capgo has said who owns it."""

from typing import Any, Final

from capgo_mcp.api.errors import CapgoError
from capgo_mcp.api.operation import Declared
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.client.clock import Clock
from capgo_mcp.operations.apps import CreateApp, GetApp

_TRUSTED: Final = 300.0
"""Seconds for which an owner is remembered; an app may be transferred."""
_REMEMBERED: Final = 1000

OUTSIDE: Final = "Tell the user: only who starts this server can widen what it works on."
"""What to do about something that the settings leave out."""


class OutOfScope(CapgoError):
    """The app is not one this server may touch; nothing was sent about it."""


class OrganizationScope:
    """Lets through what stays inside one organization.

    Args:
        org_id: The organization.
        clock: What tells how long an owner has been remembered.
    """

    def __init__(self, org_id: str, clock: Clock) -> None:
        self._org_id = org_id
        self._clock = clock
        self._inside: dict[str, float] = {}

    async def admit(self, asked: Declared[Any], capgo: Capgo) -> None:
        """Return if what is asked for stays inside.

        Args:
            asked: What an agent wants to do.
            capgo: Where to read who owns an app.

        Raises:
            OutOfScope: It names an app that the organization does not own.
            CapgoError: The owner could not be read.
        """
        app_id = getattr(asked, "app_id", None)
        if app_id is None or isinstance(asked, CreateApp):  # a new app gets its owner from a locked argument
            return
        # An app that was never asked about counts as asked about just too long ago.
        if self._clock.now() - self._inside.get(app_id, -_TRUSTED) < _TRUSTED:
            return
        app = await capgo.send(GetApp(app_id=app_id))
        if (app.owner_org or "").lower() != self._org_id.lower():
            sentence = "This server works on the apps of one organization, and this is not one."
            raise OutOfScope("out_of_scope", sentence, OUTSIDE)
        # Only what is inside is remembered: an app that comes in by a transfer is not kept out.
        while len(self._inside) >= _REMEMBERED:
            self._inside.pop(next(iter(self._inside)))
        self._inside[app_id] = self._clock.now()
