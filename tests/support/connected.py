"""A client of a server in the same process, in both protocol eras."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Literal

import pytest
from mcp import Client
from mcp.client.extension import ClientExtension

from capgo_mcp.client.capgo import Capgo
from capgo_mcp.client.key import StaticKey
from capgo_mcp.config.settings import Settings
from capgo_mcp.sandbox import ADMIN_KEY
from capgo_mcp.server.mcp import OneCaller, build
from capgo_mcp.server.tools import Toolbox
from tests.support import samples

Mode = Literal["legacy", "auto"]

each_mode = pytest.mark.parametrize("mode", ["legacy", "auto"])


@asynccontextmanager
async def connected(
    capgo: Capgo, mode: Mode = "auto", *, extensions: Sequence[ClientExtension] = (), **settings: Any
) -> AsyncIterator[Client]:
    """A client of a server over a Capgo client, all toolsets on unless settings say otherwise."""
    chosen = Settings(key=StaticKey(ADMIN_KEY), **{"toolsets": samples.ALL_TOOLSETS, **settings})
    server = build(OneCaller(partial(Toolbox, capgo, chosen)), chosen)
    async with Client(server, mode=mode, extensions=extensions) as client:
        yield client
