"""Whether a bundle is ready to be released, why, with which calls, and how to take them back."""

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from capgo_mcp.api.answers import Answer
from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.api.channel_edit import ChannelRow, EditRefused
from capgo_mcp.api.fields import AppId, BundleName, ChannelName
from capgo_mcp.api.next_call import NextCall
from capgo_mcp.api.text import quoted
from capgo_mcp.insights.bundles import rolled_out, serving
from capgo_mcp.insights.evidence import Evidence
from capgo_mcp.insights.filters import is_below
from capgo_mcp.insights.insight import Context, Insight
from capgo_mcp.insights.native import native_change, native_since, packages, too_old
from capgo_mcp.insights.obstacles import obstacles
from capgo_mcp.insights.proposal import Proposal, proposed
from capgo_mcp.insights.rules import blocks, is_under_native
from capgo_mcp.operations.bundles import Bundle
from capgo_mcp.operations.channels import Channel, ServedBundle

Says = Literal["no", "wait", "go"]
_GRAVEST_FIRST: Final[tuple[Says, ...]] = ("no", "wait", "go")
_LONGEST: Final = 2000
"""Characters of an answer, which are fewer than 700 tokens."""
_UNKNOWN: Final = 3
_SENTENCE: Final = 220
_NAMES: Final = 3


class Reason(Answer):
    """What speaks for the release, or what the user has to know or decide before it."""

    says: Says
    what: str


class ReleasePlan(Answer):
    """What to do about a release, gravest reason first; `calls` are for after the user agrees, `back` undoes them."""

    verdict: Says
    reasons: list[Reason]
    calls: list[NextCall] | None = None
    back: list[NextCall] | None = None
    not_brought_back: list[str] | None = None
    unknown: list[str] | None = None


class PlanRelease(Insight[ReleasePlan]):
    """Is a version safe and ready to release? Preview before you publish it to a channel: go, wait or no, and why."""

    app_id: AppId
    version: BundleName
    channel: Annotated[ChannelName | None, Field(description="Channel name; the default one if left out.")] = None
    percentage: Annotated[
        float | None,
        Field(description="Percent of devices to begin with, as a staged rollout. Left out: all.", gt=0, le=100),
    ] = None

    async def gather(self, context: Context) -> ReleasePlan:
        """Read side by side what does not depend on each other, then judge."""
        evidence = Evidence(context, self.app_id, self.version)
        await evidence.collect()
        if evidence.bundle is None:
            return _plan([Reason(says="no", what=evidence.missing)])
        channel = _chosen(evidence.channels, self.channel)
        if isinstance(channel, Reason):
            return _plan([channel])
        await evidence.compare(channel)
        proposal = proposed(channel, self.app_id, self.version, self.percentage)
        return _plan(_Judge(evidence, evidence.bundle, channel).reasons(proposal), proposal, evidence.unknown)


def _chosen(channels: list[Channel], name: str | None) -> Channel | Reason:
    """The channel that is meant, or why it is not known."""
    found = [channel for channel in channels if (channel.name == name if name else channel.public)]
    if len(found) == 1:
        return found[0]
    names = [channel.name for channel in (found or channels) if channel.name]
    told = ", ".join(map(quoted, names[:_NAMES]))
    if found:
        return Reason(says="wait", what=f"The app has several default channels, such as {told}: plan for each by name.")
    if name is None:
        return Reason(says="no", what=f"The app has no default channel: name the one to release on, such as {told}.")
    # In one case: names are exact at Capgo, and people write them as they like.
    near = get_close_matches(name.lower(), [one.lower() for one in names], n=1)
    meant = next((one for one in names if near and one.lower() == near[0]), None)
    hint = f"did you mean {quoted(meant)}?" if meant else "capgo_set_channel creates one, with version."
    return Reason(says="no", what=f"There is no channel {quoted(name)}: {hint}")


