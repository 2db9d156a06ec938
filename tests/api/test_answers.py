"""A field that changed its type upstream costs no more than itself."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from capgo_mcp.api.answers import Row
from capgo_mcp.api.text import minute
from capgo_mcp.catalog import every_tool
from capgo_mcp.operations.channels import Channel
from capgo_mcp.operations.devices import Device


def kinds(kind: type[Row] = Row) -> Iterator[type[Row]]:
    """Every kind of row that any tool answers."""
    for inner in kind.__subclasses__():
        if inner.__module__.startswith("capgo_mcp."):
            yield inner
            yield from kinds(inner)


every_tool()
KINDS = sorted({*kinds()}, key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_what_has_an_unexpected_type_is_left_out(kind: type[Row]) -> None:
    """Of a row in which nothing is as expected there is a row all the same."""
    row = kind.model_validate(dict.fromkeys(kind.model_fields, object()))
    values = {name: getattr(row, name) for name, field in kind.model_fields.items() if field.annotation is not Any}
    assert set(values.values()) <= {None}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_row_needs_no_field(kind: type[Row]) -> None:
    """What Capgo does not tell has the value that goes without saying."""
    row = kind.model_validate({})
    assert {name: getattr(row, name) for name in kind.model_fields} == {
        name: field.default for name, field in kind.model_fields.items()
    }


def test_other_fields_are_read() -> None:
    """One field of a wrong type leaves the others as they are, within what it holds as well."""
    channel = Channel.model_validate({"id": [], "name": "beta", "public": "?", "version": {"id": {}, "name": "1.0"}})
    assert (channel.id, channel.name, channel.public) == (None, "beta", None)


@pytest.mark.parametrize(
    ("told", "version", "name"),
    [
        ({"version": 7, "version_name": "1.0"}, 7, "1.0"),
        ({"version": {"id": 7, "name": "1.0"}}, 7, "1.0"),
        ({"version": {"id": 7, "name": "1.0"}, "version_name": "2.0"}, 7, "2.0"),
        ({"version": {}, "version_name": "1.0"}, None, "1.0"),
        ({"version": "x"}, None, None),
        ({"version": None, "versionName": "1.0"}, None, "1.0"),
    ],
)
def test_both_forms_of_a_version_are_read(told: dict[str, Any], version: int | None, name: str | None) -> None:
    """The version of a device is an id beside a name, or an object with both."""
    device = Device.model_validate(told)
    assert (device.version, device.version_name) == (version, name)


@pytest.mark.parametrize(
    "written",
    ["2026-11-21 19:24:05.1+00", "2026-11-21T19:24:59Z", "2026-11-21T19:24:05", "2026-11-21T21:24:05.123+02:00"],
)
def test_moments_are_read_in_every_writing(written: str) -> None:
    """All of them mean the same minute, in UTC."""
    moment = Device.model_validate({"updated_at": written}).updated_at
    assert moment is not None
    assert moment.tzinfo is UTC
    assert minute(moment) == "2026-11-21T19:24Z"


@pytest.mark.parametrize("written", ["yesterday", "", "9999-12-31T23:59:59-12:00", {}])
def test_what_is_no_moment_is_left_out(written: Any) -> None:
    """A moment that cannot be read, or lies beyond the calendar, is not told."""
    assert Device.model_validate({"updated_at": written}).updated_at is None


def test_an_early_moment_is_written_with_four_digits() -> None:
    """Years before the thousandth are written as all others."""
    assert minute(datetime(1, 1, 1, tzinfo=UTC)) == "0001-01-01T00:00Z"
