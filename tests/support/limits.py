"""How long a test waits before it gives up."""

from typing import Final

GENEROUS: Final = 120.0
"""Seconds that nothing takes on however slow a machine: they end a test that hangs, and decide none."""
ENDLESS: Final = 10 * GENEROUS
"""Seconds of a program's own limit that must not be what ends it while a test waits."""
