"""Flags and environment, read once into one frozen object."""

import math
import os
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import httpx2
from pydantic import TypeAdapter, ValidationError

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.api.fields import AppId, OrgId
from capgo_mcp.catalog import DEFAULT_TOOLSETS, ENTRIES, TOOLSETS
from capgo_mcp.client.address import is_loopback
from capgo_mcp.client.defaults import DEFAULT_RATE, DEFAULT_TIMEOUT, DEFAULT_URL
from capgo_mcp.client.key import KeySource, StaticKey
from capgo_mcp.config.credentials import KeyFile, SavedKey
from capgo_mcp.config.machine import Machine
from capgo_mcp.config.options import OPTIONS, SettingsError, givers, told, values
from capgo_mcp.sandbox.embedded import ADDRESS, EmbeddedSandbox, SandboxKey

if TYPE_CHECKING:
    from capgo_mcp.client.capgo import Capgo, Connections
    from capgo_mcp.client.circuit_breaker import Pace
    from capgo_mcp.client.clock import Clock
    from capgo_mcp.client.login_limiter import LoginLimiter


@dataclass(frozen=True)
class Settings:
    """Everything a user can choose.

    Attributes:
        key: Where the API key comes from.
        url: Address of the API.
        timeout: Seconds a call may take in all.
        rate: Requests to Capgo that may be made in any minute.
        insight_timeout: Seconds in which an insight may read devices.
        sandbox: Whether to use the embedded Capgo instead of the network.
        api: Which Capgo the embedded one is.
        read_only: Whether tools that write are left out.
        app: The only app that tools may touch.
        org: The only organization that tools may touch, with its apps.
        toolsets: Names of the toolsets that are on.
        excluded: Names of tools that are left out.
        ask: Whether the person is asked before a change that matters, on top of the flags.
        elicitation_timeout: Seconds to wait for the person's reply.
        reveal_secrets: Whether secrets in answers are shown.
        journal: File in which calls that change something are recorded.
    """

    key: KeySource
    url: str = DEFAULT_URL
    timeout: float = DEFAULT_TIMEOUT
    rate: float = DEFAULT_RATE
    insight_timeout: float = 50.0
    sandbox: bool = False
    api: Behaviour = Behaviour.NOVEMBER
    read_only: bool = False
    app: str | None = None
    org: str | None = None
    toolsets: frozenset[str] = DEFAULT_TOOLSETS
    excluded: frozenset[str] = frozenset()
    ask: bool = False
    elicitation_timeout: float = 120.0
    reveal_secrets: bool = False
    journal: Path | None = None

    @classmethod
    def read(cls, flags: Mapping[str, Any], environment: Mapping[str, str] = os.environ) -> Self:
        """The settings that flags and environment make.

        Raises:
            SettingsError: One of them cannot be used.
        """
        given, by = values(flags, environment), givers(flags, environment)
        for option in OPTIONS:
            if option.metavar == "SECONDS" and not 0 < given[option.name] < math.inf:
                raise SettingsError(f"{by[option.name]} must be more than 0 seconds, and an end.")
        if not 1 <= given["rate"] < math.inf:
            raise SettingsError(f"{by['rate']} must be at least 1 request a minute.")
        return cls(
            key=_key(environment),
            url=_address(told(environment, "CAPGO_API_URL") or DEFAULT_URL, given["allow_http"]),
            timeout=given["timeout"],
            rate=given["rate"],
            insight_timeout=given["insight_timeout"],
            sandbox=given["sandbox"],
            api=Behaviour(given["api"]),
            read_only=given["read_only"],
            app=_valid(AppId, given["app"], f"{by['app']} must be an app id such as com.demo.app."),
            org=_valid(OrgId, given["org"], f"{by['org']} must be an organization id (a UUID)."),
            toolsets=_toolsets(given["toolsets"], by["toolsets"]),
            excluded=_names(given["exclude_tools"], ENTRIES, by["exclude_tools"]),
            ask=given["ask"],
            reveal_secrets=given["reveal_secrets"],
            journal=Path(given["journal"]).expanduser() if given["journal"] else None,
        )

    @property
    def locks(self) -> dict[str, str]:
        """The arguments that no agent can choose."""
        app = {"app_id": self.app} if self.app else {}
        return app | (dict.fromkeys(("org_id", "owner_org"), self.org) if self.org else {})

    def contains(self, arguments: Collection[str]) -> bool:
        """Whether calls with these arguments stay inside the app and the organization."""
        # Nothing but --org says who is to own an app that is created.
        inside_app = self.app is None or (
            "app_id" in arguments and (self.org is not None or "owner_org" not in arguments)
        )
        inside_org = self.org is None or not {"org_id", "owner_org", "app_id"}.isdisjoint(arguments)
        return inside_app and inside_org

    def connections(self) -> "Connections":
        """The way to Capgo that these settings describe, not yet opened, for many clients to share."""
        from capgo_mcp.client.capgo import Connections  # noqa: PLC0415 - a start has no use for it

        if self.sandbox:
            return Connections(ADDRESS, self.timeout, EmbeddedSandbox(self.api))
        return Connections(self.url, self.timeout)

    def connect(
        self,
        key: KeySource | None = None,
        *,
        connections: "Connections | None" = None,
        clock: "Clock | None" = None,
        logins: "LoginLimiter | None" = None,
        pace: "Callable[[bytes], Pace] | None" = None,
    ) -> "Capgo":
        """The client these settings describe, not yet opened, for a caller's own key or the one of the settings."""
        from capgo_mcp.client.capgo import Capgo  # noqa: PLC0415 - a start has no use for it

        return Capgo(
            key or (SandboxKey() if self.sandbox else self.key),
            url=ADDRESS if self.sandbox else self.url,
            timeout=self.timeout,
            rate=self.rate,
            transport=EmbeddedSandbox(self.api) if self.sandbox else None,
            connections=connections,
            clock=clock,
            logins=logins,
            pace=pace,
        )


