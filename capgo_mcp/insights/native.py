"""What a bundle needs of the native shell, compared with the bundle that is served."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from capgo_mcp.api.text import clean
from capgo_mcp.insights.filters import is_below
from capgo_mcp.insights.fleet import Fleet
from capgo_mcp.operations.bundles import Bundle

_NAMED: Final = 3
_NAME: Final = 40


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


def packages(bundle: Bundle) -> dict[str, str] | None:
    """The native packages of a bundle and their versions; None where its upload told none."""
    if bundle.native_packages is None:
        return None
    return {str(package.get("name", "")): str(package.get("version", "")) for package in bundle.native_packages}


def native_change(new: dict[str, str], old: dict[str, str]) -> NativeChange:
    """How the native packages of a bundle differ from those of the one before."""
    differing = sorted(name for name in new.keys() & old.keys() if new[name] != old[name])
    return NativeChange(
        added=[f"{name} {new[name]}" for name in sorted(new.keys() - old.keys())],
        removed=sorted(old.keys() - new.keys()),
        changed=[f"{name} {old[name]} to {new[name]}" for name in differing],
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


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(_short(names[:_NAMED]))}{more}"


def _short(names: Sequence[str]) -> Iterator[str]:
    for name in map(clean, names):
        yield name if len(name) <= _NAME else f"{name[:_NAME]}…"
