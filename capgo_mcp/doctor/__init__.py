"""`capgo-mcp doctor`: looks at everything a call depends on and says what to do about what is wrong."""

import json
from collections.abc import AsyncIterator

from capgo_mcp.config.machine import Machine
from capgo_mcp.config.settings import Settings
from capgo_mcp.doctor import account, local, network
from capgo_mcp.doctor.finding import Finding, Level

__all__ = ["Finding", "Level", "doctor", "examine"]


async def examine(settings: Settings, machine: Machine) -> AsyncIterator[Finding]:
    """Everything that is found, in order; nothing is asked of Capgo that an earlier finding makes pointless."""
    first = [*await local.key(settings), *await network.findings(settings)]
    for finding in first:
        yield finding
    if _healthy(first):
        async for finding in account.findings(settings):
            yield finding
    yield local.rate(settings)
    for finding in local.clients(machine):
        yield finding


async def doctor(settings: Settings, machine: Machine, *, as_json: bool) -> int:
    """Print what is found.

    Returns:
        0 when all works, 1 when there is a problem.
    """
    findings = [finding async for finding in examine(settings, machine)]
    healthy = _healthy(findings)
    if as_json:
        rows = [
            {"topic": finding.topic, "level": finding.level.value, "what": finding.what, "next": finding.next}
            for finding in findings
        ]
        print(json.dumps({"healthy": healthy, "findings": rows}, ensure_ascii=False, indent=2))
    else:
        _print(findings)
    return 0 if healthy else 1


def _healthy(findings: list[Finding]) -> bool:
    return all(finding.level is not Level.PROBLEM for finding in findings)


def _print(findings: list[Finding]) -> None:
    width = max(len(finding.topic) for finding in findings)
    for finding in findings:
        print(f"{finding.level.value:7}  {finding.topic:{width}}  {finding.what}")
        if finding.next:
            print(f"{'':7}  {'':{width}}  -> {finding.next}")
