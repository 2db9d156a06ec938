"""An answer as an agent reads it: brief, without nulls, clean, and no longer than an agent can use."""

import json
import re
import sys
import unicodedata
from typing import Any, Final

import mcp_types as t
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ConfigDict

from capgo_mcp.agent import render
from capgo_mcp.agent.render import LARGEST, AnswerTooLong, fitted, shortened
from capgo_mcp.api.answers import Listing, Row
from capgo_mcp.api.operation import Declared
from capgo_mcp.api.text import clean, compact, named, visible
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.operations import every
from capgo_mcp.operations.apps import App
from capgo_mcp.operations.bundles import Bundle, ListBundles
from capgo_mcp.operations.channels import Channel
from capgo_mcp.operations.devices import Device, ListDevices
from capgo_mcp.operations.members import ListMembers
from capgo_mcp.sandbox import State
from capgo_mcp.sandbox.seed.people import DEMO_APP, LIGHTHOUSE
from tests.support.samples import AnyOperation, toolbox

LISTS: Final = [one for one in every() if issubclass(one.spec.answer, Listing)]
HIDDEN: Final = {"Cf", "Cn", "Co", "Cs"}
BREAKS: Final = {"Cc", "Zl", "Zp"}
PICTURES: Final = frozenset({*range(0x1F6D0, 0x1F700), *range(0x1FA70, 0x1FB00)})
INVISIBLE: Final = {
    *(0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFEFF, 0xFFA0),
    *range(0x180B, 0x1810), *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070),
    *range(0xFE00, 0xFE10), *range(0xFFF0, 0xFFF9), *range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B),
    *range(0xE0000, 0xE1000),
}  # fmt: skip
"""The 4,174 code points that Unicode wants to be shown as nothing (DerivedCoreProperties.txt)."""
LONG: Final = "x" * 10_000
TEXTS: Final = (
    st.text()
    | st.text("ab\u200b\u202e\n\u00e9", max_size=12)
    | st.just(LONG)
    | st.text("c", min_size=240, max_size=510)
)
"""What strangers may have written: plain, with what nobody sees, or long."""
ROW: Final = {"text": "x" * 200}


class Note(Row, brief="id text", on_request="remark"):
    """A row to render."""

    id: int | None = None
    text: str | None = None
    further: str | None = None
    remark: str | None = None
    parts: list[str] | None = None


class Open(Row):
    """A row of which not all fields are known."""

    model_config = ConfigDict(extra="allow")

    id: int | None = None


def of(**fields: Any) -> dict[str, Any]:
    """The facts of one note."""
    return render.shown(Note(**fields))


def test_lists_show_the_brief_fields() -> None:
    """Of a row in a list only the fields are shown that a reader of lists needs."""
    rows = Listing[Note](items=[Note(id=1, text="a", further="b", remark="c")])
    assert render.shown(rows) == {"items": [{"id": 1, "text": "a"}]}


def test_lists_show_further_fields_on_request() -> None:
    """A field that is asked for by name is shown beside the brief ones."""
    rows = Listing[Note](items=[Note(id=1, text="a", further="b", remark="c")])
    assert render.shown(rows, ["remark"]) == {"items": [{"id": 1, "text": "a", "remark": "c"}]}
    assert render.requestable(Listing[Note]) == ["further", "remark", "parts"]


@pytest.mark.parametrize("kind", [Open, Listing[Open]])
def test_fields_that_nobody_declared_are_cleaned_as_well(kind: Any) -> None:
    """Where a row tells whatever Capgo told, its names and texts were written by strangers all the same."""
    told = {"id": 1, "a\u200bb": "c\u200bd", "none": None, "empty": "", "in": {"e\u200b": "f"}}
    facts = render.shown(Open(**told) if kind is Open else kind(items=[told]))
    expected = {"id": 1, "ab (1 hidden)": "cd (1 hidden)", "in": {"e (1 hidden)": "f"}}
    assert (facts if kind is Open else facts["items"][0]) == expected


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("device_id", "custom_id", "version_name", "channel"), TEXTS)))
def test_a_text_is_shown_whatever_stands_beside_it(texts: dict[str, str]) -> None:
    """All texts of a row are looked at together; each of them reads as it does alone."""
    told = render.shown(Listing[Device](items=[Device(**texts)]))["items"][0]
    assert told == {name: named(text) for name, text in texts.items() if text}


