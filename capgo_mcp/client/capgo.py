"""The only module that talks to the network: sends an operation to Capgo and returns its typed answer."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final, Self, cast

import httpx2
from opentelemetry.trace import (
    ProxyTracerProvider,
    SpanKind,
    StatusCode,
    get_current_span,
    get_tracer,
    get_tracer_provider,
)

from capgo_mcp.api.errors import CapgoError, OutcomeUnknown, Unreachable
from capgo_mcp.api.operation import A, Effect, Operation
from capgo_mcp.client.address import proxy_of
from capgo_mcp.client.body import Mask
from capgo_mcp.client.bounds import GATEWAY, MAX_ANSWER, AnswerTooLarge, Body, Deadline, Intake, pause, time_for_answer
from capgo_mcp.client.circuit_breaker import CircuitBreaker, LocalPace, Pace, Standing, digest_of
from capgo_mcp.client.clock import Clock, SystemClock
from capgo_mcp.client.defaults import DEFAULT_RATE, DEFAULT_TIMEOUT, DEFAULT_URL
from capgo_mcp.client.key import KeySource, StaticKey
from capgo_mcp.client.login_limiter import LoginLimiter
from capgo_mcp.client.metrics import CONNECTIONS, REQUEST_SECONDS
from capgo_mcp.client.network import Network, trusted
from capgo_mcp.client.origin import IN_SPANS, ORIGIN
from capgo_mcp.client.reads import Lengths, collect, narrowed
from capgo_mcp.client.version import __version__
from capgo_mcp.client.wire import is_stream, key_header, read_answer, request_id_of, unreadable, write_request

_CONNECT: Final = 1 / 6
"""Share of a call's time that connecting may take, so that it can be tried again."""
_IDLE: Final = 60.0
"""Seconds an unused connection is kept: people call every few seconds, and nginx, for one, ends it after 75."""
_MOST_IDLE: Final = 100
# No call waits for the connection of another one.
_LIMITS: Final = httpx2.Limits(max_connections=None, max_keepalive_connections=_MOST_IDLE, keepalive_expiry=_IDLE)
_LEAST: Final = 1 / 20
"""Share of a call's time that must be left for a request to be worth sending."""
_NEVER_SENT: Final = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
    httpx2.InvalidURL,
)
_CHECK_ADDRESS: Final = "Try again; if it stays so, ask the user to check the network and CAPGO_API_URL."
_MORE_TIME: Final = "Try again, or ask the user to start the server with a higher --timeout."
_TRACER: Final = get_tracer("capgo_mcp", __version__)
"""Makes spans for whoever configures OpenTelemetry."""

Attempt = Callable[[Operation[Any], float], Awaitable[Any]]


