"""The only module that talks to the network: sends an operation to Capgo and returns its typed answer."""

from typing import Any, Final, Self, cast

import anyio
import httpx2

from capgo_mcp import __version__
from capgo_mcp.credentials import KeySource, StaticKey
from capgo_mcp.errors import OutcomeUnknown, Unreachable
from capgo_mcp.operation import A, Effect, Operation
from capgo_mcp.paging import collect
from capgo_mcp.wire import Request, key_header, read_answer, write_request

DEFAULT_URL: Final = "https://api.capgo.app"
DEFAULT_TIMEOUT: Final = 30.0


class Capgo:
    """A Capgo account, as seen with one API key.

        async with Capgo(key) as capgo:
            devices = await capgo.send(ListDevices(app_id="com.demo.app", limit=200))

    Args:
        key: The API key, or where to read it before each call.
        url: Address of the API; for a self-hosted Capgo with its path prefix, e.g. `https://x.example/functions/v1`.
        timeout: Seconds a call may take in all, however many requests it needs.
        transport: What carries the requests; by default the network.
    """

    def __init__(
        self,
        key: str | KeySource,
        *,
        url: str = DEFAULT_URL,
        timeout: float = DEFAULT_TIMEOUT,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._key = StaticKey(key) if isinstance(key, str) else key
        self._timeout = timeout
        self._url = url
        self._transport = transport
        self._opened: httpx2.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._opened is not None:
            await self._opened.aclose()

    @property
    def _http(self) -> httpx2.AsyncClient:
        """The connections, made at the first request: loading the system's certificates takes a while."""
        if self._opened is None:
            self._opened = httpx2.AsyncClient(
                base_url=self._url,
                transport=self._transport,
                timeout=None,  # send() holds the one deadline
                headers={"user-agent": f"capgo-mcp/{__version__}", "accept": "application/json"},
            )
        return self._opened

    async def send(self, operation: Operation[A]) -> A:
        """Send an operation and return its answer; a list operation walks pages up to its `limit`.

        Raises:
            KeyMissing: There is no key to send it with.
            ApiError: Capgo refused; the subclass tells why.
            Unreachable: Nothing was changed, because Capgo was not reached or only asked to read.
            OutcomeUnknown: A write was sent and no answer came.
            UnexpectedAnswer: The answer cannot be read.
        """
        try:
            with anyio.fail_after(self._timeout):
                if operation.spec.paging is None:
                    return await self._exchange(operation)
                return cast("A", await collect(operation, self._exchange))
        except TimeoutError as error:
            raise _lost(operation, f"no answer within {self._timeout:g} seconds") from error

    async def _exchange(self, operation: Operation[A]) -> A:
        request = write_request(operation)
        try:
            response = await self._request(request)
        except (httpx2.ConnectError, httpx2.UnsupportedProtocol) as error:
            raise Unreachable(
                "unreachable", f"Could not connect to {self._url}; nothing was sent.", _CHECK_ADDRESS
            ) from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise _lost(operation, "the connection broke before the answer came") from error
        return read_answer(operation, response.status_code, response.headers, response.content)

    async def _request(self, request: Request) -> httpx2.Response:
        headers: dict[str, Any] = dict([key_header(await self._key.read())])
        if request.body is not None:
            headers["content-type"] = "application/json"
        return await self._http.request(
            request.method, request.path, params=dict(request.query) or None, content=request.body, headers=headers
        )


_CHECK_ADDRESS: Final = "Check the network and CAPGO_API_URL, then try again."


def _lost(operation: Operation[Any], why: str) -> Unreachable | OutcomeUnknown:
    """The error for a request whose answer never came: only a write leaves something open."""
    if operation.spec.effect is Effect.READ:
        return Unreachable("unreachable", f"Capgo could not be read: {why}.", _CHECK_ADDRESS)
    return OutcomeUnknown(
        "outcome_unknown", f"The change may have happened or not: {why}.", "Do not repeat it yet: read back first."
    )
