"""What a write to native builds means."""

from typing import Any, Final

from capgo_mcp.operations.builds import CancelBuild
from capgo_mcp.safety.meaning import Meaning
from capgo_mcp.safety.reading import Reading


async def _preview_cancel(_: CancelBuild, reading: Reading) -> None:
    """Nothing is read: the only read there is would do harm itself."""
    reading.unknown.append("status: asking Capgo for it would bill the build's time and may cancel it")


MEANINGS: Final[tuple[Meaning[Any], ...]] = (Meaning(CancelBuild, preview=_preview_cancel),)