class Connections:
    """The connections to one Capgo.

    Args:
        url: Address of the API.
        timeout: Seconds a call may take in all.
        transport: What carries the requests; by default the network.

    Attributes:
        url: Address of the API.
        to_network: Whether requests leave this process, so that it can be told whether one did.
        intake: Where the answers come in.
    """

    def __init__(self, url: str, timeout: float, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self.url = url
        self.to_network = transport is None
        self.intake = Intake()
        self._timeout = timeout
        self._transport = transport
        self._http: httpx2.AsyncClient | None = None

    @property
    def http(self) -> httpx2.AsyncClient:
        """What makes requests, opened at the first one."""
        if self._http is None:
            proxied = self.to_network and proxy_of(self.url) is not None
            self._http = httpx2.AsyncClient(
                base_url=self.url,
                # Proxies are httpx2's own matter.
                transport=self._transport or (None if proxied else Network(trusted(), _LIMITS)),
                trust_env=proxied,
                verify=trusted() if proxied else True,
                # The deadline bounds everything but connecting, of which is known that nothing was sent.
                timeout=httpx2.Timeout(None, connect=self._timeout * _CONNECT),
                limits=_LIMITS,
                follow_redirects=False,
                headers={"user-agent": f"capgo-mcp/{__version__}", "accept": "application/json"},
                # A cookie that came with one key would go out with the others.
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            )
        return self._http

    async def aclose(self) -> None:
        """Close all of them."""
        self.intake.close()
        if self._http is not None:
            await self._http.aclose()


class Capgo:
    """A Capgo account, as seen with one API key.

        async with Capgo(key) as capgo:
            devices = await capgo.send(ListDevices(app_id="com.demo.app", limit=200))

    Args:
        key: The API key, or where to read it before each call.
        url: Address of the API; for a self-hosted Capgo with its path prefix, e.g. `https://x.example/functions/v1`.
        timeout: Seconds a call may take in all, however many requests it needs.
        rate: Requests that may leave in a minute, of which a quarter may leave at once.
        transport: What carries the requests; by default the network.
        clock: What tells the time; by default the machine.
        connections: Those to use, of an address and a transport of their own, where many clients share them.
        logins: Who lets a key be tried that Capgo has not accepted yet, where many keys share an address.
        pace: Makes the pace of a key from its hash, where several processes keep to it together.
    """

    def __init__(
        self,
        key: str | KeySource,
        *,
        url: str = DEFAULT_URL,
        timeout: float = DEFAULT_TIMEOUT,
        rate: float = DEFAULT_RATE,
        transport: httpx2.AsyncBaseTransport | None = None,
        clock: Clock | None = None,
        connections: Connections | None = None,
        logins: LoginLimiter | None = None,
        pace: Callable[[bytes], Pace] | None = None,
    ) -> None:
        self._key = StaticKey(key) if isinstance(key, str) else key
        self._owns_connections = connections is None
        self._connections = connections or Connections(url, timeout, transport)
        self._timeout = timeout
        self._rate = rate
        self._clock = clock or SystemClock()
        self._logins = logins
        self._pace = pace
        self._until: Deadline | None = None
        self._live = _Live()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._owns_connections:
            await self._connections.aclose()

    def within(self, deadline: Deadline) -> Self:
        """The same client, on the same connections, for requests that have one deadline together."""
        client = copy(self)
        client._until = deadline  # noqa: SLF001 - it is of this class
        return client

    async def send(self, operation: Operation[A], *, request_id: str | None = None) -> A:
        """Send an operation and return its answer; a list operation walks pages up to its `limit`.

        Args:
            operation: What to ask of Capgo.
            request_id: Under which name Capgo's logs shall keep the requests; letters, digits, `_`, `-` and `=`.

        Raises:
            KeyMissing: There is no key to send it with.
            ApiError: Capgo refused, or the key must not be used at present; the subclass tells why.
            Unreachable: Nothing was changed, because Capgo was not reached or only asked to read.
            OutcomeUnknown: A write was sent and no answer came.
            UnexpectedAnswer: The answer cannot be read.
        """
        if operation.spec.looks_up:
            operation = await operation.resolved(self)
        key = await self._key.read()  # each time: it may have been replaced while the server runs
        deadline = Deadline(self._clock, self._time_for(operation))
        headers = dict([key_header(key)]) | ({"x-request-id": request_id} if request_id else {})
        known = self._known(key)
        attempt = partial(self._attempt, mask=known.mask, headers=headers)
        exchange = partial(self._exchange, attempt=attempt, breaker=known.breaker, deadline=deadline)
        if operation.spec.paging is None:
            answer = cast("A", await exchange(operation))
            return narrowed(operation, answer) if operation.spec.filters else answer
        return cast("A", await collect(operation, exchange, self._live.lengths))

    def _time_for(self, operation: Operation[Any]) -> float:
        """Seconds that an operation may take.

        Raises:
            Unreachable: Others have used up the time.
        """
        if self._until is None:
            return self._timeout
        left = self._until.left_for_reads if operation.spec.effect is Effect.READ else self._until.left
        if left < self._timeout * _LEAST:
            raise _out_of_time()
        return min(self._timeout, left)

    @property
    def clock(self) -> Clock:
        """What tells the time to this client, and to all that remember what it answered."""
        return self._clock

    @property
    def standing(self) -> Standing:
        """What Capgo has said about the key in use so far."""
        return self._live.known.breaker.standing if self._live.known else Standing.UNTRIED

    def _known(self, key: str) -> "_ByKey":
        """What belongs to the key in use: a new key starts afresh."""
        if self._live.known is None or not self._live.known.breaker.belongs_to(key):
            pace = self._pace(digest_of(key)) if self._pace else LocalPace(self._rate, self._clock)
            self._live.known = _ByKey(CircuitBreaker(key, pace, self._clock, self._logins), Mask(key))
        return self._live.known

    async def _exchange(
        self, operation: Operation[Any], *, attempt: Attempt, breaker: CircuitBreaker, deadline: Deadline
    ) -> Any:
        """One request and its answer; what failed is sent again as far as that is safe and fits into the deadline."""
        effect = operation.spec.effect
        tries = 0
        while True:
            if not deadline.left:  # of a list whose former pages took all of it
                raise _out_of_time()
            trial = await breaker.enter(deadline)
            tries += 1
            try:
                with _span(operation, tries):
                    answer = await attempt(operation, time_for_answer(effect, tries, deadline.left))
            except CapgoError as error:
                breaker.note(error, trial)
                wait = pause(effect, error, tries)
                if wait is None or not deadline.allows(wait):
                    raise
                await self._clock.sleep(wait)
            except BaseException:
                breaker.lose(trial)
                raise
            else:
                breaker.note(None, trial)
                return answer

    async def _attempt(self, operation: Operation[A], seconds: float, *, mask: Mask, headers: Mapping[str, str]) -> A:
        way = _Way(ends_before_sending=self._connections.to_network)
        started, status = self._clock.now(), "none"
        try:
            # By our clock and around all of it: httpx2 limits each read, and a byte now and then would last for ever.
            with self._clock.fail_after(seconds):
                async with self._connections.intake.body() as body:
                    response = await self._carry(operation, headers, way, body)
                    status = str(response.status_code)
                    read = partial(self._read, operation, response, mask)
                    return await body.read(read)
        except httpx2.DecodingError as error:
            raise unreadable(operation.spec, "is compressed in a way that cannot be undone") from error
        except AnswerTooLarge as error:
            why = f"has more than {MAX_ANSWER:,} bytes: ask for less at once"
            raise unreadable(operation.spec, why) from error
        except (TimeoutError, httpx2.HTTPError, httpx2.InvalidURL) as error:
            if way.ends_before_sending or isinstance(error, _NEVER_SENT):
                sentence = f"Could not connect to {self._connections.url}; nothing was sent."
                raise Unreachable("unreachable", sentence, _CHECK_ADDRESS) from error
            late = f"no answer within {self._timeout:g} seconds"
            broken = "the connection broke before the answer came"
            raise _lost(operation, late if isinstance(error, TimeoutError) else broken) from error
        finally:
            REQUEST_SECONDS.record(self._clock.now() - started, {"status": status})

    async def _carry(
        self, operation: Operation[Any], headers: Mapping[str, str], way: "_Way", body: Body
    ) -> httpx2.Response:
        """Take the request to Capgo and bring the answer, with no more of its body than can be kept in memory."""
        request = write_request(operation, self._clock.moment())
        if request.body is not None:
            headers = {**headers, "content-type": "application/json"}
        async with self._connections.http.stream(
            request.method,
            f"{self._connections.url.rstrip('/')}{request.target}",
            content=request.body,
            headers=headers,
            extensions={"trace": way.note},
        ) as response:
            get_current_span().set_attribute("http.response.status_code", response.status_code)
            await body.fill(response.aiter_bytes(), stream=is_stream(operation.spec, response.headers))
            return response

    @staticmethod
    def _read(operation: Operation[A], response: httpx2.Response, mask: Mask, content: bytes) -> A:
        if response.status_code in GATEWAY and operation.spec.effect is not Effect.READ:
            why = f"a gateway answered with HTTP status {response.status_code}"
            raise _lost(operation, why, request_id_of(response.headers, mask))
        return read_answer(operation, response.status_code, response.headers, content, mask)


def _out_of_time() -> Unreachable:
    return Unreachable("out_of_time", "The time of the call was over before this was sent.", _MORE_TIME)


@dataclass(frozen=True)
class _ByKey:
    """What is made once for each key."""

    breaker: CircuitBreaker
    mask: Mask


@dataclass
class _Live:
    """What a client learns as it goes, shared by all its copies."""

    known: _ByKey | None = None
    lengths: Lengths = field(default_factory=Lengths)


@dataclass
class _Way:
    """How far a request came on the network.

    Attributes:
        ends_before_sending: Whether none of it has left yet; False as well of a transport that does not tell.
    """

    ends_before_sending: bool

    async def note(self, event: str, _: object) -> None:
        """Learn what the transport does next."""
        if event == "connection.connect_tcp.started":
            self.ends_before_sending = True
        elif event == "connection.connect_tcp.complete":
            CONNECTIONS.add(1)
        elif event.endswith("send_request_headers.started"):
            self.ends_before_sending = False


def _lost(operation: Operation[Any], why: str, request_id: str | None = None) -> Unreachable | OutcomeUnknown:
    """The error for a request whose answer never came: only a write leaves something open."""
    if operation.spec.effect is not Effect.READ:
        return OutcomeUnknown(
            "outcome_unknown",
            f"The change may have happened or not: {why}.",
            "Do not repeat it yet: read back first.",
            request_id=request_id,
        )
    hint = f"{_CHECK_ADDRESS} Less comes sooner: lower limit." if operation.spec.paging else _CHECK_ADDRESS
    error = Unreachable("unreachable", f"Capgo could not be read: {why}.", hint, request_id=request_id)
    error.sent = True
    return error


@contextmanager
def _span(operation: Operation[Any], tries: int) -> Iterator[None]:
    """A span for one request and its answer.

    Args:
        operation: What is asked; only its kind is told: no argument, key or name of an app is in a span.
        tries: Which request of the same exchange it is, counted from 1.
    """
    if isinstance(get_tracer_provider(), ProxyTracerProvider):  # nobody has configured OpenTelemetry
        yield
        return
    spec = operation.spec
    facts: dict[str, str | int] = {
        "capgo.operation": spec.name,
        "http.request.method": spec.method,
        "url.template": spec.path,
        **{IN_SPANS[name]: text for name, text in ORIGIN.get().items() if name in IN_SPANS},
    }
    if tries > 1:
        facts["http.request.resend_count"] = tries - 1
    name = f"{spec.method} {spec.path}"
    with _TRACER.start_as_current_span(name, kind=SpanKind.CLIENT, attributes=facts, record_exception=False,
                                       set_status_on_exception=False) as span:  # fmt: skip
        try:
            yield
        except CapgoError as error:
            span.set_attribute("error.type", error.code)
            span.set_status(StatusCode.ERROR)
            raise