def test_records_hide_only_what_is_long_or_secret() -> None:
    """One record is shown whole, but for the fields that nobody sees without asking."""
    note = Note(id=1, text="a", further="b", remark="c")
    assert render.shown(note) == {"id": 1, "text": "a", "further": "b"}
    assert render.shown(note, ["remark"])["remark"] == "c"
    assert render.requestable(Note) == ["remark"]


def test_unknown_and_empty_fields_are_left_out() -> None:
    """What Capgo does not tell is not spelled out as null or as empty text."""
    assert of(id=1, text=None, further="") == {"id": 1}


@pytest.mark.parametrize("kept", [0, False, 0.0])
def test_zero_and_false_are_facts(kept: Any) -> None:
    """Falsehoods of one record are told."""
    assert render.shown(Device(device_id="d", version=0, is_prod=False)) == {
        "device_id": "d",
        "version": kept,
        "is_prod": kept,
    }


@pytest.mark.parametrize(
    ("row", "hidden"),
    [
        (Bundle, {"manifest", "native_packages", "key_id", "r2_path"}),
        (Device, {"key_id"}),
        (App, {"icon_url", "transfer_history"}),
    ],
)
def test_secrets_and_noise_are_shown_on_request_only(row: type[Row], hidden: set[str]) -> None:
    """Encryption material, signed addresses and long lists cost an agent nothing unless it asks."""
    assert hidden <= set(row.on_request)
    assert not hidden & set(row.brief)


@pytest.mark.parametrize("operation", LISTS, ids=lambda operation: operation.spec.name)
def test_declared_names_are_fields(operation: AnyOperation) -> None:
    """brief, on_request and identity name fields that exist, and the identity is always shown."""
    answer = operation.spec.answer
    assert issubclass(answer, Listing)
    row = answer.row()
    assert {*row.brief, *row.on_request} <= set(row.model_fields)
    assert not row.identity or row.identity in row.model_fields
    assert not row.brief or row.identity in row.brief


def expected(number: int) -> str:
    """What is shown of a character that stands between two letters."""
    category = unicodedata.category(chr(number))
    if category in BREAKS:
        return " "
    return "" if number in INVISIBLE or (category in HIDDEN and number not in PICTURES) else chr(number)


@settings(max_examples=300)
@given(text=st.text(st.characters(), max_size=60))
def test_text_is_clean_for_any_unicode(text: str) -> None:
    """No hidden character is left but a joiner that changes what is seen; every visible one stays, in order."""
    shown = visible(text)
    joiners = {"\u200c", "\u200d", "\ufe0e", "\ufe0f"}
    assert [c for c in shown if c not in joiners] == [
        kept for c in text if (kept := expected(ord(c))) and kept not in joiners
    ]


def test_every_character_of_unicode_is_cleaned_by_its_properties() -> None:
    """All of Unicode, one by one: what nobody sees vanishes and is counted, breaks become spaces, the rest stays."""
    assert len(INVISIBLE) == 4174
    wrong = []
    for number in range(sys.maxunicode + 1):
        seen = expected(number)
        if clean(f"a{chr(number)}b") != (f"a{seen}b" if seen else "ab (1 hidden)"):
            wrong.append(hex(number))
    assert not wrong


@pytest.mark.parametrize(
    ("trick", "shown"),
    [
        ("ig\u200bnore", "ignore (1 hidden)"),
        ("\u202egnp.exe", "gnp.exe (1 hidden)"),
        ("a\x1b[31mred", "a [31mred"),
        ("line\nbreak\r\n", "line break  "),
        ("\U000e0041\U000e0042tags", "tags (2 hidden)"),
        ("\ufeffbom", "bom (1 hidden)"),
        ("beta\ufe00\ufe01\U000e0100", "beta (3 hidden)"),
        ("production\u3164", "production (1 hidden)"),
        ("a\u200db\ufe0f", "ab (2 hidden)"),
        ("\u2764\ufe0f\ufe0f\ufe0f", "\u2764\ufe0f (2 hidden)"),
        ("\u2028\u2029", "  "),
    ],
)
def test_tricks_with_invisible_text_do_not_reach_the_agent(trick: str, shown: str) -> None:
    """Zero-width, direction, tag, filler and terminal characters are gone, and the answer says how many."""
    assert of(text=trick) == {"text": shown}


