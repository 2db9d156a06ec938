"""What a channel does now, in a sentence."""

from typing import Final

from capgo_mcp.api.channel_edit import ChannelRow
from capgo_mcp.api.text import quoted

_PERCENT: Final = 100


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
    target, percent = quoted(str(row.rollout_version)), (row.rollout_percentage_bps or 0) / _PERCENT
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
