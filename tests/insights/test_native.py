"""What bundles need of the native shell."""

from capgo_mcp.insights.fleet import Fleet
from capgo_mcp.insights.native import native_change, native_since, packages, too_old
from capgo_mcp.operations.bundles import Bundle
from capgo_mcp.operations.devices import Device


def bundle(name: str, **native: str) -> Bundle:
    """A bundle with native packages."""
    return Bundle(name=name, native_packages=[{"name": one, "version": version} for one, version in native.items()])


def test_native_packages_are_compared_by_name_and_version() -> None:
    """Each package is added, removed, changed or the same."""
    new, old = packages(bundle("2", a="1", b="2", c="1")), packages(bundle("1", b="1", c="1", d="1"))
    assert new is not None
    assert old is not None
    assert str(native_change(new, old)) == "adds a 1; removes d; changes b 1 to 2"
    assert not native_change(new, new)
    assert packages(Bundle(name="3")) is None


def test_native_build_that_a_bundle_needs() -> None:
    """It is the one the bundle asks for, or that of the first bundle with the same packages."""
    newest = [bundle("2.3.1", a="2"), bundle("2.3.0", a="2"), bundle("2.2.0", a="1")]
    assert native_since(newest[0], newest) == "2.3.0"
    assert native_since(bundle("1.0.0", a="1"), newest) == "1.0.0"
    assert native_since(Bundle(name="2.4.0", min_update_version="2.2.0"), newest) == "2.2.0"


def test_devices_with_an_older_native_build_are_counted() -> None:
    """A build that tells no number is not called old."""
    fleet = Fleet()
    for build in ("2.2.0", "2.3.0", "2.10.0", "builtin", None):
        fleet.add(Device(version_build=build))
    assert too_old(fleet, "2.3.0") == 1
