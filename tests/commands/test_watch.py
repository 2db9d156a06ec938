"""Following a release: what is seen, how often one looks, and how it ends."""

import io
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import httpx2
import mcp_types as t
import pytest

from capgo_mcp.client.capgo import Capgo
from capgo_mcp.client.key import StaticKey
from capgo_mcp.commands.cli import main
from capgo_mcp.commands.terminal import Progress, Terminal
from capgo_mcp.commands.watch import FAILING, NOT_REACHED, REACHED, Outlook, Watch, duration, follow, share
from capgo_mcp.config.options import SettingsError
from capgo_mcp.config.settings import Settings
from capgo_mcp.sandbox import ADMIN_KEY, State, create_app, seeded
from capgo_mcp.sandbox.seed.people import DEMO_APP
from capgo_mcp.server.tools import Toolbox
from tests.support.faulty import EPOCH, VirtualClock
from tests.support.window import window

HEALTHY: Final = "2.2.8"
BROKEN: Final = "2.3.0"
FIVE_MINUTES: Final = 300.0

Happening = Callable[[int, State], None]


class EventfulClock(VirtualClock):
    """A clock on which something happens while a watcher rests."""

    def __init__(self, state: State, happens: Happening) -> None:
        super().__init__()
        self._state = state
        self._happens = happens

    async def sleep(self, seconds: float) -> None:
        """Rest, and let it happen: at the first rest, the second, and so on."""
        await super().sleep(seconds)
        self._happens(len(self.slept), self._state)


def nothing(_: int, __: State) -> None:
    """Nothing happens."""


class Watching:
    """A watch on the sandbox, and what it has shown."""

    def __init__(self, toolbox: Toolbox, clock: EventfulClock, state: State) -> None:
        self.toolbox = toolbox
        self.clock = clock
        self.state = state
        self.stream = io.StringIO()

    async def run(self, version: str = HEALTHY, terminal: Terminal | None = None, **ends: Any) -> int:
        """Follow a version to its end."""
        asked = Watch(DEMO_APP, version, **{"every": FIVE_MINUTES, **ends})
        return await follow(self.toolbox, asked, Outlook(self.stream, terminal), Progress(None, self.stream))

    def looks(self) -> list[dict[str, Any]]:
        """What programs read."""
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@asynccontextmanager
async def watching(
    happens: Happening = nothing, kind: type[Toolbox] = Toolbox, **settings: Any
) -> AsyncIterator[Watching]:
    """A sandbox of which the time passes only while the watcher rests."""
    state = seeded(EPOCH.timestamp)
    clock = EventfulClock(state, happens)
    transport = httpx2.ASGITransport(app=create_app(state))
    async with Capgo(ADMIN_KEY, url="http://sandbox.invalid", transport=transport, rate=10_000, clock=clock) as capgo:
        toolbox = kind(capgo, Settings(key=StaticKey(ADMIN_KEY), **settings))
        clock.slept.clear()
        yield Watching(toolbox, clock, state)


def everybody_updates(rest: int, state: State) -> None:
    """At the second rest every device takes the healthy version."""
    if rest == 2:
        for row in state.devices.values():
            row["version_name"] = HEALTHY


async def test_ends_when_the_share_is_reached() -> None:
    """It looks at the pace that was asked for until so many devices run the version, and ends well."""
    async with watching(everybody_updates) as one:
        assert await one.run(until=95.0) == REACHED
    assert one.clock.slept == [FIVE_MINUTES] * 2
    shares = [look["percent"] for look in one.looks()]
    assert shares == [pytest.approx(54.6), pytest.approx(54.6), 100.0]
    assert [look["at"] for look in one.looks()] == ["2026-11-02T12:00Z", "2026-11-02T12:05Z", "2026-11-02T12:10Z"]


async def test_ends_at_once_when_it_is_failing() -> None:
    """A failing release is told with how to stop it, and the exit code says so."""
    async with watching() as one:
        assert await one.run(BROKEN, Terminal(200), lasting=7200.0) == FAILING
    assert one.clock.slept == []
    told = one.stream.getvalue()
    assert '"2.3.0" is failing. Stop it on channel' in told
    assert "10 of 22 devices" in told


