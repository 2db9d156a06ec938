"""Lists of up to N items: every row once, an end whatever Capgo answers, and a way to go on."""

from collections.abc import Callable
from typing import Any, Final

import anyio
import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capgo_mcp.api.answers import Listing
from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.api.operation import Operation, Paging
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.client.reads import Exchange, Lengths, collect
from capgo_mcp.insights.walk import in_long_pages
from capgo_mcp.operations import every
from capgo_mcp.operations.apps import ListApps
from capgo_mcp.operations.bundles import ListBundles
from capgo_mcp.operations.channels import ListChannels
from capgo_mcp.operations.devices import ListDevices
from capgo_mcp.sandbox import ADMIN_KEY, State, create_app, seeded
from capgo_mcp.sandbox.seed.people import DEMO_APP
from tests.support import samples
from tests.support.samples import AnyOperation

Ids = list[Any]
Upstream = Callable[[int], Ids]

UNHURRIED: Final = 1e9
"""Requests a minute: the rate that real calls keep to would make these tests wait."""

NUMBERED: Final = [one for one in every() if one.spec.paging in {Paging.FIXED, Paging.SIZED}]
PAGED: Final = [one for one in every() if one.spec.paging is not None]
name_of: Final = lambda operation: operation.spec.name  # noqa: E731 - an id function of pytest


@pytest.fixture(params=Behaviour, ids=lambda behaviour: behaviour.value)
def state(request: pytest.FixtureRequest) -> State:
    """A freshly seeded sandbox of each behaviour: pages overlap in one, and in the other they do not."""
    return seeded(behaviour=request.param)


def identities(answer: Listing[Any]) -> Ids:
    """What tells the rows of an answer apart."""
    return [getattr(row, row.identity) for row in answer.items]


def sandbox(state: State) -> Capgo:
    """A client of a sandbox, for tests that make their own event loop."""
    transport = httpx2.ASGITransport(app=create_app(state))
    return Capgo(ADMIN_KEY, url="http://sandbox.invalid", transport=transport, rate=UNHURRIED)


async def walk(capgo: Capgo, operation: AnyOperation, limit: int) -> list[Ids]:
    """All pages of a list, each as long as `limit` says, following `next`."""
    parameter = "cursor" if operation.spec.paging is Paging.CURSOR else "page"
    pages: list[Ids] = []
    onward: dict[str, Any] = {}
    while True:
        answer = await capgo.send(operation(**{**samples.required(operation), **onward, "limit": limit}))
        pages.append(identities(answer))
        assert len(pages) < 2000
        if answer.next is None:
            return pages
        onward = {parameter: answer.next}


def seeded_rows(state: State, operation: AnyOperation) -> set[Any]:
    """What the sandbox holds of the rows that a list shows."""
    webhook = samples.BY_NAME["webhook_id"]
    bundles = [row for row in state.bundles.values() if row["app_id"] == DEMO_APP and not row["deleted"]]
    known: dict[str, set[Any]] = {
        "capgo_list_bundles": {row["id"] for row in bundles},
        "capgo_list_channels": {row["id"] for row in state.channels.values() if row["app_id"] == DEMO_APP},
        "capgo_list_devices": {device for app, device in state.devices if app == DEMO_APP},
        "capgo_list_apps": set(state.apps),
        "capgo_list_webhooks": set(state.webhooks),
        "capgo_list_webhook_deliveries": {k for k, row in state.deliveries.items() if row["webhook_id"] == webhook},
    }
    return known.get(operation.spec.name, set())


@pytest.mark.parametrize("operation", PAGED, ids=name_of)
@pytest.mark.parametrize("limit", [1, 7, 25, 49, 50, 51, 75, 100, 101])
async def test_pages_of_any_length_give_every_row_once(operation: AnyOperation, limit: int, state: State) -> None:
    """Following `next` walks the whole list (T5): nothing twice, nothing left out, full pages but the last."""
    if limit > operation.model_json_schema()["properties"]["limit"]["maximum"]:
        return
    async with sandbox(state) as capgo:
        pages = await walk(capgo, operation, limit)
    rows = [row for page in pages for row in page]
    assert len(rows) == len(set(rows))
    assert set(rows) == (seeded_rows(state, operation) or set(rows))
    assert all(len(page) == limit for page in pages[:-1])


