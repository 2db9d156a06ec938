"""A proxy that the environment names never sees the key: it carries a tunnel, or nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import pytest

from capgo_mcp.api.errors import Unreachable
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.operations.apps import GetApp
from tests.support.keys import KEY

AGAINST: Final = "a proxy on the way"
HOLDS: Final = ("The key", "The key never leaves")
ATTACKER: Final = "someone on the way"
ASSET: Final = "the key"

READ: Final = GetApp(app_id="com.demo.app")
VARIABLES: Final = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


@asynccontextmanager
async def proxy(answer: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A proxy, and what is said to it before it has answered and after."""
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            heard.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(answer)
            await writer.drain()
            heard.append(await reader.read(10_000))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", heard


@pytest.mark.parametrize("variable", VARIABLES)
@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "http://localhost:9", "http://capgo.invalid", "https://[::1]:9"])
async def test_plain_http_and_this_machine_are_reached_without_a_proxy(
    url: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over plain http the proxy would read the key."""
    async with proxy(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}") as (address, heard):
        monkeypatch.setenv(variable, address)
        async with Capgo(KEY, url=url, timeout=0.1) as capgo:
            with pytest.raises(Unreachable):
                await capgo.send(READ)
    assert heard == []


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
async def test_https_goes_through_a_tunnel(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy is told the host, and then carries what it cannot read."""
    async with proxy(b"HTTP/1.1 200 OK\r\n\r\n") as (address, heard):
        monkeypatch.setenv(variable, address)
        async with Capgo(KEY, url="https://capgo.example.com", timeout=0.5) as capgo:
            with pytest.raises(Unreachable):
                await capgo.send(READ)
    assert heard[0].startswith(b"CONNECT capgo.example.com:443 ")
    assert heard[1].startswith(b"\x16\x03"), "the hello of TLS"
    assert KEY.encode() not in b"".join(heard)


async def test_hosts_of_no_proxy_are_reached_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the user excepts is excepted."""
    async with proxy(b"HTTP/1.1 200 OK\r\n\r\n") as (address, heard):
        monkeypatch.setenv("HTTPS_PROXY", address)
        monkeypatch.setenv("NO_PROXY", "other.example,capgo.invalid")
        async with Capgo(KEY, url="https://capgo.invalid", timeout=0.1) as capgo:
            with pytest.raises(Unreachable):
                await capgo.send(READ)
    assert heard == []
