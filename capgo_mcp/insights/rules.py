"""Which bundles a channel's update rules keep from a native build."""

import re
from typing import Final

_PARTS: Final = {"major": 1, "minor": 2, "patch": 3}

Core = tuple[int, int, int]


def blocks(rule: str | None, version: str, build: str) -> bool:
    """Whether a rule keeps a bundle from a native build: it may not be ahead in this part of the version."""
    bundle, native = _core(version), _core(build)
    if bundle is None or native is None or rule not in _PARTS:
        return False
    return bundle[: _PARTS[rule]] > native[: _PARTS[rule]]


def is_under_native(version: str, build: str) -> bool:
    """Whether a bundle is older than a native build."""
    bundle, native = _core(version), _core(build)
    return bundle is not None and native is not None and bundle < native


def _core(version: str) -> Core | None:
    """The three numbers of a version; builds leave out the last ones at times."""
    # Of a version with a fourth number, nobody here knows what it means.
    match = re.match(r"(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?(?![\d.])", version, re.ASCII)
    return (int(match[1]), int(match[2] or 0), int(match[3] or 0)) if match else None
