"""What can be done with a staged rollout: one word each, where the API has flags that contradict each other."""

from collections.abc import Collection, Mapping
from typing import Any, Final, Literal, NamedTuple

from capgo_mcp.api.channel_edit import PERCENT

Action = Literal["start", "widen", "pause", "resume", "promote", "advance", "drop", "off", "auto_pause"]


class _Rule(NamedTuple):
    """What an action says to Capgo, and which arguments it needs and may have beside the settings."""

    says: Mapping[str, bool] = {}
    needs: frozenset[str] = frozenset()
    may: frozenset[str] = frozenset()


_RULES: Final[Mapping[str, _Rule]] = {
    "start": _Rule({"rolloutEnabled": True}, needs=frozenset({"version", "percentage"})),
    "widen": _Rule(needs=frozenset({"percentage"}), may=frozenset({"version"})),
    "pause": _Rule({"rolloutPaused": True}, may=frozenset({"version", "percentage", "pause_reason", "paused_at"})),
    "resume": _Rule({"rolloutPaused": False}, may=frozenset({"version", "percentage"})),
    "promote": _Rule({"promoteToStable": True}, may=frozenset({"version"})),
    "advance": _Rule({"advanceRollout": True}, needs=frozenset({"version"}), may=frozenset({"percentage"})),
    "drop": _Rule({"rollback": True}, may=frozenset({"version"})),
    "off": _Rule({"rolloutEnabled": False}, may=frozenset({"version"})),
    "auto_pause": _Rule(),
}
OF_THE_RUNNING: Final = frozenset({"widen", "pause", "resume", "promote", "drop", "off"})
"""The actions whose version says which rollout is meant: they are refused where another one runs."""
NEEDS_A_ROLLOUT: Final = frozenset(_RULES) - {"start", "auto_pause"}
"""The actions that are nothing, or worse, where no rollout is: a pause would stop the next one."""
_GOVERNED: Final = frozenset({"version", "percentage", "pause_reason", "paused_at"})
"""The arguments that only some actions take; the settings go with every one."""
_SETTINGS: Final = ("auto_pause_", "cache_ttl_seconds")
_FLAGS: Final[Mapping[str, tuple[str, str | None]]] = {
    "rollout_enabled": ("start", "off"),
    "rollout_paused": ("pause", "resume"),
    "promote_to_stable": ("promote", None),
    "advance_rollout": ("advance", None),
    "rollback": ("drop", None),
}
"""The flags of the API, and the action that each means when it is true, or false."""
_RENAMED: Final = {
    "rollout_version": "version",
    "rollout_percentage": "percentage",
    "rollout_paused_at": "paused_at",
    "rollout_pause_reason": "pause_reason",
    "rollout_cache_ttl_seconds": "cache_ttl_seconds",
}
_BASIS_POINTS: Final = "rollout_percentage_bps"

SYNONYMS: Final = frozenset({*_FLAGS, *_RENAMED, _BASIS_POINTS})
"""The words of the API, in snake_case, that are understood beside ours."""


def in_our_words(given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with the words of the API replaced: a flag names the action, or else the arguments imply it.

    Raises:
        ValueError: They say the same thing twice, or name two actions.
    """
    words: dict[str, Any] = {}
    for name, value in given.items():
        if name in _FLAGS:
            continue
        ours, meant = _renamed(name, value)
        if ours in words:
            raise ValueError(f"{ours} is given twice, in two spellings")
        words[ours] = meant
    # Of some flags only true has a meaning; false is what clients send that fill in every argument.
    flagged = {_meant(name, given[name]) for name in _FLAGS.keys() & given.keys()} - {None}
    actions = [words["action"]] if "action" in words else []
    actions += [action for action in flagged if action not in actions]
    if len(actions) > 1:
        raise ValueError(f"give one action, not {' and '.join(sorted(map(str, actions)))}")
    action = actions[0] if actions else _implied(words)
    return words if action is None else {**words, "action": action}


def check(action: Action, given: Collection[str]) -> None:
    """Return if an action can mean the given arguments.

    Raises:
        ValueError: It lacks one, or has one that it cannot mean.
    """
    rule = _RULES[action]
    governed = _GOVERNED.intersection(given)
    if missing := sorted(rule.needs - governed):
        raise ValueError(f"{action} needs {' and '.join(missing)}")
    if odd := sorted(governed - rule.needs - rule.may):
        raise ValueError(f"{action} takes no {' or '.join(odd)}")
    if action == "auto_pause" and not any(name.startswith(_SETTINGS) for name in given):
        raise ValueError("auto_pause needs a setting, such as auto_pause_enabled")


def in_words_of_the_api(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a request, with the flag that the action stands for."""
    action = fields["action"]
    says = dict(_RULES[action].says)
    # Only a promotion sends the version it means: Capgo then promotes that one, whatever happens meanwhile. To the
    # others it would be a new target.
    unsaid = {"action", "rolloutVersion"} if action in OF_THE_RUNNING - {"promote"} else {"action"}
    if "rolloutPausedAt" in fields:
        says.pop("rolloutPaused", None)  # the moment says that it is paused; the flag would set it to now
    return {**{name: value for name, value in fields.items() if name not in unsaid}, **says}


def _renamed(name: str, value: Any) -> tuple[str, Any]:
    if name == _BASIS_POINTS:
        return "percentage", value / PERCENT if isinstance(value, int | float) else value
    return _RENAMED.get(name, name), value


def _meant(flag: str, value: object) -> str | None:
    if not isinstance(value, bool):
        raise ValueError(f"{flag} must be true or false")  # noqa: TRY004 - pydantic tells only a ValueError
    return _FLAGS[flag][0 if value else 1]


def _implied(words: Mapping[str, Any]) -> Action | None:
    """What somebody means who names no action."""
    if words.get("version") is not None:
        return "start"
    if words.get("percentage") is not None:
        return "widen"
    return "auto_pause" if any(name.startswith(_SETTINGS) for name in words) else None