@pytest.mark.parametrize(("until", "code"), [(None, REACHED), (95.0, NOT_REACHED)])
async def test_ends_when_the_time_is_over(until: float | None, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    """The last look is at the end of the time; a share that was wished for and not reached is no good end."""
    async with watching() as one:
        assert await one.run(until=until, lasting=700.0) == code
    assert one.clock.slept == [300.0, 300.0, 100.0]
    assert len(one.looks()) == 4
    assert "The time is over" in capsys.readouterr().err


class SlowToolbox(Toolbox):
    """Tools that take a hundred seconds each."""

    async def call(self, *arguments: Any, **further: Any) -> t.CallToolResult:
        """Call a tool, slowly."""
        assert isinstance(self.clock, VirtualClock)
        self.clock.advance(100.0)
        return await super().call(*arguments, **further)


async def test_rests_longer_than_it_looks() -> None:
    """Where a look takes long, the rest is four times as long, so that others have the API as well."""
    async with watching(kind=SlowToolbox) as one:
        assert await one.run(lasting=2250.0) == REACHED
    assert one.clock.slept == [800.0, 800.0]


def outage(rest: int, state: State) -> None:
    """From the first rest on the app is gone; the second time it is back for a while."""
    if rest in (1, 4):
        state.apps["away"] = state.apps.pop(DEMO_APP)
    if rest == 3:
        state.apps[DEMO_APP] = state.apps.pop("away")


async def test_goes_on_after_looks_that_bring_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """Two looks without an answer are told and forgiven, three in a row are the end."""
    async with watching(outage) as one:
        assert await one.run() == FAILING
    assert len(one.looks()) == 2
    assert capsys.readouterr().err.count("Hint:") == 5
    assert len(one.clock.slept) == 6


async def test_ends_when_there_is_nothing_to_look_at(capsys: pytest.CaptureFixture[str]) -> None:
    """A version that does not exist is the end of the first look, with the ones that do."""
    async with watching() as one:
        assert await one.run("9.9.9") == FAILING
    assert (one.clock.slept, one.looks()) == ([], [])
    assert "[bundle_not_found]" in capsys.readouterr().err


def rules_change(rest: int, state: State) -> None:
    """At the first rest production serves development builds as well, and no real devices any more."""
    if rest == 1:
        channel = state.channel_named(DEMO_APP, "production")
        assert channel is not None
        channel["allow_dev"], channel["allow_device"] = True, False


async def test_window_shows_what_has_changed() -> None:
    """A look is a line; obstacles stand under it once, when they come and when they go."""
    async with watching(rules_change) as one:
        assert await one.run(terminal=Terminal(100), lasting=700.0) == REACHED
    lines = one.stream.getvalue().splitlines()
    assert len([line for line in lines if re.match(r"\d\d:\d\dZ +54\.6 %", line)]) == 4
    assert [line[:4] for line in lines if "serves no development builds" in line] == ["  + ", "  - "]
    assert [line[:4] for line in lines if "serves no physical devices" in line] == ["  + "]
    assert max(map(len, lines)) <= 100


async def test_settings_may_leave_nothing_to_look_with() -> None:
    """Without the tools that it asks, a watch cannot begin, and says which they are."""
    async with watching(toolsets=frozenset({"apps"})) as one:
        with pytest.raises(SettingsError, match="capgo_get_release_status"):
            await one.run()


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("5m", 300), ("1.5h", 5400), ("1d", 86_400)])
def test_times_are_read(text: str, seconds: float) -> None:
    """A time is a number with its unit."""
    assert duration(text, "--for") == seconds


@pytest.mark.parametrize(("text", "percent"), [("95%", 95), ("95", 95), ("0.5 %", 0.5), ("100%", 100)])
def test_shares_are_read(text: str, percent: float) -> None:
    """A share is in percent, with or without its sign."""
    assert share(text, "--until") == percent


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--every", "10s"), "--every must be at least 60s."),
        (("--every", "5"), "--every must be a time such as"),
        (("--every", "0m"), "--every must be a time such as"),
        (("--for", "soon"), "--for must be a time such as"),
        (("--for", "٣m"), "--for must be a time such as"),
        (("--until", "all"), "--until must be a share such as"),
        (("--until", "0%"), "--until must be a share such as"),
        (("--until", "101%"), "--until must be a share such as"),
    ],
)
def test_what_cannot_be_meant_is_told_in_a_line(
    words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wrong time or share ends before anything is asked."""
    assert main(["watch", "--sandbox", DEMO_APP, HEALTHY, *words]) == 2
    shown = capsys.readouterr()
    assert said in shown.err
    assert (len(shown.err.splitlines()), shown.out) == (1, "")


def test_ctrl_c_ends_it_in_one_line() -> None:
    """Whoever has seen enough stops it, and reads that it has stopped."""
    with window("watch", "--sandbox", DEMO_APP, HEALTHY) as shown:
        shown.read(until="emulators")
        shown.type(b"\x03")
        lines = shown.lines()
    assert lines[-1].endswith("capgo-mcp: stopped.")
    assert shown.process.returncode == 130
    assert "Traceback" not in shown.raw