def _key(environment: Mapping[str, str]) -> KeySource:
    if key := told(environment, "CAPGO_API_KEY"):
        return StaticKey(key)
    if path := told(environment, "CAPGO_API_KEY_FILE"):
        return KeyFile(Path(path).expanduser())
    return SavedKey(Machine.here(environment))


def _address(text: str, allow_http: bool) -> str:
    """The API's address; plain http only where nobody else can read the key on its way."""
    try:
        url = httpx2.URL(text)
    except httpx2.InvalidURL as error:
        raise SettingsError(f"CAPGO_API_URL is not an address: {error}.") from error
    if url.scheme not in ("http", "https") or not url.host or url.query or url.fragment or " " in text:
        raise SettingsError("CAPGO_API_URL must be an address such as https://api.capgo.app, without ? and #.")
    if url.userinfo:
        raise SettingsError("CAPGO_API_URL must not hold a user name or password.")
    if url.scheme == "http" and not (allow_http or is_loopback(url.host)):
        raise SettingsError("CAPGO_API_URL must start with https://: over plain http the API key can be read.")
    return text


def _valid(kind: Any, text: str | None, problem: str) -> str | None:
    if text is None:
        return None
    try:
        return str(TypeAdapter(kind).validate_python(text))
    except ValidationError:
        raise SettingsError(problem) from None


def _toolsets(text: str, giver: str) -> frozenset[str]:
    groups = {"default": DEFAULT_TOOLSETS, "all": TOOLSETS}
    names = _names(text, {*TOOLSETS, *groups}, giver)
    return frozenset().union(*(groups.get(name, {name}) for name in names))


def _names(text: str, known: Collection[str], giver: str) -> frozenset[str]:
    """A list of names separated by commas, each of which must be known."""
    names = frozenset(name.strip() for name in text.split(",") if name.strip())
    for name in sorted(names - set(known)):
        near = get_close_matches(name, known, n=1)
        raise SettingsError(f"{giver}: there is no {name!r}" + (f"; did you mean {near[0]}?" if near else "."))
    return names
