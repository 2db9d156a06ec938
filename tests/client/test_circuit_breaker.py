"""One key's requests keep to their rate, stop when Capgo says so, and go on when there is reason to."""

import random

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capgo_mcp.api.errors import (
    CapgoError,
    KeyRefused,
    NotAllowed,
    OutcomeUnknown,
    RateLimited,
    Refused,
    ServerFault,
    UnexpectedAnswer,
    Unreachable,
)
from capgo_mcp.api.operation import Effect
from capgo_mcp.client.bounds import TRIES, Deadline, pause, time_for_answer
from capgo_mcp.client.circuit_breaker import PROBE_INTERVAL, CircuitBreaker, LocalPace, RateLimiter
from capgo_mcp.client.refusals import Refusal
from tests.support.faulty import VirtualClock
from tests.support.keys import MASK

KEY = "11111111-2222-4333-8444-555555555555"


@pytest.fixture
def breaker(clock: VirtualClock) -> CircuitBreaker:
    """The circuit breaker of a key that has been answered before."""
    breaker = CircuitBreaker(KEY, LocalPace(100, clock), clock)
    breaker.note(None)
    return breaker


def busy(seconds: float, scope: str = "key") -> RateLimited:
    """Capgo's answer to too many calls."""
    error = RateLimited("too_many_requests", "Too many requests.", "Wait.")
    error.retry_after = seconds
    error.scope = scope  # type: ignore[assignment]  # one of the three words
    return error


def fault(status: int) -> ServerFault:
    """Capgo's answer when it fails."""
    error = ServerFault(f"http_{status}", "It failed.", "Wait.")
    error.status = status
    return error


@given(
    rate=st.integers(1, 200),
    pauses=st.lists(st.one_of(st.just(0.0), st.floats(0, 90)), min_size=1, max_size=400),
)
def test_no_minute_has_more_requests_than_the_rate(rate: int, pauses: list[float]) -> None:
    """Whenever callers come, the promise of `--rate` holds for every minute."""
    limiter = RateLimiter(rate)
    now = 0.0
    left: list[float] = []
    for seconds in pauses:
        now += seconds
        left.append(now + limiter.wait(now))
        limiter.book(now)
    for earlier, later in zip(left, left[rate:], strict=False):
        assert later - earlier >= 60 - 1e-6


@pytest.mark.parametrize(("rate", "burst"), [(100, 25), (1000, 250), (10, 2), (1, 1)])
def test_a_quarter_may_leave_at_once(rate: int, burst: int) -> None:
    """Short bursts never wait; what comes after them is spread."""
    limiter = RateLimiter(rate)
    waits = []
    for _ in range(burst + 1):
        waits.append(limiter.wait(0))
        limiter.book(0)
    assert waits[:burst] == [0] * burst
    assert waits[burst] > 0


async def test_wait_that_does_not_fit_is_refused_and_takes_no_place(
    clock: VirtualClock, breaker: CircuitBreaker
) -> None:
    """Who cannot wait is told at once how long it would be, and nobody waits longer for it."""
    for _ in range(25):
        await breaker.enter(Deadline(clock, 30))
    for _ in range(3):
        with pytest.raises(RateLimited, match="100 a minute") as caught:
            await breaker.enter(Deadline(clock, 0.5))
        assert caught.value.retry_after == pytest.approx(60 / 76)
    assert clock.time == 0


async def test_waiting_callers_leave_after_a_pause_that_began_meanwhile(
    clock: VirtualClock, breaker: CircuitBreaker
) -> None:
    """A pause that begins while callers wait for their place holds them as well."""
    for _ in range(25):
        await breaker.enter(Deadline(clock, 30))
    left: list[float] = []

    async def caller() -> None:
        await breaker.enter(Deadline(clock, 30))
        left.append(clock.now())

    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(caller)
        breaker.note(busy(10))
    assert len(left) == 5
    assert min(left) >= 10


async def test_later_refusal_does_not_end_the_pause_earlier(clock: VirtualClock, breaker: CircuitBreaker) -> None:
    """Of several refusals the longest wait counts."""
    breaker.note(busy(20))
    breaker.note(busy(1))
    await breaker.enter(Deadline(clock, 30))
    assert clock.time >= 20


@pytest.mark.parametrize("error", [busy(10, "device"), busy(60, "call"), fault(500), Refused("x", "No.", "Wait.")])
async def test_other_errors_stop_no_call(clock: VirtualClock, breaker: CircuitBreaker, error: CapgoError) -> None:
    """Only a limit of the key stops its other calls."""
    breaker.note(error)
    await breaker.enter(Deadline(clock, 30))
    assert clock.time == 0


@pytest.mark.parametrize(
    "code", ["invalid_apikey", "invalid_jwt", "invalid_subkey", "no_key_provided", "no_jwt_apikey_or_subkey"]
)
async def test_bad_key_stops_all_calls(clock: VirtualClock, breaker: CircuitBreaker, code: str) -> None:
    """Every code that Capgo counts as a failed login stops the key."""
    await breaker.enter(Deadline(clock, 30))
    breaker.note(KeyRefused(code, "No.", "Wait."))
    with pytest.raises(KeyRefused, match=code) as caught:
        await breaker.enter(Deadline(clock, 30))
    assert caught.value.code == "key_blocked_locally"


