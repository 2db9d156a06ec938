"""What a bundle needs of the native shell, compared with another one: can it go over the air?"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from capgo_mcp.api.text import clean
from capgo_mcp.insights.filters import is_below
from capgo_mcp.insights.fleet import Fleet
from capgo_mcp.operations.bundles import Bundle

_NAMED: Final = 3
_NAME: Final = 40
_RANGE: Final = re.compile(r"([\^~]?)v?(\d{1,9}(?:\.\d{1,9}){0,2})(?:\+[0-9A-Za-z.-]+)?", re.ASCII)
_SHELLS: Final = {"ios_checksum": "iOS", "android_checksum": "Android"}


@dataclass(frozen=True)
class NativePackage:
    """A package with native code: its version, and the checksums of that code where the upload told them."""

    version: str
    ios_checksum: str = ""
    android_checksum: str = ""

    def differs(self, other: "NativePackage") -> str | None:
        """How this one differs from another one of the same name, in words; None where it does not."""
        if not _meet(self.version, other.version):
            return f"{other.version} to {self.version}"
        platforms = [
            platform
            for name, platform in _SHELLS.items()
            if getattr(self, name) and getattr(other, name) and getattr(self, name) != getattr(other, name)
        ]
        return f"its {' and '.join(platforms)} code" if platforms else None


@dataclass(frozen=True)
class NativeChange:
    """How the native packages of a bundle differ from those of another one; each one as `name version`."""

    added: Sequence[str]
    removed: Sequence[str]
    changed: Sequence[str]

    def __bool__(self) -> bool:
        """Whether there is any difference."""
        return bool(self.added or self.removed or self.changed)

    def __str__(self) -> str:
        """The change in words, with the first names of each kind."""
        kinds = (("adds", self.added), ("removes", self.removed), ("changes", self.changed))
        return "; ".join(f"{verb} {_listed(names)}" for verb, names in kinds if names)

    @property
    def needs_store(self) -> bool:
        """Whether devices need another app from the store for it: a shell that has more than it needs is enough."""
        return bool(self.added or self.changed)


def packages(bundle: Bundle) -> dict[str, NativePackage] | None:
    """The native packages of a bundle by their names; None where its upload told none."""
    if bundle.native_packages is None:
        return None
    names = ("version", "ios_checksum", "android_checksum")
    return {
        str(package.get("name", "")): NativePackage(*(str(package.get(name) or "") for name in names))
        for package in bundle.native_packages
    }


def native_change(new: dict[str, NativePackage], old: dict[str, NativePackage]) -> NativeChange:
    """How the native packages of a bundle differ from those of the one before."""
    differing = ((name, new[name].differs(old[name])) for name in sorted(new.keys() & old.keys()))
    return NativeChange(
        added=[f"{name} {new[name].version}" for name in sorted(new.keys() - old.keys())],
        removed=sorted(old.keys() - new.keys()),
        changed=[f"{name} {how}" for name, how in differing if how],
    )


def native_since(bundle: Bundle, newest: Sequence[Bundle]) -> str:
    """The native build that a bundle needs: the one it asks for, or of the first bundle with the same packages."""
    if bundle.min_update_version:
        return bundle.min_update_version
    names = [one.name for one in newest]
    since = bundle.name or ""
    for older in newest[names.index(bundle.name) :] if bundle.name in names else ():
        if packages(older) != packages(bundle):
            break
        since = older.name or since
    return since


def too_old(fleet: Fleet, build: str) -> int:
    """Devices whose native build is older."""
    return sum(count for one, count in fleet.builds.items() if is_below(one, build))


def _meet(one: str, other: str) -> bool:
    """Whether a version may satisfy both; an upload tells an exact one, or a range as package.json has it."""
    spans = _span(one), _span(other)
    if one == other or None in spans:
        return one == other
    (low, high), (least, most) = spans  # type: ignore[misc]  # neither is None
    return max(low, least) < min(high, most)


def _span(version: str) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """The versions from the first to before the second; None of one that is written otherwise, as a pre-release is."""
    read = _RANGE.fullmatch(version.strip())
    if read is None:
        return None
    numbers = [int(number) for number in read[2].split(".")]
    # As npm reads a range: a tilde lets the last number grow, a caret all after the first that is not zero.
    kept = {"": len(numbers), "~": min(2, len(numbers)), "^": _first(numbers)}[read[1]]
    low = (*numbers, *[0] * (3 - len(numbers)))
    return low, (*low[: kept - 1], low[kept - 1] + 1)


def _first(numbers: list[int]) -> int:
    """How many numbers a caret keeps: up to the first that is not zero."""
    return next((place for place, number in enumerate(numbers, 1) if number), len(numbers))


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(_short(names[:_NAMED]))}{more}"


def _short(names: Sequence[str]) -> Iterator[str]:
    for name in map(clean, names):
        yield name if len(name) <= _NAME else f"{name[:_NAME]}…"
