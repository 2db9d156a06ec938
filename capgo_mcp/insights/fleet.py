"""Counts of the devices that were seen last: what matters to a release, in bounded memory."""

from collections import Counter
from typing import Final

from capgo_mcp.insights.insight import Context
from capgo_mcp.insights.walk import Walk
from capgo_mcp.operations.devices import Device, ListDevices

SAMPLE: Final = 600
"""Devices looked at, the ones seen last: four pages, for each has to be waited for before the next can be asked for."""

# Devices report any build they like: a million names would fill the memory.
_DISTINCT: Final = 1000


class Fleet:
    """Counts of what matters to a release, in bounded memory."""

    def __init__(self) -> None:
        self.devices = 0
        self.complete = False
        self.pinned: Counter[str] = Counter()
        self.builds: Counter[str] = Counter()
        self.platforms: Counter[str] = Counter()
        self.emulators = 0
        self.development = 0

    def add(self, device: Device) -> None:
        """Count a device."""
        self.devices += 1
        self.emulators += device.is_emulator is True
        self.development += device.is_prod is False
        told = (device.channel, device.version_build, device.platform)
        for names, name in zip((self.pinned, self.builds, self.platforms), told, strict=True):
            if name and (name in names or len(names) < _DISTINCT):
                names[name] += 1


async def seen_last(context: Context, app_id: str) -> Fleet:
    """The counts of a sample of an app's devices.

    Raises:
        CapgoError: Not even the first of them could be read.
    """
    fleet = Fleet()
    async with Walk(context, ListDevices(app_id=app_id, order="desc"), most=SAMPLE) as walk:
        async for page in walk:
            for device in page:
                fleet.add(device)
            if walk.seen >= SAMPLE:
                break
    fleet.complete = walk.complete
    return fleet
