"""The key is found in every writing, and nothing else is taken for it."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capgo_mcp.client.body import MASKED, Mask
from capgo_mcp.sandbox import ADMIN_KEY
from tests.support.keys import KEY, LEGACY, MASK, disguises

keys = st.uuids(version=4).map(str) | st.from_regex(r"[A-Za-z0-9._:-]{20,60}", fullmatch=True).filter(
    lambda key: len({*key.casefold()} - {*"._:-"}) > 5
)


@pytest.mark.parametrize("key", [KEY, LEGACY])
@pytest.mark.parametrize("writing", disguises(KEY))
def test_each_writing_is_hidden_whole(key: str, writing: str) -> None:
    """Whoever reads what is left learns nothing of the key."""
    assert Mask(key)(disguises(key)[writing]) == MASKED


@given(keys, st.text(max_size=30), st.text(max_size=30))
def test_any_key_is_found_amid_any_text(key: str, before: str, after: str) -> None:
    """Whatever stands around it."""
    mask = Mask(key)
    assert mask(f"{before}{key}{after}") == MASKED
    assert mask(f"{before}{key.encode().hex()}{after}") == MASKED


@given(st.text(max_size=80) | st.uuids(version=4).map(str))
def test_other_texts_stay_as_they_are(text: str) -> None:
    """Nothing is hidden by chance, ids of the same form included."""
    assert MASK(text) == text


def test_ids_of_the_sandbox_are_not_taken_for_its_key() -> None:
    """They differ from it in a few characters only."""
    mask = Mask(ADMIN_KEY)
    assert mask(f"11111111{ADMIN_KEY[8:]}") == f"11111111{ADMIN_KEY[8:]}"
    assert mask(str(uuid.UUID(int=1))) == str(uuid.UUID(int=1))


def test_a_short_key_hides_no_part_of_other_texts() -> None:
    """Of eight characters all must be there."""
    mask = Mask("abcd1234")
    assert mask("cd12") == "cd12"
    assert mask("x abcd-1234 y") == MASKED


@pytest.mark.parametrize("word", ["code_6c3f9a", "AAAA_4BBB", "x1234567890", LEGACY[:6]])
def test_a_word_shows_not_even_a_piece(word: str) -> None:
    """A code that a host made up of a piece of the key is none."""
    assert Mask(f"{KEY}.{LEGACY}").shows_of(word)
    assert not MASK.shows_of("cannot_access_app")
