"""A body becomes plain values within bounds, whatever a host puts into it."""

import json
import math
import tracemalloc
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from attack.faults import bodies
from capgo_mcp.api.text import whole
from capgo_mcp.client.body import TooManyValues, parsed
from capgo_mcp.client.bounds import MAX_ANSWER
from tests.support.keys import KEY, MASK, disguises

AGAINST: Final = "a host that answers with a bomb"
ATTACKER: Final = "a host in Capgo's place"
ASSET: Final = "the service"

plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**18), 10**18) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=20,
)  # fmt: skip


@given(plain)
def test_what_is_within_bounds_is_read_as_it_is(value: Any) -> None:
    """Bounds change nothing of an honest answer."""
    assert parsed(json.dumps(value).encode(), MASK) == value
    assert parsed(json.dumps(value, ensure_ascii=False).encode(), MASK) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_none(content: bytes) -> None:
    """No body raises, and what is read can be written as JSON for everybody."""
    json.dumps(parsed(content, MASK), allow_nan=False, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1" * 20, "-" + "9" * 4000, "9" * 9_000]
)
def test_numbers_that_json_does_not_know_become_null(number: str) -> None:
    """Both channels of a result hold valid JSON, and no reader gets a number it has no room for."""
    assert parsed(f'{{"a":[{number}],"b":1}}'.encode(), MASK) == {"a": [None], "b": 1}


@pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 0.1, -1e308])
def test_numbers_of_a_database_are_kept(number: float) -> None:
    """The largest that Capgo can store are not too long."""
    assert parsed(json.dumps([number]).encode(), MASK) == [number]
    assert math.isfinite(number)


def test_what_lies_too_deep_becomes_null() -> None:
    """Nothing that is passed on breaks a reader by its depth."""
    kept = parsed(b'{"a":' + b"[" * 300 + b"]" * 300 + b',"b":1}', MASK)
    assert kept["b"] == 1
    assert len(json.dumps(kept)) < 100
    assert parsed(b"[" * 100_000 + b"]" * 100_000, MASK) is None


@pytest.mark.parametrize("content", [b'"\\ud800"', b'"\xed\xa0\x80"', b'{"\\udfff":1}'], ids=ascii)
def test_halves_of_characters_do_not_come_in(content: bytes) -> None:
    """Neither by name nor as bytes."""
    json.dumps(parsed(content, MASK), ensure_ascii=False).encode()


@pytest.mark.parametrize("item", [b"{}", b"[]", b"0", b'{"a":[]}', b'""'])
def test_a_body_of_many_values_is_not_parsed(item: bytes) -> None:
    """It would take a hundred times its size."""
    content = b"[" + b",".join([item] * (MAX_ANSWER // (len(item) + 1) - 1)) + b"]"
    tracemalloc.start()
    with pytest.raises(TooManyValues):
        parsed(content, MASK)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 100_000


@pytest.fixture(scope="module")
def costly() -> dict[str, bytes]:
    """What a hostile Capgo answers to use up memory."""
    return bodies()


@pytest.mark.parametrize("name", ["NAMES", "LONG_ROWS", "TEXT", "TEXTS", "LIGATURES", "JOINED", "PERCENTS", "ESCAPES"])
def test_no_body_takes_much_more_memory_than_its_bytes(name: str, costly: dict[str, bytes]) -> None:
    """As many of the costliest values as are let through, in the widest characters, encoded in any way."""
    content = costly[name]
    tracemalloc.start()
    parsed(content, MASK)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 40 * 2**20


def test_a_text_without_end_is_not_parsed() -> None:
    """With one wide character in it, it would take four times as much; quotes that end nothing do not help it."""
    for text in ("a" * 2**18, 'a\\"' * 2**17):
        assert parsed(f'{{"name":"{text}"}}'.encode(), MASK) is None
    assert parsed(b'{"name":"%s"}' % (b"a" * 2**16), MASK)["name"] == "a" * 5000


def test_texts_that_are_looked_at_in_groups_are_each_masked() -> None:
    """Also where the key stands far behind, or where two groups meet."""
    texts = [*["x" * 3000] * 25, KEY, *["\U0001f600" * 3000] * 25, KEY.upper()]
    assert [text for text in parsed(json.dumps(texts).encode(), MASK) if text == "(the API key)"] == [
        "(the API key)"
    ] * 2


@given(st.lists(st.text(max_size=10) | st.sampled_from([*disguises(KEY).values()]), max_size=6), st.booleans())
def test_the_key_is_hidden_wherever_it_stands(texts: list[str], as_bytes: bool) -> None:
    """Texts are looked through together, and hidden one by one."""
    content = json.dumps({"a": texts, "b": dict.fromkeys(texts, 1)}, ensure_ascii=not as_bytes)
    body = parsed(content.encode("utf-8", "replace"), MASK)
    assert body["a"] == [MASK(whole(text)) for text in texts]
    assert body["b"].keys() == {MASK(whole(text)) for text in texts}
