"""Many keys share the connections to Capgo, and nothing but those."""

import httpx2

from capgo_mcp.client.capgo import Capgo, Connections
from capgo_mcp.operations.apps import ListApps
from capgo_mcp.sandbox import ADMIN_KEY, READER_KEY


async def test_no_cookie_goes_from_one_key_to_another() -> None:
    """A cookie that Capgo, or what stands before it, sets in an answer is not kept."""
    seen: list[tuple[str, str | None]] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append((request.headers["authorization"], request.headers.get("cookie")))
        return httpx2.Response(200, json=[], headers={"set-cookie": "session=of-the-first; Path=/"})

    connections = Connections("https://capgo.example", 30, httpx2.MockTransport(answer))
    for key in (ADMIN_KEY, READER_KEY, ADMIN_KEY):
        await Capgo(key, connections=connections).send(ListApps())
    assert seen == [(ADMIN_KEY, None), (READER_KEY, None), (ADMIN_KEY, None)]
    assert list(connections.http.cookies.jar) == []
    await connections.aclose()


async def test_a_client_closes_its_own_connections_only() -> None:
    """What was lent to a client stays open for the others."""
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, json=[]))
    connections = Connections("https://capgo.example", 30, transport)
    async with Capgo(ADMIN_KEY, connections=connections) as borrower:
        await borrower.send(ListApps())
    assert not connections.http.is_closed
    async with Capgo(ADMIN_KEY, transport=transport) as owner:
        await owner.send(ListApps())
    assert owner._connections.http.is_closed  # noqa: SLF001 - nothing public leads to them
    await connections.aclose()
