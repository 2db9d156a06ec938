"""When Python looks for garbage that its counting of references does not find."""

import gc
from typing import Final

_NEW: Final = 10_000
"""Objects that may be made, beyond those given back, before they are looked through: a call needs some hundreds of them
for a moment, and leaves nearly none."""


def collect_seldom() -> None:
    """Look for garbage from now on, seldom, and not among what is there already: that stays for good."""
    gc.set_threshold(_NEW)
    gc.enable()
    gc.freeze()
