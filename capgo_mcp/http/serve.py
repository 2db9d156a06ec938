"""Serves many clients over streamable HTTP, in both protocol eras, without anything to remember between requests."""

import logging
import math
import secrets
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Final

import uvicorn
from mcp.server.transport_security import TransportSecuritySettings
from sse_starlette.sse import AppStatus
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from uvicorn.supervisors import Multiprocess

from capgo_mcp.client.clock import SystemClock
from capgo_mcp.config.credentials import NoKey
from capgo_mcp.config.garbage import collect_seldom
from capgo_mcp.config.listener import address_of, listening
from capgo_mcp.config.logs import Logs
from capgo_mcp.config.settings import Settings
from capgo_mcp.http.authentication import Challenges, guard
from capgo_mcp.http.card import ServerCard
from capgo_mcp.http.connections import LONGEST_BODY, LONGEST_HEAD, BoundedConnection, WholeBodies
from capgo_mcp.http.draining import Draining, LastAnswers
from capgo_mcp.http.metrics import observe, publish, require
from capgo_mcp.http.pool import KEY_HEADER, CallerPool
from capgo_mcp.http.settings import HttpSettings, shared_key
from capgo_mcp.http.shared_state import SharedState, SharedTokens, require_client
from capgo_mcp.http.tracing import REQUEST_ID, CallerNames, RequestNames
from capgo_mcp.server.mcp import Handlers, build

try:
    import resource
except ImportError:  # Windows has no such limit
    resource = None  # type: ignore[assignment]  # the type of the module

log = logging.getLogger(__name__)

PATH: Final = "/mcp"

_DRAIN: Final = 5.0
"""Seconds beyond a call's own time after which a stopping server gives up on it."""
_DESCRIPTORS: Final = 2**14
"""Files and connections that one process may have open, where the system lets it."""
_KEEP_ALIVE: Final = 75
"""Seconds an idle connection stays open: longer than a proxy keeps its own, so that none calls into a closing one."""
_BROWSER_HEADERS: Final = (
    "authorization", "content-type", KEY_HEADER, "mcp-protocol-version", "mcp-method", "mcp-name",
)  # fmt: skip


def serve(settings: Settings, http: HttpSettings, logs: Logs) -> None:
    """Serve until the process is told to stop; calls that run then are finished.

    Raises:
        SettingsError: The address or the file of tokens cannot be used.
    """
    if settings.ask and not http.state_keys:
        log.warning("CAPGO_MCP_STATE_KEYS is not set: what users answer to --ask counts on this machine only")
    settings = replace(settings, key=shared_key(settings) or NoKey())  # no worker gets to see a key of this machine
    http = replace(http, state_keys=http.state_keys or (secrets.token_hex(32),))
    if http.shared_state:
        require_client()
    require(http)
    _allow_connections()
    guard(http)  # a file of tokens that cannot be used is told here, not by every worker
    with listening(http.host, http.port) as listener:
        config = _configuration(settings, http, logs)
        log.info("MCP on %s%s", address_of(listener), PATH)
        with suppress(KeyboardInterrupt):
            if http.workers > 1:
                Multiprocess(config, [listener]).run()
            else:
                uvicorn.Server(config).run([listener])


def application(settings: Settings, http: HttpSettings, handlers: type[Handlers] = Handlers) -> Starlette:
    """The ASGI application of one process."""
    # Streams end with their call: nothing has to end them when the server stops, least of all before the answer.
    AppStatus.disable_automatic_graceful_drain()  # type: ignore[no-untyped-call]  # it says nothing of types
    state = SharedState(http.shared_state, http.state_keys[0], SystemClock()) if http.shared_state else None
    pool = CallerPool(
        settings,
        bearer_is_key=not http.authenticates,
        processes=http.processes,
        state=state,
        egress=http.egress,
        offers_pages=http.offers_pages,
    )
    observe(pool.figures)
    draining = Draining(http.drain_notice)
    auth, verifier = guard(http) or (None, None)
    server = build(pool, settings, http.state_keys, SharedTokens(state, SystemClock()) if state else None, handlers)
    server.middleware.insert(1, CallerNames(pool.caller))  # the first one is the SDK's, which makes the spans
    app = server.streamable_http_app(
        streamable_http_path=PATH,
        # So that any replica can answer any request.
        stateless_http=True,
        # Plain JSON would have no room for progress.
        json_response=False,
        max_request_body_size=LONGEST_BODY,
        transport_security=TransportSecuritySettings(allowed_hosts=http.hosts, allowed_origins=http.origins),
        auth=auth,
        token_verifier=verifier,
        custom_starlette_routes=[
            *_probes(pool, draining),
            Route(f"{PATH}/server-card", ServerCard(http, PATH).answer),
        ],
    )
    _route(app)
    _wrap(app, http, draining)
    return app


def _wrap(app: Starlette, http: HttpSettings, draining: Draining) -> None:
    """Put around the application what every request goes through, the innermost first."""
    if http.issuer and http.issuer.scopes:
        app.add_middleware(Challenges, scopes=http.issuer.scopes)
    if http.pages:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=http.pages,
            allow_methods=["POST"],
            allow_headers=_BROWSER_HEADERS,
            expose_headers=["www-authenticate", REQUEST_ID],
        )
    app.add_middleware(RequestNames)
    app.add_middleware(WholeBodies)
    app.add_middleware(LastAnswers, draining=draining)
    app.router.lifespan_context = draining.within(app.router.lifespan_context)


def _route(app: Starlette) -> None:
    """Let the address be called with and without a slash at its end, and in one way only."""
    app.router.redirect_slashes = False  # behind a front, it would lead from https to http
    for route in [route for route in app.routes if isinstance(route, Route) and route.path == PATH]:
        route.methods = {"POST"}  # nothing is told outside of a call, so there is no stream to wait at
        app.router.routes.append(Route(f"{PATH}/", route.endpoint, methods=["POST"]))


def _worker(settings: Settings, http: HttpSettings, logs: Logs) -> Starlette:
    """The same, in a process that was started to serve it."""
    logs.start()
    publish(http)
    app = application(settings, http)
    collect_seldom()
    return app


def _probes(pool: CallerPool, draining: Draining) -> list[Route]:
    """What an orchestrator asks: whether the process lives, and whether it can take callers. Neither asks Capgo."""

    async def healthz(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    async def readyz(_: Request) -> JSONResponse:
        status = "draining" if draining.begun else "ok" if pool.has_room else "full"
        # What is away is told and no reason to turn callers away: each process goes on alone.
        return JSONResponse({"status": status, **pool.condition}, 200 if status == "ok" else 503)

    return [Route("/healthz", healthz), Route("/readyz", readyz)]


def longest_drain(settings: Settings) -> float:
    """Seconds after which a server that has stopped to take calls gives up on those that run."""
    return settings.timeout + settings.insight_timeout + _DRAIN


def _configuration(settings: Settings, http: HttpSettings, logs: Logs) -> uvicorn.Config:
    return uvicorn.Config(
        partial(_worker, settings, http, logs),
        factory=True,
        workers=http.workers,
        # A start that fails ends the process, which would otherwise serve without what it needs.
        lifespan="on",
        http=BoundedConnection,
        h11_max_incomplete_event_size=LONGEST_HEAD,
        ws="none",
        # The logs are set up by now, and uvicorn would take them over.
        log_config=None,
        access_log=False,
        # Who calls is told by a key or a token; a header with an address could be anybody's.
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=math.ceil(longest_drain(settings)),
    )


def _allow_connections() -> None:
    """Let this process, and those it starts, have as many connections as it bears."""
    if resource is not None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