class _Judge:
    """Finds the reasons: what is known about a bundle, held against a channel."""

    def __init__(self, evidence: Evidence, bundle: Bundle, channel: Channel) -> None:
        self._evidence = evidence
        self._bundle = bundle
        self._version = bundle.name or ""
        self._channel = channel
        self._name = quoted(channel.name or "")
        self._before = channel.stored()

    def reasons(self, proposal: Proposal | EditRefused) -> Iterator[Reason]:
        yield from self._health()
        yield from self._age()
        yield from self._native()
        yield from self._rollout(proposal)
        if isinstance(proposal, Proposal):
            # Whichever Capgo answers: a proposal gives the same bundles to the same shares at
            # both, or it would be none.
            yield from self._reach(proposal.ends[Behaviour.NOVEMBER])
        yield from self._pins()
        yield from self._elsewhere()

    def _health(self) -> Iterator[Reason]:
        health = self._evidence.health
        if health.verdict == "failing":
            yield Reason(says="no", what=f"It is failing where it is out: {health.reason}")
        elif health.verdict == "healthy":
            yield Reason(says="go", what=f"It does well where it is out: {health.reason}")
        else:
            self._evidence.unknown.append(f"failures elsewhere are not known: {health.reason}")

    def _age(self) -> Iterator[Reason]:
        former = self._evidence.served
        if former and former.name != self._version and _is_older(self._bundle, former):
            what = f"It is older than {quoted(former.name or '')}, which {self._name} serves: this goes back."
            yield Reason(says="wait", what=what)

    def _native(self) -> Iterator[Reason]:
        """What it needs of the native shell beyond the bundle that is served, and who lacks that."""
        former, fleet = self._evidence.served, self._evidence.fleet
        if former is None or former.name == self._version:
            return
        needed, had = packages(self._bundle), packages(former)
        if needed is None or had is None:
            self._evidence.unknown.append("native packages: not told for both bundles")
            return
        change = native_change(needed, had)
        if not change:
            yield Reason(says="go", what=f"It needs the same native packages as {quoted(former.name or '')}.")
            return
        since = native_since(self._bundle, self._evidence.newest)
        old = too_old(fleet, since)
        share = f"{old} of {fleet.devices} devices seen last have a native build older than {quoted(since)}"
        # Where no device could be looked at, all of them may be too old.
        risky = change.needs_store and (old or not fleet.devices)
        yield Reason(says="wait" if risky else "go", what=f"Natively it {change}; {share}.")

    def _rollout(self, proposal: Proposal | EditRefused) -> Iterator[Reason]:
        """What becomes of a rollout that is there, and whether anything would change at all."""
        before = self._before
        if isinstance(proposal, EditRefused):
            hint = "Leave percentage out to give it to all." if before.version is None else ""
            yield Reason(says="no", what=f"Capgo would refuse: {proposal.message}. {hint}".rstrip())
        elif not proposal.calls:
            share = "its stable bundle" if before.version == self._version else "that share"
            yield Reason(says="no", what=f"On {self._name} it is {share} already: there is nothing to do.")
        if before.rollout_version is None:
            return
        target, state = quoted(str(before.rollout_version)), _state(self._channel)
        if before.rollout_version == self._version:
            paused = before.rollout_paused_at is not None
            yield Reason(says="wait" if paused else "go", what=f"Its rollout on {self._name} is {state}.")
        elif isinstance(proposal, Proposal) and proposal.calls:
            idle = before.rollout_paused_at is None and not rolled_out(self._channel)
            what = f"It ends the rollout of {target} on {self._name}, which is {state}."
            yield Reason(says="go" if idle else "wait", what=what)

    def _reach(self, row: ChannelRow) -> Iterator[Reason]:
        """Which devices the channel's rules would keep from it, by the words for a channel that serves it."""
        fleet, rule = self._evidence.fleet, self._channel.disable_auto_update
        kept = sum(
            count
            for build, count in fleet.builds.items()
            if blocks(rule, self._version, build)
            or (self._channel.disable_auto_update_under_native and is_under_native(self._version, build))
        )
        misses_what_it_looks_at = rule == "version_number" and not self._bundle.min_update_version
        if misses_what_it_looks_at or (kept and kept == fleet.builds.total()):
            yield Reason(says="no", what=f"The update rules of {self._name} would keep it from every device.")
        foreseen = _foreseen(self._channel, row)
        for one in obstacles(self._version, serving([foreseen], self._version), [foreseen], self._bundle, fleet):
            yield Reason(says="go", what=one.what)

    def _pins(self) -> Iterator[Reason]:
        fleet = self._evidence.fleet
        here = fleet.pinned[self._channel.name or ""]
        elsewhere = fleet.pinned.total() - here
        if not self._channel.public:
            joins = ", and those that join it themselves" if self._channel.allow_device_self_set else ""
            reach = f"only devices pinned to it{joins}: {here} of {fleet.devices} seen last are"
            yield Reason(says="go", what=f"{self._name} is no default channel, so it reaches {reach}.")
        elif elsewhere:
            what = f"{elsewhere} of {fleet.devices} devices seen last are pinned to other channels and do not get it."
            yield Reason(says="go", what=what)

    def _elsewhere(self) -> Iterator[Reason]:
        others = [one for one in serving(self._evidence.channels, self._version) if one.channel != self._channel.name]
        if others:
            places = ", ".join(f"{quoted(one.channel)} ({one.percent:g} %)" for one in others[:_NAMES])
            more = f" and {len(others) - _NAMES} more" if len(others) > _NAMES else ""
            yield Reason(says="go", what=f"It is out already on {places}{more}.")