@pytest.mark.parametrize(
    "name",
    [
        "naïve Überraschung 日本語 🚀",
        "می\u200cشود",
        "ක්\u200dෂ",
        "नमस्\u200dते",
        "👩\u200d💻 team",
        "🏳\ufe0f\u200d🌈",
        "❤\ufe0f",
        "©\ufe0f ™\ufe0f ‼\ufe0f",
        "1\ufe0f\u20e3",
        "👍🏽",
        "\U0001fae9 of a later Unicode",
    ],
)
def test_languages_and_emoji_stay(name: str) -> None:
    """A joiner that changes what is seen belongs to the name, which can be given back as it is."""
    assert clean(name) == name


def test_names_of_fields_from_outside_are_cleaned_too() -> None:
    """Where Capgo's own names are passed on, they are cleaned like values."""
    rendered = render.shown(Listing[Note](items=[]), [])
    assert rendered == {"items": []}
    assert of(parts=["a\u200b", "b\x00"]) == {"parts": ["a (1 hidden)", "b "]}


def test_long_text_is_cut_with_a_mark() -> None:
    """One endless comment cannot fill an agent's context, and the cut is told."""
    shown = of(text=LONG)["text"]
    assert len(shown) < 600
    assert shown.startswith("x" * 400)
    assert shown.endswith("(cut)")
    assert of(text="x" * 400)["text"] == "x" * 400


@settings(max_examples=100)
@given(text=st.text(max_size=2000))
def test_no_text_is_longer_than_the_cut(text: str) -> None:
    """For any text the result is short, and short text is never cut."""
    shown = clean(text)
    assert len(shown) <= len(clean(LONG))
    assert len(text) > 400 or "(cut)" not in shown or "(cut)" in text


@given(facts=st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=9),
                          lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner,
                                                                                      max_size=3)))  # fmt: skip
def test_compact_json_reads_back_and_has_no_white_space(facts: Any) -> None:
    """The text is JSON of the facts without a byte to spare, in plain characters."""
    written = compact(facts)
    assert json.loads(written) == facts
    assert len(written) <= len(json.dumps(facts, ensure_ascii=False))
    assert "\n" not in written
    assert compact({"a": [1, "ü"]}) == '{"a":[1,"ü"]}'


def test_nested_rows_are_cleaned() -> None:
    """What stands inside a record is shown by the same rules."""
    channel = Channel.model_validate({"id": 1, "version": {"id": 7, "name": "1.0\u200b"}, "rollout_version_info": None})
    assert render.shown(channel) == {"id": 1, "version": {"id": 7, "name": "1.0\\u200b (1 hidden)"}}


def long_list(rows: int, **more: Any) -> dict[str, Any]:
    """A list of so many rows."""
    return {"items": [{"id": number, **ROW} for number in range(rows)], **more}


def test_what_fits_is_left_alone() -> None:
    """Most answers pass as they are."""
    facts = long_list(10, next=1)
    assert fitted(ListBundles(app_id=DEMO_APP), facts).facts is facts


@given(st.integers(0, 5), st.integers(1, 1000), st.integers(1, 2000))
def test_cut_list_says_how_to_go_on(page: int, limit: int, size: int) -> None:
    """The page and limit in the note begin with the first item that was cut off."""
    asked = ListBundles(app_id=DEMO_APP, page=page, limit=limit)
    items = [{"id": page * limit + number, "text": "x" * size} for number in range(limit)]
    try:
        facts, text = fitted(asked, {"items": items, "next": page + 1})
    except AnswerTooLong:
        assert len(compact(items[0])) * 2 > LARGEST or limit > 1
        return
    assert text == compact(facts)
    assert len(text) <= LARGEST
    kept = len(facts["items"])
    if kept < limit:
        assert "next" not in facts
        assert kept == limit or len(compact({"items": items[: kept + 1]})) > LARGEST - 2100, "as many as fit"
        onward = onward_of(facts)
        first = onward["limit"] * onward.get("page", 0)
        assert items[kept]["id"] - onward["limit"] < first <= items[kept]["id"], "no row is left out"
        assert onward["limit"] <= kept
        assert page or first == kept


def onward_of(facts: dict[str, Any]) -> Any:
    """The arguments of the call that a note names."""
    call = re.search(r"capgo_\w+ ({.*})$", facts["note"])
    assert call
    return json.loads(call[1])


