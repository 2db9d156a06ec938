"""The words of the Capgo API, each described once."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import AfterValidator, AliasGenerator, Field, PlainSerializer, SerializationInfo
from pydantic.alias_generators import to_camel

from capgo_mcp.api.text import plain

_NO_BUNDLE = frozenset({"builtin", "unknown"})
_SEMVER: Final = (
    r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)"
    r"(-(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*)(\.(0|[1-9]\d*|\d*[A-Za-z-][0-9A-Za-z-]*))*)?"
    r"(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?$"
)

# Four digits are 27 years: no number of days leaves the calendar.
_DAYS: Final = re.compile(r"(\d{1,4}) ?d(ays?)?", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Wire:
    """The context in which an operation is written for the API, and not for people.

    Attributes:
        now: The moment from which days before now are counted.
    """

    now: datetime | None = None


CAMEL_CASE: Final = AliasGenerator(serialization_alias=to_camel)
"""For a route that spells all its arguments in camelCase, as its `alias_generator`."""


def sent_as(convert: Callable[[Any], Any]) -> PlainSerializer:
    """Marks an argument that the API takes in another form than people give it in."""

    def serialize(value: Any, info: SerializationInfo) -> Any:
        return convert(value) if isinstance(info.context, Wire) else value

    return PlainSerializer(serialize)


def moment(text: str, now: datetime) -> datetime:
    """The moment that a day, a time or a number of days before now stands for.

    Raises:
        ValueError: It stands for none.
    """
    meant = _read(text)
    return now - meant if isinstance(meant, timedelta) else meant


def _read(text: str) -> datetime | timedelta:
    if days := _DAYS.fullmatch(text):
        return timedelta(days=int(days[1]))
    try:
        named = datetime.fromisoformat(text)
        return named.replace(tzinfo=UTC) if named.tzinfo is None else named.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be a day such as 2026-11-01, a time, or days before now such as 7d") from None


def _stands_for_a_moment(text: str) -> str:
    _read(text)
    return text


def _as_moment(text: str, info: SerializationInfo) -> str:
    if not isinstance(info.context, Wire):
        return text
    meant = _read(text)
    if isinstance(meant, timedelta):
        if info.context.now is None:
            raise ValueError("days before now need to know which moment that is")
        meant = info.context.now - meant
    return f"{meant:%Y-%m-%dT%H:%M:%SZ}"


Since = Annotated[str, AfterValidator(_stands_for_a_moment), PlainSerializer(_as_moment)]
"""A moment as people name one; the API gets it as a time."""


def _names_a_bundle(version: str) -> str:
    """Capgo reads these two names as "take the bundle away" (DELETE and detach by accident)."""
    if version.lower() in _NO_BUNDLE:
        msg = f"{version!r} does not name a bundle; Capgo would detach the current one"
        raise ValueError(msg)
    return version


def in_one_place(number: str) -> str:
    """An id that leads nowhere else when it stands in a path.

    Raises:
        ValueError: It has a separator of paths, or dots that mean the folder above.
    """
    if ".." in number or "/" in number or "\\" in number:
        msg = "must not have .. or a slash"
        raise ValueError(msg)
    return number


def _semver(version: str) -> str:
    if not re.fullmatch(_SEMVER, version):
        msg = "must be a semantic version such as 2.3.0 or 2.3.0-beta.1, without a leading v"
        raise ValueError(msg)
    return version


UUID: Final = r"^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$"
MOST: Final = 1000
"""The largest `limit` of a list."""

AppId = Annotated[
    str,
    Field(description="E.g. com.demo.app.", pattern=r"^[A-Za-z0-9]+(\.[A-Za-z0-9_-]+)+$", max_length=128),
]
OrgId = Annotated[
    str,
    Field(
        description="UUID, from capgo_list_organizations.",
        pattern=UUID,
    ),
    # Capgo takes any case; here ids are compared as text, such as with the one that --org names.
    AfterValidator(str.lower),
]
OrganizationId = Annotated[OrgId, Field(serialization_alias="orgId")]
"""The same, on the routes that spell it in camelCase."""
Name = Annotated[str, Field(min_length=1), AfterValidator(plain)]
"""What somebody called something: exact, but for white space around it."""
ChannelName = Annotated[Name, Field(description="Its name, exact case, e.g. production.")]
BundleName = Annotated[Name, Field(description="Bundle version name, e.g. 2.2.0."), AfterValidator(_names_a_bundle)]
NewBundleName = Annotated[
    str, Field(description="Semantic version without leading v, e.g. 2.3.0."), AfterValidator(_semver)
]
BundleId = Annotated[int, Field(description="Id from capgo_list_bundles.", ge=1)]
ChannelId = Annotated[int, Field(description="Id from capgo_get_channel.", ge=1)]
DeviceId = Annotated[Name, Field(description="As capgo_list_devices shows it."), AfterValidator(in_one_place)]

Page = Annotated[int, Field(description="Page, from 0.", ge=0, le=100_000)]
Limit = Annotated[int, Field(description="Most items.", ge=1, le=MOST)]