def _plan(
    reasons: Iterable[Reason], proposal: Proposal | EditRefused | None = None, unknown: Iterable[str] = ()
) -> ReleasePlan:
    """The answer; it is short whatever was found, and what is left out for that is never the gravest."""
    found = sorted(reasons, key=lambda reason: _GRAVEST_FIRST.index(reason.says))
    told = [Reason(says=reason.says, what=_cut(reason.what)) for reason in found]
    calls = _calls(proposal) if isinstance(proposal, Proposal) and proposal.calls else {}
    doubts = [_cut(doubt) for doubt in [*unknown][:_UNKNOWN]] or None
    plan = ReleasePlan(verdict=told[0].says if told else "go", reasons=told, unknown=doubts, **calls)
    while len(plan.reasons) > 1 and len(plan.model_dump_json(exclude_none=True)) > _LONGEST:
        plan = plan.model_copy(update={"reasons": plan.reasons[:-1]})
    return plan


def _calls(proposal: Proposal) -> dict[str, Any]:
    """The calls there and back; an answer without a way back says so."""
    lost = proposal.back.lost
    try:
        back = [NextCall.of(call) for call in proposal.back.calls]
    except ValueError:  # somebody's reason for a pause has hidden characters
        back, lost = [], ["what is there now"]
    calls = [NextCall.of(call, **proposal.expects) for call in proposal.calls]
    return {"calls": calls, "back": back, "not_brought_back": lost or None}


def _is_older(bundle: Bundle, former: Bundle) -> bool:
    """By the numbers of the versions; of equal ones, such as a pre-release and its release, by the upload."""
    if is_below(bundle.name, former.name or "") or is_below(former.name, bundle.name or ""):
        return is_below(bundle.name, former.name or "")
    return bundle.created_at is not None and former.created_at is not None and bundle.created_at < former.created_at


def _state(channel: Channel) -> str:
    """How a rollout stands."""
    if channel.rollout_paused_at:
        reason = f" ({quoted(channel.rollout_pause_reason[:80])})" if channel.rollout_pause_reason else ""
        return f"paused since {channel.rollout_paused_at:%Y-%m-%d %H:%M}Z{reason}"
    return f"at {rolled_out(channel):g} %" if channel.rollout_enabled else "off"


def _foreseen(channel: Channel, row: ChannelRow) -> Channel:
    """The channel as it would be."""
    target = None if row.rollout_version is None else ServedBundle(name=str(row.rollout_version))
    return channel.model_copy(
        update={
            "version": None if row.version is None else ServedBundle(name=str(row.version)),
            "rollout_version_info": target,
            "rollout_enabled": row.rollout_enabled,
            "rollout_percentage_bps": row.rollout_percentage_bps,
            "rollout_paused_at": channel.rollout_paused_at if row.rollout_paused_at else None,
        }
    )


def _cut(sentence: str) -> str:
    return sentence if len(sentence) <= _SENTENCE else f"{sentence[:_SENTENCE]}…"