def test_a_cut_does_not_depend_on_the_limit() -> None:
    """A prime limit shows as many rows as another one."""
    asked = ListBundles(app_id=DEMO_APP, limit=997)
    facts = fitted(asked, long_list(997, next=1), ["comment"]).facts
    kept = len(facts["items"])
    assert kept == len(fitted(ListBundles(app_id=DEMO_APP, limit=1000), long_list(1000)).facts["items"]) > 100
    assert onward_of(facts) == {"app_id": DEMO_APP, "limit": kept, "page": 1, "fields": ["comment"]}


def test_rows_that_are_cut_off_are_only_counted() -> None:
    """Cleaning texts that nobody will see takes time, in which nobody else would get an answer."""
    rows = [{"id": number, "name": "x" * 400} for number in range(1000)]
    facts = render.shown(ListBundles.spec.answer.model_validate({"items": rows}))
    told = fitted(ListBundles(app_id=DEMO_APP, limit=1000), facts).facts
    assert " of 1000 items" in told["note"]
    assert all(told["items"])
    assert len([row for row in facts["items"] if row]) < len(told["items"]) + 20


def test_a_cut_keeps_what_the_answer_says_beside() -> None:
    """The note of the list stands before the one about the cut."""
    facts = fitted(ListBundles(app_id=DEMO_APP, limit=1000), long_list(1000, note="Mind this.", total=7)).facts
    assert facts["note"].startswith("Mind this. Only the first ")
    assert facts["total"] == 7


def test_cut_list_with_a_cursor_is_to_be_asked_for_again() -> None:
    """Only Capgo knows the cursor after a cut, so the call is repeated with the limit that fits."""
    facts = fitted(ListDevices(app_id=DEMO_APP, limit=1000), long_list(1000, next="a|b")).facts
    assert "next" not in facts
    assert "follow the next of" in facts["note"]
    assert onward_of(facts) == {"app_id": DEMO_APP, "limit": len(facts["items"])}


def test_cut_list_without_pages_promises_none() -> None:
    """Where Capgo has no pages, the note does not name a call that would bring the rest."""
    facts = fitted(ListMembers(org_id=LIGHTHOUSE), long_list(1000)).facts
    assert 0 < len(facts["items"]) < 1000
    assert facts["note"].endswith("For others ask for fewer fields or a lower limit.")


def test_what_was_done_is_told_however_long_it_is() -> None:
    """The outcome of a write is cut, not refused: it must not look failed; calls to make stay whole."""
    undo = [{"tool": "x", "arguments": {"names": ["n"] * 200}}]
    outcome = {"done": True, "undo": undo, "before": {"channels": ["x" * 400] * 900}, "note": "Done."}
    cut, text = shortened(outcome)
    assert text == compact(cut)
    assert len(text) <= LARGEST
    assert cut["done"]
    assert cut["undo"] == undo
    assert 0 < len(cut["before"]["channels"]) < 900
    assert cut["note"].startswith("Done. Lists are cut to ")
    assert shortened({"done": True, "before": {f"n{i}": "x" * 400 for i in range(900)}}).facts["done"]


@pytest.mark.parametrize(
    "facts", [{"text": "x" * LARGEST}, {"items": [{"text": "x" * LARGEST}]}, {"items": {}, "x": "x" * LARGEST}]
)
def test_what_cannot_be_cut_is_refused(facts: dict[str, Any]) -> None:
    """One error says how long it is and how to ask for less."""
    asked: Declared[Any] = ListBundles(app_id=DEMO_APP)
    with pytest.raises(AnswerTooLong, match="characters") as caught:
        fitted(asked, facts)
    assert "fewer fields" in caught.value.hint


async def test_tools_and_resources_are_bounded(capgo: Capgo, state: State) -> None:
    """A tool whose answer would be too long answers less or an error, and says so."""
    for bundle in state.bundles.values():
        bundle["manifest"] = [{"file_name": "x" * 400}] * 20
    asked = {"app_id": DEMO_APP, "limit": 60, "fields": ["manifest"]}
    result = await toolbox(capgo).call("capgo_list_bundles", asked)
    assert isinstance(result, t.CallToolResult)
    assert result.structured_content is not None
    assert len(json.dumps(result.structured_content)) < LARGEST * 1.2
    assert 0 < len(result.structured_content["items"]) < 60
