"""How often a caller may call, and the counters that remember how often it did."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from capgo_mcp.sandbox.answers import ErrorAnswer, OAuthRefusal, Row


@dataclass
class Limits:
    """Every figure of the rate limits, in calls and seconds; change them on a running sandbox."""

    key_calls: int = 2000
    key_window: float = 60
    failed_logins: int = 20
    lockout: float = 15 * 60
    device_calls: int = 5
    device_window: float = 1
    same_channel_window: float = 60
    address_calls: int = 1000
    address_window: float = 60
    registrations: int = 20
    registration_window: float = 60 * 60
    authorizations: int = 60
    authorization_window: float = 10 * 60


@dataclass
class Meter:
    """How many calls were counted, and when the count starts again."""

    count: int
    resets_at: float


class Host(Protocol):
    """What the counters ask of the sandbox they count for."""

    @property
    def clock(self) -> Callable[[], float]:
        """What time it is, in seconds."""

    @property
    def limits(self) -> Limits:
        """The figures in force."""


@dataclass
class Meters:
    """All counters of one sandbox."""

    host: Host
    counters: dict[tuple[str, ...], Meter] = field(default_factory=dict)

    def key_call(self, key_id: int) -> None:
        """Count a call of a key; each one, refused ones included, moves the reset."""
        meter = self._count("key", str(key_id), window=self.host.limits.key_window, sliding=True)
        # The call that reaches the count is refused itself, so that 1999 pass.
        if meter.count >= self.host.limits.key_calls:
            raise self._refusal(meter, reason="api_key_rate_limit_exceeded", apikey_id=key_id)

    def failed_login(self, address: str) -> None:
        """Count a failed login of an address and renew its quarter of an hour."""
        self._count("login", address, window=self.host.limits.lockout, sliding=True)

    def check_lockout(self, address: str) -> None:
        """Refuse an address that failed too often, without prolonging its punishment."""
        meter = self._running("login", address)
        if meter and meter.count >= self.host.limits.failed_logins:
            raise self._refusal(meter, reason="too_many_failed_auth_attempts")

    def device_call(self, operation: str, app_id: str, device_id: str, channel: str | None = None) -> None:
        """Count a call about one device and, when it sets a channel, that very assignment."""
        about = {"app_id": app_id, "device_id": device_id}
        meter = self._count("device", operation, app_id, device_id, window=self.host.limits.device_window)
        if meter.count > self.host.limits.device_calls:
            raise self._refusal(meter, **about)
        if channel:
            meter = self._count("assignment", app_id, device_id, channel, window=self.host.limits.same_channel_window)
            if meter.count > 1:
                raise self._refusal(meter, **about)

    def address_call(self, app_id: str, address: str) -> None:
        """Count a device call of an address on an app."""
        meter = self._count("address", app_id, address, window=self.host.limits.address_window)
        if meter.count > self.host.limits.address_calls:
            raise self._refusal(meter, reason="ip_rate_limit_exceeded", app_id=app_id)

    def registration(self, address: str) -> None:
        """Count a client that an address registers, to sign in with."""
        limits = self.host.limits
        if self._count("registration", address, window=limits.registration_window).count > limits.registrations:
            raise OAuthRefusal("slow_down", "Too many client registrations", 429)

    def authorization(self, address: str) -> None:
        """Count a consent page that an address asks for."""
        limits = self.host.limits
        if self._count("authorization", address, window=limits.authorization_window).count > limits.authorizations:
            raise OAuthRefusal("slow_down", "Too many authorization requests", 429)

    def _running(self, *name: str) -> Meter | None:
        meter = self.counters.get(name)
        return meter if meter and meter.resets_at > self.host.clock() else None

    def _count(self, *name: str, window: float, sliding: bool = False) -> Meter:
        resets_at = self.host.clock() + window
        meter = self._running(*name) or Meter(0, resets_at)
        meter.count += 1
        meter.resets_at = resets_at if sliding else meter.resets_at
        self.counters[name] = meter
        return meter

    def _refusal(self, meter: Meter, **about: str | int) -> ErrorAnswer:
        wait = max(1, math.ceil(meter.resets_at - self.host.clock()))
        more: Row = {**about, "rateLimitResetAt": int(meter.resets_at * 1000), "retryAfterSeconds": wait}
        headers = {"Retry-After": str(wait), "X-RateLimit-Reset": str(math.ceil(meter.resets_at))}
        return ErrorAnswer(429, "too_many_requests", "Too many requests", more, headers)
