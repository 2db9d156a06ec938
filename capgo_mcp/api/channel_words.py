"""What a channel does now, in a sentence."""

from collections.abc import Mapping
from typing import Final

from capgo_mcp.api.channel_edit import ChannelRow
from capgo_mcp.api.text import quoted

_PLATFORMS: Final = {"ios": "iOS", "android": "Android"}
"""Those that Capgo shows of a channel, where it shows any: it never tells about Electron."""
UNTOLD: Final = {
    True: "platforms: Capgo does not tell whether a channel serves Electron",
    False: "platforms: this Capgo does not tell whether a channel serves iOS, Android or Electron",
}
"""What is not known of the platforms of channels, where others are told and where none is."""


def told(name: str, row: ChannelRow) -> str:
    """Which bundle a channel gives to whom."""
    channel = f"Channel {quoted(name)}"
    if row.version is None:
        stable = f"{channel} serves no bundle"
    elif row.rollout_version is None:
        stable = f"{channel} serves {quoted(str(row.version))} to all its devices"
    else:
        stable = f"{channel} serves {quoted(str(row.version))}"
    return f"{stable}{_rollout(row)}."


def _rollout(row: ChannelRow) -> str:
    if row.rollout_version is None:
        return ""
    target, percent = quoted(str(row.rollout_version)), row.rollout_percentage
    if not row.rollout_enabled:
        return f"; the rollout of {target} is off: nobody gets it until action start"
    if row.rollout_paused_at is not None:
        why = f" ({quoted(row.rollout_pause_reason)})" if row.rollout_pause_reason else ""
        return (
            f"; the rollout of {target} to {percent:g} % is paused{why}: no further device gets it until action resume"
        )
    if not percent:
        return f"; the rollout of {target} is at 0 %: nobody gets it until action widen"
    return f", and {target} to {percent:g} % of its devices"


def default_lost(name: str, before: ChannelRow, defaults: Mapping[str, ChannelRow]) -> str:
    """That a channel is no default any more: which of the `defaults` has its platforms now, or that none has."""
    sentence = f"{quoted(name)} is no longer a default channel"
    served = platforms(before)
    if served is None:
        return f"{sentence}; this Capgo does not tell for which platforms."
    now = {other: platforms(row) or [] for other, row in defaults.items()}
    heirs = {word: next((other for other, words in now.items() if word in words), None) for word in served}
    taken = [f"{quoted(heir)} is it for {word}" for word, heir in heirs.items() if heir]
    bare = [f"no default channel is left for {word}" for word, heir in heirs.items() if not heir]
    return f"{sentence}: {', '.join(taken + bare)}."


def platforms(row: ChannelRow) -> list[str] | None:
    """The platforms that a channel serves, or None where Capgo does not show them."""
    shown = {word: getattr(row, name) for name, word in _PLATFORMS.items()}
    return None if None in shown.values() else [word for word, serves in shown.items() if serves]
