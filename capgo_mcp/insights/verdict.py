"""Whether a bundle is failing: more devices report failures than of the bundle before, and than chance explains."""

from math import sqrt
from typing import Final, Literal

from capgo_mcp.api.answers import Answer
from capgo_mcp.api.event_codes import UPDATE_FAILURES
from capgo_mcp.api.text import quoted
from capgo_mcp.insights.failures import Failures, Measure

ENOUGH: Final = 50
"""Devices below which few failures, or none, say nothing."""
LEAST: Final = 5
"""Failing devices below which no bundle is called failing."""
USUAL: Final = 0.02
"""Share of failing devices that is nothing unusual: phones are full, networks break."""
ALONE: Final = 0.05
"""The same, when there is no bundle to compare with."""
WORSE: Final = 1.5
"""How many times the share of the bundle before is no worse than it."""
INTOLERABLE: Final = 0.1
"""Share of devices that one failure keeps from a bundle, which is too many whatever the bundle before did."""

_Z: Final = 1.96
"""For a confidence of 95 %."""


class Verdict(Answer):
    """Whether the bundle is failing, and why that is the verdict."""

    verdict: Literal["failing", "healthy", "too_few", "unknown"]
    reason: str


def judged(found: Failures) -> Verdict:
    """The verdict on a bundle."""
    now, before = found.now, found.before
    if not now.devices:
        return Verdict(verdict="too_few", reason=f"No device took {quoted(now.version)} in this time.")
    told = f"{_told(now)} that took {quoted(now.version)} report failures"
    if before:
        told += f", and {_told(before)} of {quoted(before.version)} before it"
    usual = _usual(before)
    if _exceeds(now.failed, now.devices, usual):
        return Verdict(verdict="failing", reason=f"{told}.")
    worst = max((count for code, count in now.causes.items() if code in UPDATE_FAILURES), default=0)
    if _exceeds(worst, now.devices, INTOLERABLE):
        return Verdict(verdict="failing", reason=f"{told}; it was bad before, but {_percent(INTOLERABLE)} is too many.")
    # Not before: what is certainly failing is told of few devices as well.
    if now.devices < ENOUGH:
        return Verdict(verdict="too_few", reason=f"{told}; it takes {ENOUGH} devices to tell.")
    if now.share > usual:
        return Verdict(verdict="too_few", reason=f"{told}; that is more than usual, but may be chance.")
    return Verdict(verdict="healthy", reason=f"{told}.")


def _told(measure: Measure) -> str:
    return f"{measure.failed} of {measure.devices} devices ({_percent(measure.share)})"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _usual(before: Measure | None) -> float:
    if before is None or before.devices < ENOUGH:
        return ALONE
    return max(USUAL, WORSE * before.share)


def _exceeds(failed: int, devices: int, usual: float) -> bool:
    """Whether a share is above what is usual even if chance made it look worse than it is."""
    return failed >= LEAST and _least_share(failed, devices) > usual


def _least_share(failed: int, devices: int) -> float:
    """The lower end of Wilson's interval: the least share that would show so many failures by chance."""
    share = failed / devices
    middle = share + _Z**2 / (2 * devices)
    spread = _Z * sqrt(share * (1 - share) / devices + _Z**2 / (4 * devices**2))
    return (middle - spread) / (1 + _Z**2 / devices)
