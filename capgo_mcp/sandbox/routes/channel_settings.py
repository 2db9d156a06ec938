"""The settings of a channel as they are sent: their names, bounds and spellings."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.api.channel_edit import DETACHING, ChannelRow, Edit, EditRefused, edited
from capgo_mcp.sandbox import changes
from capgo_mcp.sandbox.answers import Row, bad, broken
from capgo_mcp.sandbox.call import Call
from capgo_mcp.sandbox.times import is_moment, parsed, postgres

_TRUE = frozenset({"true", "t", "yes", "y", "on", "1"})
_FALSE = frozenset({"false", "f", "no", "n", "off", "0"})
_ABSENT = object()
_BPS = 10000
_PERCENT = 100

_FLAGS = {
    "public": "public",
    "disableAutoUpdateUnderNative": "disable_auto_update_under_native",
    "ios": "ios",
    "android": "android",
    "electron": "electron",
    "allow_device_self_set": "allow_device_self_set",
    "allow_emulator": "allow_emulator",
    "allow_device": "allow_device",
    "allow_dev": "allow_dev",
    "allow_prod": "allow_prod",
    "rolloutEnabled": "rollout_enabled",
    "autoPauseEnabled": "auto_pause_enabled",
}
_AUTO_UPDATE = ("major", "minor", "patch", "version_number", "none")
_PACKAGES = ("all", "zip", "delta", "zip_from_builtin", "delta_from_builtin")
_PAUSE_ACTIONS = ("pause", "rollback", "notify")


@dataclass(frozen=True)
class _Bounds:
    column: str
    least: int
    most: int | None = None
    nullable: bool = False

    def admit(self, value: Any) -> bool:
        if value is None:
            return self.nullable
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole and value >= self.least and (self.most is None or value <= self.most)

    def __str__(self) -> str:
        return f"between {self.least} and {self.most}" if self.most else f"greater than or equal to {self.least}"


_INTEGERS = {
    "rolloutPercentageBps": _Bounds("rollout_percentage_bps", 0, _BPS),
    "rolloutCacheTtlSeconds": _Bounds("rollout_cache_ttl_seconds", 60, 31536000),
    "autoPauseWindowMinutes": _Bounds("auto_pause_window_minutes", 1, 10080),
    "autoPauseFailureRateBps": _Bounds("auto_pause_failure_rate_bps", 0, _BPS, nullable=True),
    "autoPauseMinAttempts": _Bounds("auto_pause_min_attempts", 0, nullable=True),
    "autoPauseMinFailures": _Bounds("auto_pause_min_failures", 0, nullable=True),
    "autoPauseCooldownMinutes": _Bounds("auto_pause_cooldown_minutes", 0, 10080),
}


def is_detaching(version: object) -> bool:
    """Tell whether a version means that no bundle shall be served."""
    return version in DETACHING


def checked_settings(call: Call) -> Row:
    """Read every plain setting that was sent, as columns of the channel."""
    values = _percentage(call) | _integers(call) | _auto_pause(call) | _pauses(call)
    for name, column in _FLAGS.items():
        if (value := sent(call, name)) is not _ABSENT:
            values[column] = _boolean(value)
    if (mode := call.params.get("disableAutoUpdate", _ABSENT)) is not _ABSENT:
        values["disable_auto_update"] = _word(mode, _AUTO_UPDATE)
    if call.state.behaviour is Behaviour.NOVEMBER:
        values |= _update_package(call)
    return values


def sent(call: Call, name: str) -> Any:
    """Give a parameter by its camelCase name or else by its snake_case alias."""
    value = call.params.get(name, _ABSENT)
    aliased = name.startswith(("rollout", "autoPause"))
    return call.params.get(snake(name), _ABSENT) if value is _ABSENT and aliased else value


def snake(name: str) -> str:
    """Respell camelCase as snake_case."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _percentage(call: Call) -> Row:
    percentage = sent(call, "rolloutPercentage")
    if percentage is _ABSENT:
        return {}
    if isinstance(percentage, bool) or not isinstance(percentage, int | float) or not 0 <= percentage <= _PERCENT:
        message = "Rollout percentage must be between 0 and 100"
        raise bad("invalid_rollout_percentage", message, rolloutPercentage=percentage)
    return {"rollout_percentage_bps": round(percentage * _BPS / _PERCENT)}


def _integers(call: Call) -> Row:
    values: Row = {}
    for name, bounds in _INTEGERS.items():
        value = sent(call, name)
        if value is _ABSENT:
            continue
        if not bounds.admit(value):
            more = {"field": name, "value": value, "min": bounds.least, "max": bounds.most}
            raise bad("invalid_rollout_config", f"{name} must be an integer {bounds}", **more)
        values[bounds.column] = value
    return values