@settings(max_examples=8)
@given(limit=st.integers(5, 300), extra=st.integers(0, 60), behaviour=st.sampled_from(Behaviour))
def test_any_limit_walks_bundles_and_devices(limit: int, extra: int, behaviour: Behaviour) -> None:
    """The same for any limit and any number of rows."""
    state = seeded(behaviour=behaviour)
    for bundle in list(state.bundles.values())[:extra]:
        bundle["deleted"] = True

    async def ask() -> None:
        async with sandbox(state) as capgo:
            for operation in (ListBundles, ListDevices):
                rows = [row for page in await walk(capgo, operation, limit) for row in page]
                assert sorted(map(str, rows)) == sorted(map(str, seeded_rows(state, operation)))

    anyio.run(ask)


async def test_one_call_brings_everything_when_the_limit_allows(capgo: Capgo, state: State) -> None:
    """A high limit walks the pages inside one call, and tells that nothing is left."""
    kinds: list[AnyOperation] = [ListBundles, ListChannels, ListDevices]
    for operation in kinds:
        answer = await capgo.send(operation.model_validate({"app_id": DEMO_APP, "limit": 1000}))
        assert set(identities(answer)) == seeded_rows(state, operation)
        assert len(answer.items) == len(seeded_rows(state, operation))
        assert answer.next is None


async def test_empty_bundle_page_is_an_empty_list(capgo: Capgo, state: State) -> None:
    """A page past the end, or an app without bundles, is an empty list, which Capgo told by a 400 (T6) in July."""
    past = await capgo.send(ListBundles(app_id=DEMO_APP, page=90))
    assert (past.items, past.next) == ([], None)
    for bundle in state.bundles.values():
        bundle["deleted"] = True
    assert (await capgo.send(ListBundles(app_id=DEMO_APP))).items == []


async def test_devices_walk_by_cursor(capgo: Capgo) -> None:
    """Devices have no pages (T7): `next` is the cursor, and the second page goes on after the first."""
    first = await capgo.send(ListDevices(app_id=DEMO_APP, limit=100))
    assert isinstance(first.next, str)
    second = await capgo.send(ListDevices(app_id=DEMO_APP, limit=100, cursor=first.next))
    assert len(first.items) == len(second.items) == 100
    assert not set(identities(first)) & set(identities(second))


class Adversary:
    """An upstream that answers pages of a script, and something of its own after the last."""

    def __init__(self, script: list[Ids], after: Upstream, cursors: list[str | None] | None = None) -> None:
        self.requests = 0
        self._script = script
        self._after = after
        self._cursors = cursors or [None]

    async def __call__(self, operation: Operation[Any]) -> Listing[Any]:
        """Answer one request with the next page of the script, whatever was asked."""
        number = self.requests
        self.requests += 1
        ids = self._script[number] if number < len(self._script) else self._after(number)
        answer: type[Listing[Any]] = operation.spec.answer  # type: ignore[assignment]  # only lists are asked here
        rows = [{} if one is None else {answer.row().identity: str(one)} for one in ids]
        more = {"next": self._cursors[number % len(self._cursors)]} if operation.spec.paging is Paging.CURSOR else {}
        return answer.model_validate({"items": rows, **more})


PAGE: Final = st.lists(st.integers(1, 400) | st.none(), max_size=120)
AFTER: Final = st.sampled_from(
    [
        lambda _: [],
        lambda _: list(range(1, 51)),
        lambda _: [None] * 50,
        lambda number: list(range(number * 1000 + 1, number * 1000 + 51)),
        lambda number: [number * 1000 + 1, *range(1, 50)],
        lambda number: list(range(number + 1, number + 550)),
        lambda _: [7] * 50,
    ]
)
"""What an upstream may do after its script: end, repeat, nameless rows, new rows forever, one new row at a time."""


def collected(operation: Operation[Any], upstream: Exchange, lengths: Lengths | None = None) -> Listing[Any]:
    """The list that a walk brings."""
    return anyio.run(collect, operation, upstream, lengths or Lengths())


