"""Follows a release from the command line: who runs it, whether it is failing, what stands in its way.

Each look asks the same tools that an agent would ask, so that it sees what they see and stays inside the same limits.
"""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, TextIO

import mcp_types as t

from capgo_mcp.api.audience import to_person
from capgo_mcp.api.text import minute, quoted, visible
from capgo_mcp.commands.call import told
from capgo_mcp.commands.terminal import Progress, Terminal, wrapped
from capgo_mcp.config.options import SettingsError
from capgo_mcp.config.settings import Settings
from capgo_mcp.server.tools import Toolbox

REACHED, FAILING, NOT_REACHED = 0, 1, 3
"""Exit codes: it ended as it should, the release is failing, it has not reached its share in time."""
LEAST_SECONDS: Final = 60
"""Between two looks: Capgo's own figures are no newer."""
IN_A_ROW: Final = 3
"""Looks that may bring nothing before that is the end."""

STATUS: Final = "capgo_get_release_status"
DEVICES: Final = "capgo_summarize_devices"
HEALTH: Final = "capgo_get_update_health"

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_RESTS: Final = 4
"""A look that took long is followed by a rest of so many times as long, so that others have the API as well."""
_BAR: Final = 20
_ALL: Final = 100


def duration(text: str, giver: str) -> float:
    """A time such as 90s, 5m, 2h or 1d, in seconds.

    Raises:
        SettingsError: It is none.
    """
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)([smhd])", text.strip(), re.ASCII)
    if not found or not float(found[1]):
        raise SettingsError(f"{giver} must be a time such as 90s, 5m, 2h or 1d.")
    return float(found[1]) * _SECONDS[found[2]]


def share(text: str, giver: str) -> float:
    """A share such as 95%, in percent.

    Raises:
        SettingsError: It is none.
    """
    found = re.fullmatch(r"(\d{1,3}(?:\.\d{1,3})?) ?%?", text.strip(), re.ASCII)
    if not found or not 0 < float(found[1]) <= _ALL:
        raise SettingsError(f"{giver} must be a share such as 95%.")
    return float(found[1])


@dataclass(frozen=True)
class Watch:
    """What is followed, and when it ends.

    Attributes:
        app_id: The app.
        version: The bundle.
        every: Seconds from one look to the next.
        until: The share of devices, in percent, at which it ends well.
        lasting: Seconds after which it ends in any case.
    """

    app_id: str
    version: str
    every: float
    until: float | None = None
    lasting: float | None = None


@dataclass(frozen=True)
class Look:
    """What was seen at a moment.

    Attributes:
        devices: Devices that run the bundle.
        devices_seen: Devices looked at.
        percent: The share of them.
        verdict: Whether the bundle is failing: as `capgo_get_update_health` says.
    """

    at: str
    version: str
    devices: int
    devices_seen: int
    complete: bool
    percent: float
    verdict: str
    reason: str
    obstacles: list[dict[str, str]]


class NoAnswer(Exception):
    """A tool answered with an error; the message is for the person."""


class Outlook:
    """Where looks are shown: a line for each in a window, with what has changed under it, and JSON elsewhere.

    Args:
        stream: Where.
        terminal: The window, if it is one.
    """

    def __init__(self, stream: TextIO, terminal: Terminal | None) -> None:
        self._stream = stream
        self._terminal = terminal
        self._reason = ""
        self._obstacles: list[str] = []

    def show(self, look: Look) -> None:
        """Show one."""
        if self._terminal is None:
            print(json.dumps(asdict(look), ensure_ascii=False), file=self._stream, flush=True)
            return
        for line in self._lines(look, self._terminal):
            print(line, file=self._stream, flush=True)

    def say(self, sentence: str) -> None:
        """Say something about the watch itself; what is read by programs stays JSON."""
        shown = visible(sentence)
        for line in wrapped(shown, self._terminal.width) if self._terminal else [shown]:
            print(line, file=self._stream if self._terminal else sys.stderr, flush=True)

    def _lines(self, look: Look, terminal: Terminal) -> Iterator[str]:
        bar = terminal.styled(terminal.bar(look.percent, _BAR), "bar")
        of = f"{look.devices} of {look.devices_seen}{'' if look.complete else '+'} devices"
        count = len(look.obstacles)
        yield (
            f"{terminal.styled(look.at[11:], 'name')}  {look.percent:5.1f} %  {bar}{' ' if bar else ''} {of}, "
            f"{terminal.styled(look.verdict.replace('_', ' '), look.verdict)}, "
            f"{count or 'no'} obstacle{'' if count == 1 else 's'}"
        )
        obstacles = [one["what"] for one in look.obstacles]
        news = [] if look.reason == self._reason else [f"  {look.reason}"]
        news += [f"+ {what}" for what in obstacles if what not in self._obstacles]
        news += [f"- {what}" for what in self._obstacles if what not in obstacles]
        for sentence in news:
            first, *others = wrapped(sentence[2:], terminal.width - 4)
            yield f"  {sentence[:2]}{terminal.styled(first, '')}"
            yield from (f"    {terminal.styled(line, '')}" for line in others)
        self._reason, self._obstacles = look.reason, obstacles


