"""The connections to Capgo: kept, seen when they are over, and as good as those of the library they stand in for."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import anyio
import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from capgo_mcp.client.capgo import Connections
from tests.support.limits import GENEROUS

EMPTY: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
LATE: Final = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n"
Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter, int], Awaitable[None]]


@asynccontextmanager
async def host(script: Script, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a host that does with each connection, told its number, what a script says."""
    number = iter(range(100))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await script(reader, writer, next(number))
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    connections = Connections(f"{'https' if tls else 'http'}://localhost:{port}", GENEROUS)
    try:
        yield connections.http
    finally:
        await connections.aclose()
        server.close()


async def head(reader: asyncio.StreamReader) -> bytes:
    """The head of the next request."""
    return await reader.readuntil(b"\r\n\r\n")


async def test_a_connection_is_used_again() -> None:
    """The second request goes over the connection of the first."""
    numbers: list[int] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        for _ in range(2):
            await head(reader)
            numbers.append(number)
            writer.write(EMPTY)

    async with host(script) as http:
        for _ in range(2):
            assert (await http.get("/")).status_code == httpx2.codes.OK
    assert numbers == [0, 0]


@pytest.mark.parametrize("last", [b"", LATE], ids=["closed", "told that it waited too long"])
async def test_a_connection_that_the_host_ended_is_not_used_again(last: bytes) -> None:
    """What came on an idle connection is the answer to nothing, and no request is lost on one that is over."""
    ended = anyio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        await head(reader)
        writer.write(EMPTY)
        if number == 0:
            await writer.drain()
            writer.write(last)
            writer.close()
            await writer.wait_closed()
            ended.set()

    async with host(script) as http:
        await http.get("/")
        await ended.wait()
        with anyio.fail_after(GENEROUS):
            assert (await http.get("/")).status_code == httpx2.codes.OK


async def test_an_answer_that_breaks_off_is_an_error() -> None:
    """A connection that is reset in the middle of an answer is told as such, in the client's own words."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: int) -> None:
        await head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
        await writer.drain()
        line: socket.socket = writer.get_extra_info("socket")
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        writer.transport.abort()

    async with host(script) as http:
        with pytest.raises((httpx2.ReadError, httpx2.RemoteProtocolError)):
            await http.get("/")


async def test_a_host_that_sends_more_than_is_read_has_to_wait() -> None:
    """While nobody reads, no more than a few hundred kilobytes of an answer are taken in."""
    sent = 0

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: int) -> None:
        nonlocal sent
        await head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n")
        piece = bytes(2**16)
        while True:
            writer.write(piece)
            await writer.drain()
            sent += len(piece)

    async with host(script) as http, http.stream("GET", "/") as answer:
        before = -1
        while before != sent:
            before = sent
            await anyio.sleep(0.1)
        assert sent < 100_000_000 / 2
        pieces = answer.aiter_bytes()
        read = 0
        seen = sent
        while read <= seen:
            read += len(await anext(pieces))


async def test_a_large_request_waits_for_the_host_to_take_it() -> None:
    """All of it arrives, however slowly the host takes it."""
    body = bytes(5_000_000)
    taken = bytearray()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, _: int) -> None:
        await head(reader)
        while len(taken) < len(body):
            taken.extend(await reader.read(2**16))
        writer.write(EMPTY)

    async with host(script) as http:
        assert (await http.post("/", content=body)).status_code == httpx2.codes.OK
    assert bytes(taken) == body


def identified(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What a host named localhost shows, and what a client trusts that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "localhost.pem"
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(key.private_bytes(*plain) + certificate.public_bytes(serialization.Encoding.PEM))
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shown.load_cert_chain(file)
    return shown, ssl.create_default_context(cafile=file)


async def test_an_encrypted_connection_is_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that shows who it is is spoken to encrypted, both ways and more than once on one connection."""
    shown, trusted = identified(tmp_path)
    monkeypatch.setattr("capgo_mcp.client.capgo.trusted", lambda: trusted)
    numbers: list[int] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        for _ in range(2):
            await head(reader)
            numbers.append(number)
            told = await reader.readexactly(len(body))
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(told) + told)
            await writer.drain()

    body = bytes(range(256)) * 4000
    async with host(script, tls=shown) as http:
        for _ in range(2):
            assert (await http.post("/", content=body)).content == body
    assert numbers == [0, 0]


async def test_a_stranger_on_the_line_is_not_spoken_to(tmp_path: Path) -> None:
    """A host whose certificate nobody vouches for gets no request."""
    heard = bytearray()

    async def script(reader: asyncio.StreamReader, _: asyncio.StreamWriter, __: int) -> None:
        heard.extend(await reader.read())

    async with host(script, tls=identified(tmp_path)[0]) as http:
        with pytest.raises(httpx2.ConnectError, match=r"certificate"):
            await http.get("/")
    assert not heard


async def test_connecting_takes_no_longer_than_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is looked up for too long is told as such; nothing was sent."""
    never = anyio.Event()

    async def look(*_: object, **__: object) -> None:
        await never.wait()

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", look)
    connections = Connections("http://localhost:1", GENEROUS)
    with pytest.raises(httpx2.ConnectTimeout):
        await connections.http.get("/", timeout=httpx2.Timeout(None, connect=0.05))
    await connections.aclose()
