"""Pairs of bundles: whether the second can go over the air to devices that have the native packages of the first."""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

CORE: Final = {"@capacitor/core": "7.4.2"}
OTA: Final = "over_the_air"
STORE: Final = "store_update"
UNKNOWN: Final = "unknown"

Packages = Mapping[str, str | tuple[str, str, str]] | None


class Pair(NamedTuple):
    """Two bundles by their native packages, each a version, or a version and the checksums of iOS and Android.

    Attributes:
        what: What is between them, in words.
        had: What the devices have; None where the upload told nothing.
        needed: What the bundle needs.
        by: How it can reach them.
    """

    what: str
    had: Packages
    needed: Packages
    by: Literal["over_the_air", "store_update", "unknown"]


def bundle(name: str, packages: Packages) -> dict[str, Any]:
    """A bundle as Capgo tells it, as far as a comparison looks."""
    return {"name": name, "native_packages": None if packages is None else [*map(_package, packages.items())]}


def _package(one: tuple[str, str | tuple[str, str, str]]) -> dict[str, str]:
    name, told = one
    version, ios, android = (told, "", "") if isinstance(told, str) else told
    checksums = {"ios_checksum": ios, "android_checksum": android}
    return {"name": name, "version": version, **{key: value for key, value in checksums.items() if value}}


PAIRS: Final = (
    Pair("nothing native changed", CORE, CORE, OTA),
    Pair("no native package at all", {}, {}, OTA),
    Pair("listed in another order", {"a": "1.0.0", "b": "2.0.0"}, {"b": "2.0.0", "a": "1.0.0"}, OTA),
    Pair("a plugin was added", CORE, CORE | {"@capacitor/camera": "7.0.1"}, STORE),
    Pair("the first plugin was added", {}, CORE, STORE),
    Pair("a plugin was removed", CORE | {"@capacitor/camera": "7.0.1"}, CORE, OTA),
    Pair("all plugins were removed", CORE, {}, OTA),
    Pair("one plugin for another", {"a": "1.0.0"}, {"b": "1.0.0"}, STORE),
    Pair("one removed, and one newer", {"a": "1.0.0", "b": "1.0.0"}, {"b": "1.1.0"}, STORE),
    Pair("a plugin in another case", {"A": "1.0.0"}, {"a": "1.0.0"}, STORE),
    Pair("newer by a major version", {"a": "6.1.2"}, {"a": "7.0.0"}, STORE),
    Pair("newer by a minor version", {"a": "7.0.0"}, {"a": "7.1.0"}, STORE),
    Pair("newer by a patch", {"a": "7.0.1"}, {"a": "7.0.2"}, STORE),
    Pair("older by a patch", {"a": "7.0.2"}, {"a": "7.0.1"}, STORE),
    Pair("9 is before 10", {"a": "7.9.0"}, {"a": "7.10.0"}, STORE),
    Pair("another pre-release", {"a": "8.0.0-beta.1"}, {"a": "8.0.0-beta.2"}, STORE),
    Pair("the release after its pre-release", {"a": "8.0.0-rc.1"}, {"a": "8.0.0"}, STORE),
    Pair("the same pre-release", {"a": "8.0.0-rc.1"}, {"a": "8.0.0-rc.1"}, OTA),
    Pair("another build of the same version", {"a": "7.0.1+1"}, {"a": "7.0.1+2"}, OTA),
    Pair("a version within the range that was told", {"a": "^7.0.0"}, {"a": "7.4.2"}, OTA),
    Pair("a version outside of that range", {"a": "^6.0.0"}, {"a": "7.0.0"}, STORE),
    Pair("ranges that meet", {"a": "^7.0.0"}, {"a": "^7.2.0"}, OTA),
    Pair("ranges that do not", {"a": "~7.1.0"}, {"a": "~7.2.0"}, STORE),
    Pair("a caret before 1.0 keeps the minor version", {"a": "^0.4.1"}, {"a": "0.5.0"}, STORE),
    Pair("a tag that is no version, unchanged", {"a": "workspace:*"}, {"a": "workspace:*"}, OTA),
    Pair("the same code by its checksums", {"a": ("1.0.0", "i1", "a1")}, {"a": ("1.0.0", "i1", "a1")}, OTA),
    Pair("the same version with other code for iOS", {"a": ("1.0.0", "i1", "a1")}, {"a": ("1.0.0", "i2", "a1")}, STORE),
    Pair("the same version with other code for Android", {"a": ("1.0.0", "", "a1")}, {"a": ("1.0.0", "", "a2")}, STORE),
    Pair("checksums that an older upload did not tell", {"a": "1.0.0"}, {"a": ("1.0.0", "i1", "a1")}, OTA),
    Pair("an upload that told nothing", CORE, None, UNKNOWN),
    Pair("an older upload that told nothing", None, CORE, UNKNOWN),
    Pair("two uploads that told nothing", None, None, UNKNOWN),
)
"""Every pair."""
