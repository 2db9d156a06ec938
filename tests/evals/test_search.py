"""Whether a search finds the right tool, by the ranking that needs no model."""

from collections import Counter
from collections.abc import Callable
from typing import Final

import pytest

from evals import ranking, search
from evals.lists import Tool
from evals.search import Case, Request, Way

ANNOUNCED: Final[frozenset[str]] = frozenset()
"""Tools that are being written: their requests are skipped until they are there."""
ENOUGH: Final = 0.97
BM25: Final = Way("BM25", ranking.by_words)

each_naming = pytest.mark.parametrize("naming", [Case, lambda *case: search.bare(Case(*case))], ids=["capgo_", "bare"])


@each_naming
def test_the_right_tool_is_among_the_first_six(naming: Callable[..., Case]) -> None:
    """A search by words finds the right tool for 97 of 100 requests, whether the names have their prefix or not."""
    places = search.found(BM25, [naming(*case) for case in search.ours(search.requests())])
    missed = [(one.request.search, one.place) for one in places if one.place > search.FIRST]
    assert search.share(places) >= ENOUGH, missed


def test_requests_are_many_and_of_all_kinds() -> None:
    """At least 120 in six languages, at least 40 about channels and rollouts, at least half of both written blind."""
    asked = search.requests()
    channels = [one for one in asked if search.about_channels(one)]
    assert len({one.say for one in asked}) == len(asked) >= 120
    assert len(channels) >= 40
    for group in (asked, channels):
        assert sum(one.blind for one in group) >= len(group) / 2
    languages = Counter(one.language for one in asked)
    assert all(languages[language] >= 10 for language in ("en", "de", "fr", "es", "pt", "ja"))


def test_every_right_tool_exists_or_is_announced() -> None:
    """A misspelt tool cannot make a request disappear from the figures."""
    assert {name for one in search.requests() for name in one.tools} <= {*search.TOOLSETS, *ANNOUNCED}


def request(*tools: str, language: str = "en") -> Request:
    """A request for those tools."""
    return Request(say="who are you", language=language, search="list devices", blind=True, tools=tools)


def test_requests_for_tools_to_come_are_skipped() -> None:
    """A request counts as soon as one of its right tools exists."""
    cases = list(search.ours([request("capgo_to_come"), request("capgo_to_come", "capgo_list_devices")]))
    assert [case.right for case in cases] == [{"capgo_list_devices"}]


def test_the_toolset_that_a_request_asks_of_is_on() -> None:
    """Somebody who asks about webhooks has turned them on; nobody else has them among the tools."""
    webhooks, devices = search.ours([request("capgo_list_webhooks"), request("capgo_list_devices")])
    assert {tool.name for tool in webhooks.tools} - {tool.name for tool in devices.tools} >= {"capgo_list_webhooks"}


def test_only_english_is_searched_as_said() -> None:
    """Nobody expects a search in English descriptions to know Japanese."""
    cases = list(search.ours([request("capgo_list_devices"), request("capgo_list_devices", language="ja")]))
    assert len(search.found(BM25, cases)) == 2
    assert len(search.found(BM25._replace(as_said=True), cases)) == 1


def test_words_rank_by_rarity_and_by_how_much_else_is_said() -> None:
    """A rare word beats a common one, and of two tools with the same word the terser one comes first."""
    ranked = ranking.by_words(
        (
            Tool("list_bundles", "List bundles of an app, newest first, page by page.", "app_id"),
            Tool("list_devices", "List devices.", "app_id"),
            Tool("pinDevice", "Choose.", "channelName what devices get"),
        )
    )
    assert ranked("list") == ["list_devices", "list_bundles", "pinDevice"]
    assert ranked("list channel")[0] == "pinDevice"
    assert ranked("nothing known")[0] == "list_bundles"
