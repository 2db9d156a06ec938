"""What a write does to a channel, side effects included: the one place that knows the rules.

Judged by recorded sequences of writes and the rows after them. The sandbox answers with it, previews tell with it what
will be, the writer compares with it what it reads back, and the way back is searched with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator
from pydantic.alias_generators import to_camel

from capgo_mcp.api.behaviour import Behaviour

BundleKey = int | str
"""What tells bundles apart, name or id: the same one in a row and in the edits of it."""

WHOLE: Final = 10_000
"""All devices, in basis points."""
PERCENT: Final = 100
"""One percent of them, in basis points."""
NOW: Final = "now"
"""What a pause that begins with an edit is stamped with, where nobody knows the moment yet."""
DETACHING: Final = (None, "", "builtin", "unknown")
"""The versions by which a write says that no bundle shall be served."""


class Columns(BaseModel):
    """The columns of a channel that a write can set, in Capgo's words; moments are ISO text."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, validate_by_name=True)

    version: BundleKey | None = None
    public: bool | None = None
    ios: bool | None = None
    android: bool | None = None
    electron: bool | None = None
    update_package: str | None = None
    disable_auto_update: str | None = None
    disable_auto_update_under_native: bool | None = None
    allow_device_self_set: bool | None = None
    allow_emulator: bool | None = None
    allow_device: bool | None = None
    allow_dev: bool | None = None
    allow_prod: bool | None = None
    rollout_version: BundleKey | None = None
    rollout_enabled: bool | None = None
    rollout_percentage_bps: int | None = None
    rollout_paused_at: str | None = None
    rollout_pause_reason: str | None = None
    rollout_cache_ttl_seconds: int | None = None
    auto_pause_enabled: bool | None = None
    auto_pause_action: str | None = None
    auto_pause_confidence: float | None = None
    auto_pause_window_minutes: int | None = None
    auto_pause_cooldown_minutes: int | None = None
    auto_pause_failure_rate_bps: int | None = None
    auto_pause_min_attempts: int | None = None
    auto_pause_min_failures: int | None = None


class ChannelRow(Columns):
    """A channel as it is stored. Where a column cannot be null, None says that nobody has told its value."""

    @property
    def rollout_percentage(self) -> float:
        """The share of a rollout in percent, as people and the tools say it."""
        return (self.rollout_percentage_bps or 0) / PERCENT


class Edit(Columns):
    """What a write to a channel says, as `POST /channel` does; `PUT /bundle` says `version` alone.

    A field that was not given says nothing, and one that was given as None says null: `said` tells them apart.
    """

    version: Annotated[BundleKey | None, BeforeValidator(lambda word: None if word in DETACHING else word)] = None
    rollout_version: Annotated[BundleKey | None, BeforeValidator(lambda word: word or None)] = None
    rollout_paused: bool | None = None
    """True pauses from now on, false ends a pause and forgets its reason."""
    rollback: bool = False
    promote_to_stable: bool = False
    advance_rollout: bool = False

    @model_validator(mode="before")
    @classmethod
    def _in_basis_points(cls, body: Any) -> Any:
        """The API takes percent as well, and basis points win."""
        if not isinstance(body, Mapping):
            return body
        percent = body.get("rolloutPercentage", body.get("rollout_percentage"))
        # Rounded, because 0.57 * 100 is a little less than 57.
        return body if percent is None else {"rollout_percentage_bps": round(percent * PERCENT), **body}

    @property
    def said(self) -> dict[str, Any]:
        """The columns it names, with their values."""
        return {name: getattr(self, name) for name in self.model_fields_set if name in Columns.model_fields}

    def __eq__(self, other: object) -> bool:
        """To say null is not to say nothing, though both read as None."""
        return super().__eq__(other) and isinstance(other, Edit) and self.model_fields_set == other.model_fields_set

    __hash__ = None  # type: ignore[assignment]  # nobody needs edits as keys


@dataclass(frozen=True)
class EditRefused:
    """Capgo would refuse the write: nothing changes."""

    code: str
    message: str
    status: int = 400


NEW: Final = ChannelRow(
    public=False,
    ios=True,
    android=True,
    electron=True,
    update_package="all",
    disable_auto_update="major",
    disable_auto_update_under_native=True,
    allow_device_self_set=False,
    allow_emulator=True,
    allow_device=True,
    allow_dev=True,
    allow_prod=True,
    rollout_enabled=False,
    rollout_percentage_bps=0,
    rollout_cache_ttl_seconds=2_592_000,
    auto_pause_enabled=False,
    auto_pause_action="pause",
    auto_pause_confidence=0.95,
    auto_pause_window_minutes=60,
    auto_pause_cooldown_minutes=60,
)
"""A channel that was created by a write that says nothing."""
# Of these null is a value; of any other column it says that this Capgo does not show it.
_NULLABLE: Final = frozenset(
    {
        *("version", "rollout_version", "rollout_paused_at", "rollout_pause_reason"),
        *("auto_pause_failure_rate_bps", "auto_pause_min_attempts", "auto_pause_min_failures"),
    }
)
_UNPAUSED: Final[dict[str, Any]] = {"rollout_paused_at": None, "rollout_pause_reason": None}
_ENDED: Final[dict[str, Any]] = {
    "rollout_version": None,
    "rollout_enabled": False,
    "rollout_percentage_bps": 0,
    **_UNPAUSED,
}