def _auto_pause(call: Call) -> Row:
    values: Row = {}
    if (confidence := sent(call, "autoPauseConfidence")) is not _ABSENT:
        if not isinstance(confidence, float) or not 0 < confidence < 1:
            message = "Auto-pause confidence must be between 0 and 1"
            raise bad("invalid_auto_pause_confidence", message, autoPauseConfidence=confidence)
        values["auto_pause_confidence"] = confidence
    if (action := sent(call, "autoPauseAction")) is not _ABSENT:
        if action not in _PAUSE_ACTIONS:
            message = "Auto-pause action must be pause, rollback, or notify"
            raise bad("invalid_auto_pause_action", message, autoPauseAction=action)
        values["auto_pause_action"] = action
    return values


def _update_package(call: Call) -> Row:
    kind = _said(call, "updatePackage")
    if kind is None:
        return {}
    if kind not in _PACKAGES:
        raise bad("invalid_update_package", "Invalid update package", updatePackage=kind)
    return {"update_package": kind}


def _pauses(call: Call) -> Row:
    values: Row = {}
    if (paused := sent(call, "rolloutPaused")) is not _ABSENT:
        values["rollout_paused"] = bool(paused)
    if (paused_at := sent(call, "rolloutPausedAt")) is not _ABSENT:
        if paused_at is not None and not is_moment(paused_at):
            raise broken()
        values["rollout_paused_at"] = paused_at and postgres(parsed(paused_at))
    if (reason := sent(call, "rolloutPauseReason")) is not _ABSENT:
        values["rollout_pause_reason"] = reason if isinstance(reason, str | None) else json.dumps(reason)
    return values


def _boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    word = value.lower() if isinstance(value, str) else ""
    if word not in _TRUE | _FALSE:
        raise broken()
    return word in _TRUE


def _word(value: object, words: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in words:
        raise broken()
    return value


def asked(call: Call, found: Callable[[Any], int | None]) -> Edit:
    """Read what a write says, its bundles by id.

    Args:
        call: The write.
        found: Finds the bundle that is to be the stable one, or refuses.
    """
    says = checked_settings(call)
    if "version" in call.params:
        says["version"] = found(call.params["version"])
    if (target := sent(call, "rolloutVersion")) is not _ABSENT:
        says["rollout_version"] = target and known_bundle(call, target)
    flags = {name: bool(_said(call, name)) for name in ("rollback", "promoteToStable", "advanceRollout")}
    return Edit.model_validate(says | flags)


def outcome(call: Call, channel: Row | None, edit: Edit) -> Row:
    """Give the columns of a channel after a write, or refuse it.

    Args:
        call: The write.
        channel: What is there before it; None where it creates a channel.
        edit: What it says.
    """
    before = None if channel is None else ChannelRow.model_validate(channel)
    after = edited(before, edit, call.state.behaviour, now=call.state.now())
    if isinstance(after, EditRefused):
        more = {"app_id": call.params["app_id"], "channel": channel["name"] if channel else call.params["channel"]}
        raise bad(after.code, after.message, **more)
    return after.model_dump()


def change(call: Call, channel: Row, edit: Edit) -> None:
    """Carry a write to a channel that exists out."""
    after = outcome(call, channel, edit)
    if call.state.behaviour is Behaviour.NOVEMBER:
        _check_packages(call, channel, after)
    # Devices are drawn anew for another target.
    if after["rollout_version"] != channel["rollout_version"]:
        after |= {"rollout_id": call.state.uuid("rollout"), "auto_pause_last_triggered_at": None}
    changes.update(call, "channels", channel, **after)


def _check_packages(call: Call, before: Row, after: Row) -> None:
    """Refuse bundles that lack the kind of download the channel shall offer, which nobody looked at in July."""
    if all(before[column] == after[column] for column in ("version", "rollout_version", "update_package")):
        return
    kind = after["update_package"].partition("_")[0]
    for bundle in [call.state.bundles[after[c]] for c in ("version", "rollout_version") if after[c] is not None]:
        has = {"all": True, "zip": bundle["external_url"] or bundle["r2_path"], "delta": bundle["manifest_count"]}
        if not has[kind]:
            raise bad(f"channel_{kind}_required", f"The channel needs a bundle with a {kind}", version=bundle["name"])


def known_bundle(call: Call, version: Any) -> int | None:
    """Find a bundle by its name, or by its id if that is a number; stumble where there is none."""
    if is_detaching(version):
        return None
    app_id = call.params["app_id"]
    by_id = isinstance(version, int) and not isinstance(version, bool)
    bundle = call.state.bundles.get(version) if by_id else call.state.bundle_named(app_id, version)
    if not bundle or bundle["deleted"] or bundle["app_id"] != app_id:
        raise broken()
    return int(bundle["id"])


def _said(call: Call, name: str) -> Any:
    return call.params.get(name, call.params.get(snake(name)))