def _well_behaved(operation: Operation[Any], upstream: Adversary, limit: int, known: int = 1) -> None:
    lengths = Lengths()
    lengths.note(operation, known, goes_on=False)
    answer = collected(operation, upstream, lengths)
    assert upstream.requests <= limit + 2
    if operation.spec.paging is Paging.FIXED:  # elsewhere a cut would lose what an upstream sent beyond the limit
        assert len(answer.items) <= limit
    named = [one for one in identities(answer) if one is not None]
    assert len(named) == len(set(named))


@settings(max_examples=50)
@given(
    script=st.lists(PAGE, max_size=5),
    after=AFTER,
    limit=st.integers(1, 300),
    page=st.integers(0, 9),
    known=st.integers(1, 20),
)
def test_numbered_pages_end_whatever_the_upstream_answers(
    script: list[Ids], after: Upstream, limit: int, page: int, known: int
) -> None:
    """Pages that repeat, shrink, overlap, ignore what was asked or never end: bounded requests, no row twice."""
    for operation in (ListBundles(app_id=DEMO_APP, limit=limit, page=page), ListApps(limit=limit, page=page)):
        _well_behaved(operation, Adversary(script, after), limit, known)


@settings(max_examples=50)
@given(
    script=st.lists(PAGE, max_size=5),
    after=AFTER,
    limit=st.integers(1, 1000),
    cursors=st.lists(st.sampled_from(["a", "b", "c", "", None]), min_size=1, max_size=4),
)
def test_cursors_end_whatever_the_upstream_answers(
    script: list[Ids], after: Upstream, limit: int, cursors: list[str | None]
) -> None:
    """Cursors that stand still, loop or never end: bounded requests, no row twice."""
    _well_behaved(ListDevices(app_id=DEMO_APP, limit=limit), Adversary(script, after, cursors), limit)


@pytest.mark.parametrize("cursors", [["a"], ["a", "b"], ["a", "b", "c"]])
def test_cursor_that_loops_over_known_rows_is_the_end(cursors: list[str | None]) -> None:
    """When a page brings nothing new, there is nothing to go on with."""
    upstream = Adversary([], lambda _: list(range(10)), cursors)
    answer: Any = collected(ListDevices(app_id=DEMO_APP, limit=500), upstream)
    assert (len(answer.items), answer.next, upstream.requests) == (10, None, 2)


def test_fixed_upstream_without_overlap_is_read_right() -> None:
    """The walk is also right where Capgo has mended the overlap of its pages."""
    upstream = Adversary([list(range(50)), list(range(50, 100)), list(range(100, 120))], lambda _: [])
    answer: Any = collected(ListBundles(app_id=DEMO_APP, limit=200), upstream)
    assert [int(one) for one in identities(answer)] == list(range(120))
    assert (answer.next, upstream.requests) == (None, 4)


def test_a_list_is_asked_for_at_once_as_long_as_it_was_before() -> None:
    """Four pages at first. Whether it has grown since or shrunk, every row comes; few pages are asked for in vain."""
    lengths = Lengths()
    operation = ListBundles(app_id=DEMO_APP, limit=500)
    for rows, requests in ((120, 4), (120, 3), (170, 7), (20, 4), (20, 1)):
        pages = [list(range(first, min(first + 50, rows))) for first in range(0, rows, 50)]
        upstream = Adversary(pages, lambda _: [])
        answer: Any = collected(operation, upstream, lengths)
        assert (len(answer.items), answer.next, upstream.requests) == (rows, None, requests)


@pytest.mark.parametrize("operation", NUMBERED, ids=name_of)
def test_short_first_page_costs_one_request(operation: AnyOperation) -> None:
    """A list that fits on one page is read with one request."""
    upstream = Adversary([[1, 2, 3]], lambda _: [])
    answer = collected(operation(**samples.required(operation)), upstream)
    assert (len(answer.items), upstream.requests) == (3, 1)


def test_devices_are_asked_in_portions_that_every_host_counts_right() -> None:
    """Above 999 rows at once some hosts report the end too early (T26), above 200 they leave out the pins."""
    asked: list[int] = []

    async def exchange(operation: Any) -> Any:
        asked.append(operation.limit)
        return operation.spec.answer.model_validate({"items": [], "next": None})

    collected(ListDevices(app_id=DEMO_APP, limit=1000), exchange)
    assert asked == [150]
    asked.clear()
    collected(in_long_pages(ListDevices(app_id=DEMO_APP, limit=1000)), exchange)
    assert asked == [999]
