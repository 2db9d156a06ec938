"""`login` with the browser, `logout`, and what is said when a sign-in ends."""

import io
import stat
import sys
import threading
import webbrowser
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Final

import httpx2
import pytest

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.api.errors import KeyMissing
from capgo_mcp.client.clock import SystemClock
from capgo_mcp.commands.callback import Callback, has_browser
from capgo_mcp.commands.cli import main
from capgo_mcp.config.credentials import SavedKey
from capgo_mcp.config.machine import Machine
from capgo_mcp.config.signed_in import SignedIn, digest
from capgo_mcp.sandbox import ADMIN_KEY, State, create_app, seeded
from capgo_mcp.sandbox.seed.people import LIGHTHOUSE
from tests.support.faulty import EPOCH, VirtualClock
from tests.support.limits import GENEROUS
from tests.support.person import Person
from tests.support.serving import served

LOST: Final = "https://gone.invalid"


@pytest.fixture
def person(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Person:
    """Somebody at a browser, who says yes to all unless told otherwise; nothing comes through a pipe."""
    someone = Person()
    monkeypatch.setattr(webbrowser, "open", someone.browse)
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    monkeypatch.setenv("BROWSER", "any")
    assert machine.home.exists()
    return someone


@pytest.fixture
def capgo(state: State, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a sandbox, which the environment names."""
    with served(create_app(state)) as url:
        monkeypatch.setenv("CAPGO_API_URL", url)
        yield url


async def key_of(machine: Machine) -> str:
    """The key as a server would find it."""
    return await SavedKey(machine).read()


def made_here(state: State) -> list[str]:
    """The keys that signing in has made."""
    return [key["key"] for key in state.keys.values() if key.get("oauth_client")]


def test_login_opens_the_browser_and_saves_the_key(
    machine: Machine, person: Person, capgo: str, state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    """The user says yes in the browser, and reads for which organizations and until when; no key is shown."""
    assert main(["login"]) == 0
    shown = capsys.readouterr()
    (key,) = made_here(state)
    until = (SystemClock().moment() + timedelta(days=90)).date()
    assert f'Signed in for "Lighthouse Labs" and "Harbor Bikes", until {until}' in shown.out
    assert key not in shown.out + shown.err
    saved = machine.settings / "capgo-mcp" / "key"
    assert saved.read_text(encoding="utf-8").strip() == key
    beside = machine.settings / "capgo-mcp" / "sign-in.json"
    assert stat.S_IMODE(beside.stat().st_mode) == 0o600
    assert key not in beside.read_text(encoding="utf-8")
    assert f"{capgo}/mcp/oauth/authorize" in shown.err
    assert len(person.ends) == 1


def test_no_in_the_browser_saves_nothing(
    machine: Machine, person: Person, capgo: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The key that was there stays."""
    assert main(["login"]) == 0
    saved = machine.settings / "capgo-mcp" / "key"
    before = saved.read_text(encoding="utf-8")
    person.answer = "deny"
    capsys.readouterr()
    assert main(["login"]) == 1
    assert "answers no" in capsys.readouterr().err
    assert saved.read_text(encoding="utf-8") == before
    assert capgo


def test_another_sign_in_tells_that_the_former_key_works(
    person: Person, capgo: str, state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    """It may be in use elsewhere, so it is not revoked, but told."""
    assert main(["login"]) == 0
    person.organizations = (LIGHTHOUSE,)
    assert main(["login"]) == 0
    shown = capsys.readouterr()
    assert 'Signed in for "Lighthouse Labs", until' in shown.out
    assert "former sign-in works until" in shown.err
    assert len(made_here(state)) == 2
    assert capgo


@pytest.mark.parametrize("before", ["", "the code alone\n", "http://127.0.0.1:1/callback?code=x&state=another\n"])
def test_without_a_browser_the_address_is_printed_and_pasted(
    before: str, machine: Machine, person: Person, capgo: str, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over SSH the browser of another machine ends at an address that the user pastes whole; less is not taken."""

    def pasted() -> Iterator[str]:
        """Lines of somebody who reads what is printed, opens it elsewhere, and pastes where that ended."""
        yield from [before] if before else []
        (address,) = [line.strip() for line in printed.getvalue().splitlines() if "/authorize?" in line]
        yield f" {person.decide(address)}\n"

    printed = io.StringIO()
    monkeypatch.setattr(sys, "stderr", printed)
    monkeypatch.setattr(sys.stdin, "readline", partial(next, pasted()))
    assert main(["login", "--no-browser"]) == 0
    assert ("Once more" in printed.getvalue()) is bool(before)
    assert (machine.settings / "capgo-mcp" / "key").read_text(encoding="utf-8").strip() in made_here(state)
    assert capgo


def test_nothing_pasted_is_told(person: Person, capgo: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal it does not wait for ever."""
    assert main(["login", "--no-browser"]) == 1
    assert "No address was pasted" in capsys.readouterr().err
    assert (person.ends, bool(capgo)) == ([], True)


def test_browser_that_does_not_open_is_as_none(
    person: Person, capgo: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The address is printed and can be pasted then, too."""
    monkeypatch.setattr(webbrowser, "open", lambda _: False)
    assert main(["login"]) == 1
    assert "copy that whole address" in capsys.readouterr().err
    assert (person.ends, bool(capgo)) == ([], True)


def test_what_comes_through_a_pipe_is_a_key(
    machine: Machine, person: Person, capgo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Scripts go on as they did: no browser opens."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{ADMIN_KEY}\n"))
    assert main(["login"]) == 0
    assert (machine.settings / "capgo-mcp" / "key").read_text(encoding="utf-8").strip() == ADMIN_KEY
    assert (person.ends, bool(capgo)) == ([], True)


def test_older_capgo_takes_a_pasted_key(
    person: Person, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where signing in is not offered, the user hears so and is asked for a key."""
    with served(create_app(seeded(behaviour=Behaviour.JULY))) as url:
        monkeypatch.setenv("CAPGO_API_URL", url)
        monkeypatch.setattr("capgo_mcp.commands.login.getpass", lambda _: ADMIN_KEY)
        monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
        assert main(["login"]) == 0
    shown = capsys.readouterr()
    assert "does not offer signing in" in shown.err
    assert "Saved in" in shown.out
    assert person.ends == []


def test_logout_revokes_and_forgets(
    machine: Machine, person: Person, capgo: str, state: State, capsys: pytest.CaptureFixture[str]
) -> None:
    """Capgo deletes the key, and nothing of it stays here."""
    assert main(["login"]) == 0
    assert len(made_here(state)) == 1
    assert main(["logout"]) == 0
    assert made_here(state) == []
    assert list((machine.settings / "capgo-mcp").iterdir()) == []
    assert "The key is gone from" in capsys.readouterr().out
    assert (len(person.ends), bool(capgo)) == (1, True)


def test_logout_leaves_a_pasted_key_at_capgo(
    person: Person, capgo: str, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key from the console belongs to whoever made it there."""
    assert main(["login"]) == 0
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{ADMIN_KEY}\n"))
    assert main(["login"]) == 0
    assert main(["logout"]) == 0
    assert ADMIN_KEY in {key["key"] for key in state.keys.values()}
    assert len(made_here(state)) == 1
    assert (len(person.ends), bool(capgo)) == (1, True)


def remembered(machine: Machine, key: str, clock: VirtualClock, *, days: float, url: str = LOST) -> None:
    """Leave behind what a sign-in does, so many days before its end."""
    folder = machine.settings / "capgo-mcp"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "key").write_text(f"{key}\n", encoding="utf-8")
    ends = clock.moment() + timedelta(days=days)
    SignedIn(url=url, client_id="c", digest=digest(key), expires_at=ends, organizations=["Org"]).remember(machine)


def test_logout_without_a_network_forgets_and_says_that_the_key_works(
    machine: Machine, clock: VirtualClock, capsys: pytest.CaptureFixture[str]
) -> None:
    """What could not be revoked is told, with where to do it by hand."""
    remembered(machine, ADMIN_KEY, clock, days=10, url="http://127.0.0.1:9")
    assert main(["logout"]) == 1
    shown = capsys.readouterr()
    assert "It still works" in shown.err
    assert "Capgo console" in shown.err
    assert list((machine.settings / "capgo-mcp").iterdir()) == []


async def test_key_that_is_over_is_not_sent(machine: Machine, clock: VirtualClock) -> None:
    """An agent hears when it ended and what to do; after another login the next call goes on."""
    remembered(machine, ADMIN_KEY, clock, days=1)
    source = SavedKey(machine, clock)
    assert await source.read() == ADMIN_KEY
    clock.advance(86400)
    with pytest.raises(KeyMissing) as caught:
        await source.read()
    assert caught.value.code == "key_expired"
    assert f"ended on {(EPOCH + timedelta(days=1)).date()}" in caught.value.sentence
    assert "capgo-mcp login" in caught.value.hint
    remembered(machine, ADMIN_KEY, clock, days=90)
    assert await source.read() == ADMIN_KEY


async def test_key_that_came_otherwise_has_no_end_here(machine: Machine, clock: VirtualClock) -> None:
    """What is remembered counts for the key of that sign-in alone, and can be unreadable without harm."""
    remembered(machine, "07e40000-0000-4000-8000-00000000f00d", clock, days=-1)
    saved = machine.settings / "capgo-mcp" / "key"
    saved.write_text(ADMIN_KEY, encoding="utf-8")
    assert await SavedKey(machine, clock).read() == ADMIN_KEY
    (machine.settings / "capgo-mcp" / "sign-in.json").write_text("{", encoding="utf-8")
    assert await SavedKey(machine, clock).read() == ADMIN_KEY


@pytest.mark.parametrize(
    ("days", "level", "words"),
    [(80, "ok", 'Signed in for "Org", until'), (13, "note", "Sign in again before that"), (-1, "problem", "ended on")],
)
def test_doctor_tells_until_when(
    days: float, level: str, words: str, machine: Machine, capgo: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """In time, it says that the sign-in has to be renewed."""

    class Today(VirtualClock):
        def moment(self) -> object:  # type: ignore[override]
            return SystemClock().moment()

    remembered(machine, ADMIN_KEY, Today(), days=days, url=capgo)
    code = main(["doctor"])
    assert (code == 1) is (level == "problem")
    lines = capsys.readouterr().out.splitlines()
    (number,) = [n for n, line in enumerate(lines) if words in line]
    assert level in lines[number] + lines[number - 1]


@pytest.mark.parametrize(
    ("system", "environment", "opens"),
    [
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("linux", {}, False),
        ("macos", {}, True),
        ("windows", {}, True),
        ("macos", {"SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}, False),
        ("linux", {"DISPLAY": ":0", "SSH_TTY": "/dev/pts/0"}, False),
        ("linux", {"SSH_CONNECTION": "x", "BROWSER": "/usr/bin/open-on-my-desk"}, True),
    ],
)
def test_browser_is_looked_for_where_the_person_sits(
    system: str, environment: dict[str, str], opens: bool, machine: Machine
) -> None:
    """Not over SSH, unless an editor has put one there that opens on the person's own machine."""
    assert has_browser(Machine(system, machine.home, environment)) is opens  # type: ignore[arg-type]  # as parametrised


def test_callback_takes_only_the_answer_that_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other pages in the browser can ask for things here: only the right state ends the wait, and nothing is echoed."""
    paths = (
        "/",
        "/callback",
        "/callback?state=guess&code=<b>",
        "//[",
        "/favicon.ico",
        "/callback?state=right&code=<b>",
    )
    answers: list[httpx2.Response] = []
    visited = threading.Event()

    def visits(_: str) -> bool:
        origin = callback.address.removesuffix("/callback")
        answers.extend(httpx2.get(f"{origin}{path}") for path in paths)
        visited.set()
        return True

    monkeypatch.setattr(webbrowser, "open", visits)
    with Callback() as callback:
        assert httpx2.get(f"{callback.address}?state=&code=x").status_code == 400
        assert callback.wait("any", "right", GENEROUS) == {"state": "right", "code": "<b>"}
        assert visited.wait(GENEROUS)
    assert [answer.status_code for answer in answers] == [404, 400, 400, 404, 404, 200]
    assert not any("<b>" in answer.text for answer in answers)


def test_browser_that_never_comes_back_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the time that Capgo gives, it is over."""
    monkeypatch.setattr(webbrowser, "open", lambda _: True)
    with Callback() as callback, pytest.raises(TimeoutError):
        callback.wait("any", "right", 0)


def test_wait_that_is_over_is_told(
    person: Person, capgo: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The user reads that nothing came, and how to begin again."""
    monkeypatch.setattr(webbrowser, "open", lambda _: True)
    monkeypatch.setattr("capgo_mcp.commands.sign_in.SECONDS_FOR_CONSENT", 0)
    assert main(["login"]) == 1
    assert "brought no answer" in capsys.readouterr().err
    assert (person.ends, bool(capgo)) == ([], True)
