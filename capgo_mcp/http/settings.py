"""What the HTTP server was told: where it listens and who may call, read once into one frozen object."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import httpx2

from capgo_mcp.client.address import is_loopback
from capgo_mcp.client.key import KeySource, StaticKey
from capgo_mcp.client.login_limiter import BLOCKED_AT
from capgo_mcp.config.credentials import KeyFile
from capgo_mcp.config.listener import LAST_PORT
from capgo_mcp.config.options import HTTP_OPTIONS, SettingsError, givers, values, within
from capgo_mcp.config.settings import Settings

_LOCAL: Final = ("localhost", "127.0.0.1", "[::1]")
_ANY_ADDRESS: Final = ("0.0.0.0", "::")  # noqa: S104 - to recognize what must not be listened on lightly
_MOST_WORKERS: Final = 64
_LONGEST_NOTICE: Final = 600
_MOST_REPLICAS: Final = 1000
_STATE_SCHEMES: Final = ("redis://", "rediss://", "valkey://", "valkeys://", "unix://")
_STATE_KEY: Final = 32
"""Characters below which a secret can be guessed."""


@dataclass(frozen=True)
class Issuer:
    """An authorization server whose tokens let callers in.

    Attributes:
        url: Its issuer identifier, exactly as its tokens spell it.
        audience: This server's address, exactly as they spell it.
        scopes: What each token must allow.
    """

    url: str
    audience: str
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True)
class HttpSettings:
    """Everything a user can choose about the HTTP server.

    Attributes:
        host: Address to listen on.
        port: Port to listen on.
        workers: Processes that share the port.
        replicas: Servers that reach Capgo from the same address, this one included.
        shared_state: Where they share limits, if they do.
        egress: Name of the address from which they reach Capgo.
        drain_notice: Seconds to go on serving after SIGTERM, while readiness says that it will end.
        public: Whether callers from the network may come with nothing but a Capgo key.
        names: Names under which callers reach the server.
        pages: Origins of web pages that may call.
        tokens: File of the bearer tokens that let callers in.
        issuer: The authorization server whose tokens let callers in.
        offers_pages: Whether clients that cannot say what they show are told of the pages for the chat.
        metrics_port: Port of the page of metrics, the first one where there are several workers; 0 for no page.
        state_keys: Secrets for what a client brings back after asking its user; the first one seals, all open.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    replicas: int = 1
    shared_state: str | None = field(default=None, repr=False)
    egress: str = ""
    drain_notice: float = 5.0
    public: bool = False
    names: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    tokens: Path | None = None
    issuer: Issuer | None = None
    offers_pages: bool = False
    metrics_port: int = 0
    state_keys: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def read(cls, flags: Mapping[str, Any], settings: Settings, environment: Mapping[str, str] = os.environ) -> Self:
        """What flags and environment say.

        Raises:
            SettingsError: One of them cannot be used, or together they would let in whoever finds the server.
        """
        given, by = values(flags, environment, HTTP_OPTIONS), givers(flags, environment, HTTP_OPTIONS)
        http = cls(
            host=given["host"],
            port=within(0, given["port"], LAST_PORT, by["port"]),
            metrics_port=within(0, given["metrics_port"], LAST_PORT - _MOST_WORKERS, by["metrics_port"]),
            workers=within(1, given["workers"], _MOST_WORKERS, by["workers"]),
            replicas=within(1, given["replicas"], _MOST_REPLICAS, by["replicas"]),
            shared_state=_shared_state(given["shared_state"], by["shared_state"]),
            egress=given["egress"],
            drain_notice=within(0, given["drain_notice"], _LONGEST_NOTICE, by["drain_notice"]),
            public=given["public"],
            names=_split(given["allowed_hosts"]),
            pages=_split(given["allowed_origins"]),
            tokens=Path(given["bearer_tokens"]).expanduser() if given["bearer_tokens"] else None,
            issuer=_issuer(given, by),
            offers_pages=given["offer_pages"],
            state_keys=_state_keys(environment.get("CAPGO_MCP_STATE_KEYS", "")),
        )
        http._refuse_open_doors(settings)
        http._refuse_strangers()
        return http

    @property
    def processes(self) -> int:
        """How many processes reach Capgo from the same address."""
        return self.workers * self.replicas

    @property
    def authenticates(self) -> bool:
        """Whether a caller must show a token, beside which it may show a Capgo key."""
        return self.tokens is not None or self.issuer is not None

    @property
    def hosts(self) -> list[str]:
        """The values of the header Host that are let in; `:*` stands for any port."""
        own = f"[{self.host}]" if ":" in self.host else self.host
        return list(_at_any_port(dict.fromkeys((*_LOCAL, own, *self.names))))

    @property
    def origins(self) -> list[str]:
        """The values of the header Origin that are let in."""
        return [*_at_any_port(f"http://{name}" for name in _LOCAL), *self.pages]

    def _refuse_open_doors(self, settings: Settings) -> None:
        if self.tokens and self.issuer:
            raise SettingsError("--bearer-tokens and --oauth-issuer exclude each other: choose who lets callers in.")
        if shared_key(settings) and not (self.authenticates or settings.sandbox):
            raise SettingsError(
                "CAPGO_API_KEY would serve whoever calls: add --bearer-tokens or --oauth-issuer, "
                "or unset it so that every caller brings a key of its own."
            )
        if is_loopback(self.host):
            return
        if not (self.authenticates or self.public):
            raise SettingsError(
                f"On {self.host} anyone in the network can call: add --bearer-tokens or --oauth-issuer, "
                "or --public to let in every caller who brings a Capgo key."
            )
        if self.host in _ANY_ADDRESS and not self.names:
            raise SettingsError(
                f"On {self.host} the server must know its names, which browsers are held to: "
                "add --allowed-hosts, such as mcp.example.com."
            )

    def _refuse_strangers(self) -> None:
        """Let no more processes try keys than Capgo bears, or name what they share so that only they can."""
        if self.shared_state and not self.state_keys:
            raise SettingsError("--shared-state needs CAPGO_MCP_STATE_KEYS, with which replicas name what they share.")
        if not self.shared_state and self.processes >= BLOCKED_AT:
            raise SettingsError(
                f"{self.processes} processes that know nothing of each other can get their address blocked by Capgo, "
                f"which counts to {BLOCKED_AT} failed logins: add --shared-state, or have fewer of them."
            )