async def test_policy_of_one_organization_does_not_stop_the_others(
    clock: VirtualClock, breaker: CircuitBreaker
) -> None:
    """A key without an expiry date is refused by some organizations and good for the others."""
    breaker.note(KeyRefused("org_requires_expiring_key", "No.", "Wait."))
    await breaker.enter(Deadline(clock, 30))


async def test_one_request_at_a_time_probes_a_refused_key(clock: VirtualClock, breaker: CircuitBreaker) -> None:
    """After the interval one request finds out; others are let through once it had a good answer."""
    await breaker.enter(Deadline(clock, 30))
    breaker.note(KeyRefused("invalid_apikey", "No.", "Wait."))
    clock.advance(PROBE_INTERVAL)
    await breaker.enter(Deadline(clock, 30))
    with pytest.raises(KeyRefused):
        await breaker.enter(Deadline(clock, 30))
    breaker.note(NotAllowed("cannot_access_app", "No.", "Wait."))
    await breaker.enter(Deadline(clock, 30))


@pytest.mark.parametrize(
    "error", [KeyRefused("invalid_apikey", "No.", "Wait."), Unreachable("unreachable", "No.", "Wait."), fault(503)]
)
async def test_failed_probe_lets_nothing_through(
    clock: VirtualClock, breaker: CircuitBreaker, error: CapgoError
) -> None:
    """Without a good answer the next probe is an interval later."""
    await breaker.enter(Deadline(clock, 30))
    breaker.note(KeyRefused("invalid_apikey", "No.", "Wait."))
    clock.advance(PROBE_INTERVAL)
    await breaker.enter(Deadline(clock, 30))
    breaker.note(error)
    clock.advance(PROBE_INTERVAL - 1)
    with pytest.raises(KeyRefused, match="1 seconds"):
        await breaker.enter(Deadline(clock, 30))


async def test_new_key_lets_one_request_out_before_its_first_answer(clock: VirtualClock) -> None:
    """The others wait a moment for that answer, and not for ever if Capgo hangs."""
    breaker = CircuitBreaker(KEY, LocalPace(100, clock), clock)
    left: list[float] = []

    async def caller() -> None:
        await breaker.enter(Deadline(clock, 30))
        left.append(clock.now())

    async with anyio.create_task_group() as tasks:
        for _ in range(8):
            tasks.start_soon(caller)
        await anyio.wait_all_tasks_blocked()
        assert len(left) == 1
        clock.run_out()
    assert left == [0.0] + [1.0] * 7


def test_circuit_breaker_keeps_no_key(breaker: CircuitBreaker) -> None:
    """What is in memory of a key is its hash."""
    assert KEY not in repr(vars(breaker))
    assert breaker.belongs_to(KEY)
    assert not breaker.belongs_to(KEY.replace("1", "2"))


@pytest.mark.parametrize("effect", Effect)
@pytest.mark.parametrize(
    ("error", "read", "write"),
    [
        (Unreachable("unreachable", "No.", "Wait."), True, True),
        (fault(502), True, False),
        (fault(503), True, False),
        (fault(504), True, False),
        (fault(500), False, False),
        (fault(501), False, False),
        (busy(3), True, True),
        (busy(60, "call"), False, False),
        (busy(1, "device"), True, False),
        (busy(60, "device"), False, False),
        (OutcomeUnknown("outcome_unknown", "Maybe.", "Wait."), False, False),
        (UnexpectedAnswer("unexpected_answer", "What?", "Wait."), False, False),
        (NotAllowed("cannot_access_app", "No.", "Wait."), False, False),
    ],
    ids=repr,
)
def test_repeats_depend_on_effect_and_error(effect: Effect, error: CapgoError, read: bool, write: bool) -> None:
    """What may be sent again is sent again, but not for ever."""
    assert (pause(effect, error, 1) is not None) is (read if effect is Effect.READ else write)
    assert pause(effect, error, TRIES) is None


def test_backoff_grows_and_spreads(monkeypatch: pytest.MonkeyPatch) -> None:
    """The longest wait doubles each time; the shortest is none."""
    lost = Unreachable("unreachable", "No.", "Wait.")
    monkeypatch.setattr(random, "uniform", lambda _, high: high)
    assert [pause(Effect.READ, lost, tries) for tries in (1, 2, 3)] == [1.0, 2.0, 4.0]
    monkeypatch.setattr(random, "uniform", lambda low, _: low)
    assert pause(Effect.READ, lost, 1) == 0


def test_first_read_leaves_time_for_a_second() -> None:
    """A write, which is not repeated after a time-out, and a repeated read have all the time there is."""
    assert time_for_answer(Effect.READ, 1, 30) == 15
    assert time_for_answer(Effect.READ, 2, 15) == 15
    assert time_for_answer(Effect.DELETE, 1, 30) == 30


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (None, None),
        ("0", 0),
        ("60", 60),
        (" 2.5 ", 2.5),
        ("99999999999", 3600),
        ("-1", 60),
        ("nan", 60),
        ("inf", 60),
        ("Sat, 21 Nov 2026 21:00:00 GMT", 60),
    ],
)
def test_retry_after_is_read_with_care(written: str | None, seconds: float | None) -> None:
    """Nothing that a server sends there can stop a key for days or crash the client."""
    assert Refusal.read(429, None, written, MASK).retry_after == seconds