async def watch(settings: Settings, asked: Watch, *, as_json: bool = False) -> int:
    """Follow a release until it ends.

    Args:
        settings: Where Capgo is, and how it may be asked.
        asked: What to follow, and when to end.
        as_json: Whether a person gets a line of JSON for each look as well.

    Returns:
        The exit code: see `REACHED` and the others; 1 also when there is nothing to look at.
    """
    terminal = None if as_json else Terminal.of(sys.stdout)
    progress = Progress(terminal and Terminal.of(sys.stderr), sys.stderr)
    async with settings.connect() as capgo:
        return await follow(Toolbox(capgo, settings), asked, Outlook(sys.stdout, terminal), progress)


async def follow(toolbox: Toolbox, asked: Watch, view: Outlook, progress: Progress) -> int:
    """Look again and again until it ends; see `watch`."""
    if missing := [name for name in (STATUS, DEVICES) if name not in toolbox]:
        raise SettingsError(f"watch needs {' and '.join(missing)}, which these settings leave out.")
    clock = toolbox.clock
    began = clock.now()
    missed = 0
    seen = False
    while True:
        started = clock.now()
        try:
            look = await look_at(toolbox, asked, clock.moment(), progress)
        except NoAnswer as error:
            missed += 1
            view.say(str(error))
            # Before anything was seen it is the question that is wrong, later rather the network.
            if not seen or missed == IN_A_ROW:
                return FAILING
        else:
            missed, seen = 0, True
            view.show(look)
            # Looked at first: a release that reaches its share while it fails has not come to a good end.
            if look.verdict == "failing":
                view.say(f"{quoted(asked.version)} is failing. {await _advice(toolbox, asked)}".strip())
                return FAILING
            if asked.until is not None and look.percent >= asked.until:
                view.say(f"{quoted(asked.version)} has reached {look.percent:g} % of the devices.")
                return REACHED
        took = clock.now() - started
        rest = max(asked.every - took, _RESTS * took)
        if asked.lasting is not None:
            left = began + asked.lasting - clock.now()
            if left < LEAST_SECONDS:
                return _late(asked, view)
            rest = min(rest, left)  # so that the last look is at the end
        await clock.sleep(rest)


async def _advice(toolbox: Toolbox, asked: Watch) -> str:
    """How to stop a release that is failing, where that can be told."""
    if HEALTH not in toolbox:
        return ""
    result = await toolbox.call(HEALTH, {"app_id": asked.app_id, "version": asked.version})
    return "" if result.is_error else to_person((result.structured_content or {})["do"])


def _late(asked: Watch, view: Outlook) -> int:
    if asked.until is None:
        view.say("The time is over.")
        return REACHED
    view.say(f"The time is over, and {quoted(asked.version)} has not reached {asked.until:g} % of the devices.")
    return NOT_REACHED


async def look_at(toolbox: Toolbox, asked: Watch, moment: datetime, progress: Progress) -> Look:
    """What there is to see now.

    Raises:
        NoAnswer: A tool answered with an error.
    """
    about = {"app_id": asked.app_id, "version": asked.version}
    try:
        status = _facts(await toolbox.call(STATUS, about, report=progress))
        running = _facts(await toolbox.call(DEVICES, {**about, "group_by": ["version"]}, report=progress))
    finally:
        progress.clear()
    # Counted on the devices themselves: Capgo's own figures about adoption are a day old.
    devices, of = running["devices"], running["devices_seen"]
    health = status.get("health") or {"verdict": "unknown", "reason": ""}
    return Look(
        at=minute(moment),
        version=asked.version,
        devices=devices,
        devices_seen=of,
        complete=running["complete"],
        percent=round(_ALL * devices / of, 1) if of else 0.0,
        verdict=health["verdict"],
        reason=health["reason"],
        obstacles=[{"what": one["what"], "do": to_person(one["do"])} for one in status["obstacles"]],
    )


def _facts(result: t.CallToolResult) -> dict[str, Any]:
    if result.is_error:
        raise NoAnswer(told(result))
    return result.structured_content or {}