def shared_key(settings: Settings) -> KeySource | None:
    """The key for callers who bring none: one that was set for this server, never one a person saved for themselves."""
    return settings.key if isinstance(settings.key, StaticKey | KeyFile) else None


def _at_any_port(names: Iterable[str]) -> Iterable[str]:
    for name in names:
        yield from (name, f"{name}:*")


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _shared_state(url: str | None, giver: str) -> str | None:
    # It may hold a password, so that it is never repeated.
    if url is not None and not url.startswith(_STATE_SCHEMES):
        raise SettingsError(f"{giver} must start with one of {', '.join(_STATE_SCHEMES)}.")
    return url


def _issuer(given: Mapping[str, Any], by: Mapping[str, str]) -> Issuer | None:
    url, audience = given["oauth_issuer"], given["oauth_audience"]
    if url is None and audience is None:
        return None
    if url is None or audience is None:
        raise SettingsError("--oauth-issuer and --oauth-audience need each other.")
    scopes = _split(given["oauth_scopes"])
    return Issuer(_secure(url, by["oauth_issuer"]), _secure(audience, by["oauth_audience"]), scopes)


def _secure(text: str, giver: str) -> str:
    """An address whose answers nobody on the way can change."""
    try:
        url = httpx2.URL(text)
    except httpx2.InvalidURL as error:
        raise SettingsError(f"{giver} is not an address: {error}.") from error
    if not url.host or not (url.scheme == "https" or (url.scheme == "http" and is_loopback(url.host))):
        raise SettingsError(f"{giver} must be an address that starts with https://.")
    return text


def _state_keys(text: str) -> tuple[str, ...]:
    keys = _split(text)
    if any(len(key) < _STATE_KEY for key in keys) or len(set(keys)) != len(keys):
        raise SettingsError(
            f"CAPGO_MCP_STATE_KEYS must be different secrets of at least {_STATE_KEY} characters; "
            "make one with: openssl rand -hex 32"
        )
    return keys