def edited(row: ChannelRow | None, edit: Edit, behaviour: Behaviour, *, now: str = NOW) -> ChannelRow | EditRefused:
    """The row after a write, or why Capgo refuses it.

    Args:
        row: The channel before it; None where there is none, so that the write creates it.
        edit: The write.
        behaviour: Which Capgo it is sent to.
        now: The moment of the write, which a pause that begins with it is stamped with.
    """
    advances = edit.advance_rollout and behaviour is Behaviour.NOVEMBER  # before that the word was not known
    ends = edit.rollback or edit.promote_to_stable or advances
    sets = _settings(edit, behaviour, now)
    if row is None:
        # The rollout of a channel that is being created cannot be named, but its other settings can.
        finds_none = ends or edit.rollout_version is not None
        return EditRefused("cannot_find_channel", "Cannot find channel") if finds_none else NEW.model_copy(update=sets)
    if edit.rollout_enabled is False and behaviour is Behaviour.NOVEMBER and not ends:
        sets |= {"rollout_version": None, **_UNPAUSED}
    # An advance needs no stable bundle: its candidate becomes that.
    elif edit.rollout_version is not None and sets.get("version", row.version) is None and not advances:
        return EditRefused("missing_stable_version", "Cannot set a rollout version without a stable version")
    # Beside a rollback, a promotion comes second and wins. So it does at Capgo.
    if edit.rollback:
        sets |= _ENDED
    if advances or edit.promote_to_stable:
        moved = _advanced(row, edit) if advances else _promoted(row, edit)
        if isinstance(moved, EditRefused):
            return moved
        sets |= moved
    return _triggered(row, row.model_copy(update=sets), behaviour)


def _settings(edit: Edit, behaviour: Behaviour, now: str) -> dict[str, Any]:
    """The columns a write sets by naming them, before what it does to the rollout."""
    sets = edit.said
    if edit.rollout_paused:
        sets = {"rollout_paused_at": now, **sets}
    elif edit.rollout_paused is not None:
        sets = {"rollout_paused_at": None, **sets, "rollout_pause_reason": None}
    if behaviour is Behaviour.JULY:
        sets.pop("update_package", None)  # the word was not known
    # Capgo compares the two as they were sent, so one that was left out differs from one that was not.
    if edit.public and sets.get("ios") != sets.get("android"):
        sets["electron"] = False
    return sets


def _advanced(row: ChannelRow, edit: Edit) -> dict[str, Any] | EditRefused:
    if row.rollout_version is None:
        return EditRefused("missing_rollout_version", "Cannot advance without a rollout version")
    if edit.rollout_version is None or edit.rollback:
        return EditRefused("missing_rollout_version", "Cannot advance without a new rollout target")
    enabled = edit.rollout_enabled is not False
    return {"version": row.rollout_version, "rollout_enabled": enabled, **_UNPAUSED}


def _promoted(row: ChannelRow, edit: Edit) -> dict[str, Any] | EditRefused:
    named = None if edit.rollback else edit.rollout_version
    candidate = row.rollout_version if named is None else named
    if candidate is None:
        return EditRefused("missing_rollout_version", "Cannot promote without a rollout version")
    return {**_ENDED, "version": candidate}


def _triggered(row: ChannelRow, after: ChannelRow, behaviour: Behaviour) -> ChannelRow:
    """What the database does last, whatever the write said."""
    # So one write cannot name a candidate and pause it: it would go live at the stored share.
    if after.rollout_version != row.rollout_version:
        return after.model_copy(update=_UNPAUSED)
    ends = behaviour is Behaviour.NOVEMBER and row.rollout_version is not None and after.version != row.version
    return after.model_copy(update=_ENDED) if ends else after


def possible(before: ChannelRow, edit: Edit, after: ChannelRow) -> tuple[Behaviour, ...]:
    """Which behaviours explain the row that was read after a write; all where none does, for something else wrote."""
    explaining = tuple(one for one in Behaviour if _explains(before, edit, after, one))
    return explaining or tuple(Behaviour)


def _explains(before: ChannelRow, edit: Edit, after: ChannelRow, behaviour: Behaviour) -> bool:
    foretold = edited(before, edit, behaviour)
    return not isinstance(foretold, EditRefused) and all(
        _agree(name, getattr(foretold, name), getattr(after, name)) for name in ChannelRow.model_fields
    )


def _agree(name: str, foretold: object, read: object) -> bool:
    if name == "rollout_paused_at":  # a moment has many spellings, and one that is now is not known before
        return (foretold is None) is (read is None)
    return foretold == read or (read is None and name not in _NULLABLE)


def served(row: ChannelRow) -> dict[BundleKey, int]:
    """The bundles that a channel gives to devices, each with the share that may get it, in basis points.

    The stable one counts for all of them: whoever is not drawn into the rollout falls back to it.
    """
    shares: dict[BundleKey, int] = {}
    runs = row.rollout_enabled and row.rollout_paused_at is None
    if row.rollout_version is not None and runs and row.rollout_percentage_bps:
        shares[row.rollout_version] = row.rollout_percentage_bps
    # Second, so that a bundle which is both counts for all.
    if row.version is not None:
        shares[row.version] = WHOLE
    return shares
