"""Whether a write to a channel did what was asked: what was predicted, and what was read, compared."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.api.channel_edit import ChannelRow, Edit, EditRefused, edited
from capgo_mcp.api.text import quoted
from capgo_mcp.insights.filters import is_below


class AsAsked(NamedTuple):
    """What came of a write.

    Attributes:
        unmet: The columns that are not as was asked.
        unseen: The columns that were asked and that this Capgo does not show.
        notes: What else the write did.
    """

    unmet: list[str]
    unseen: list[str]
    notes: list[str]


def is_vain(row: ChannelRow, edit: Edit) -> bool:
    """Whether a write would leave a channel as it is, whichever Capgo answers."""
    return all(edited(row, edit, behaviour) == row for behaviour in Behaviour)


def as_asked(before: ChannelRow, edit: Edit, after: ChannelRow) -> AsAsked:
    """Compare what was asked of a channel with what was read afterwards."""
    asked = _wanted(before, edit)
    unseen = sorted(name for name in asked if name in edit.said and getattr(after, name) is None is not asked[name])
    unmet = sorted(
        name for name, value in asked.items() if name not in unseen and not _same(name, value, getattr(after, name))
    )
    return AsAsked(unmet, unseen, [note for noted in _NOTES if (note := noted(before, edit, after))])


def _wanted(before: ChannelRow, edit: Edit) -> Mapping[str, object]:
    """The columns that the write names, and those that its flags are about, as they should be."""
    names = set(edit.said)
    if edit.rollback or edit.promote_to_stable or edit.advance_rollout:
        names |= {"version", "rollout_version"}
    if edit.rollout_paused is not None:
        names.add("rollout_paused_at")
    if edit.rollout_enabled is False:
        names.discard("rollout_version")
    meant = edited(before, edit, Behaviour.NOVEMBER)  # the one that knows every word
    return {} if isinstance(meant, EditRefused) else {name: getattr(meant, name) for name in names}


def _same(name: str, asked: object, read: object) -> bool:
    if name == "rollout_paused_at":  # a moment has many spellings, and one that is now was not known
        return (asked is None) is (read is None)
    return name == "rollout_pause_reason" or asked == read


def _ended(before: ChannelRow, edit: Edit, after: ChannelRow) -> str | None:
    """A stable write ends a rollout on current servers, and leaves it running on older ones."""
    target = before.rollout_version
    if target is None or edit.version is None or after.version in (before.version, target):
        return None
    share = f"{before.rollout_percentage:g} %"
    if after.rollout_version is None:
        return f"This ended the rollout of {quoted(str(target))}, which was at {share}."
    if after.rollout_version == target:
        return f"The rollout of {quoted(str(target))} goes on at {share}: those devices keep it."
    return None


def _older(before: ChannelRow, _: Edit, after: ChannelRow) -> str | None:
    if isinstance(after.version, str) and isinstance(before.version, str) and is_below(after.version, before.version):
        return f"{quoted(after.version)} is older than {quoted(before.version)}, which was served before."
    return None


def _forgotten(before: ChannelRow, edit: Edit, after: ChannelRow) -> str | None:
    off = edit.rollout_enabled is False and before.rollout_version is not None and after.rollout_version is None
    return "Capgo forgot the rollout's bundle: to go on, action start has to name it again." if off else None


_NOTES: Final[tuple[Callable[[ChannelRow, Edit, ChannelRow], str | None], ...]] = (_ended, _older, _forgotten)
