"""Serves one client over stdin and stdout, which carries JSON-RPC only."""

import logging
import os
import signal
import sys
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING

import anyio

from capgo_mcp.config.settings import Settings
from capgo_mcp.server.mcp import OneCaller, build
from capgo_mcp.server.pipes import messages

if TYPE_CHECKING:
    from capgo_mcp.server.tools import Toolbox

log = logging.getLogger(__name__)


async def serve(settings: Settings) -> None:
    """Serve until the client closes stdin or the process is told to stop."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_leave_when_told)
        async with AsyncExitStack() as stack, messages() as (incoming, outgoing):
            server = build(OneCaller(partial(_toolbox, settings, stack)), settings)
            await server.run(incoming, outgoing, server.create_initialization_options())
        # Otherwise the end would wait for a signal that nobody sends.
        tasks.cancel_scope.cancel()


def _toolbox(settings: Settings, stack: AsyncExitStack) -> "Toolbox":
    """What the first call needs, and the start does not: the client, the operations and all that is known of them."""
    from capgo_mcp.server.tools import Toolbox  # noqa: PLC0415 - that is the point

    capgo = settings.connect()
    stack.push_async_exit(capgo)
    return Toolbox(capgo, settings)


async def _leave_when_told() -> None:
    """End the process at once: a thread that waits for a line on stdin cannot be cancelled."""
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for told in signals:
            log.info("stopped by %s", told.name)
            sys.stderr.flush()
            os._exit(128 + told)
