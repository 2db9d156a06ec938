"""Editing JSON with comments and TOML: nothing but the entry changes, whatever the text looks like."""

import json
import tomllib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capgo_mcp.install.jsonc import Jsonc
from capgo_mcp.install.text import Unusable, with_entry
from capgo_mcp.install.toml import Toml

ENTRY = {"command": "/usr/bin/capgo-mcp", "args": ["--app", 'a"b\\c'], "env": {"A": "ü\u007f"}}
KEYS = ("mcpServers", "capgo")

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=8
)
objects = st.dictionaries(st.text(), values, max_size=4)
servers = st.dictionaries(st.text().filter(lambda name: name != "capgo"), objects, max_size=3)
gaps = st.sampled_from(["", " ", "\n", "\r\n", "\t", " // , } note\n", '/* { " */', "\n  // a\n  // b\n\n"])


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A configuration, often with servers in it."""
    data = draw(objects)
    return data | ({"mcpServers": draw(servers)} if draw(st.booleans()) else {})


def spelt(value: Any, draw: Callable[..., Any], *, trailing: bool) -> str:
    """A value as JSON with comments and white space of any kind, and trailing commas."""

    def gap() -> str:
        return str(draw(gaps))

    def joined(parts: list[str]) -> str:
        last = "," + gap() if trailing and parts else ""
        return ",".join(parts) + last

    if isinstance(value, dict):
        parts = [
            f"{gap()}{json.dumps(k)}{gap()}:{gap()}{spelt(v, draw, trailing=trailing)}{gap()}" for k, v in value.items()
        ]
        return "{" + (joined(parts) or gap()) + "}"
    if isinstance(value, list):
        return "[" + (joined([f"{gap()}{spelt(v, draw, trailing=trailing)}{gap()}" for v in value]) or gap()) + "]"
    return json.dumps(value, ensure_ascii=draw(st.booleans()))


def test_a_comment_before_a_trailing_comma_stays() -> None:
    """A comment behind the last member, and before its comma, is not taken out with the entry that came after it."""
    text = '{"mcpServers": {"other": {} /* theirs */,}}'
    assert Jsonc().drop(Jsonc().put(text, KEYS, ENTRY), KEYS) == text


@given(data=documents(), draw=st.data(), trailing=st.booleans())
def test_any_json_with_comments_is_read_and_changed(data: dict[str, Any], draw: st.DataObject, trailing: bool) -> None:
    """However a text is laid out, the entry comes and goes, and the rest says what it said."""
    text = draw.draw(gaps) + spelt(data, draw.draw, trailing=trailing) + draw.draw(gaps)
    editor = Jsonc()
    assert editor.read(text) == data
    added = with_entry(data, KEYS, ENTRY)
    put = editor.put(text, KEYS, ENTRY)
    assert editor.read(put) == added
    assert put.count("//") >= text.count("//")
    dropped = editor.drop(put, KEYS)
    assert editor.read(dropped) == {"mcpServers": {}} | data
    assert dropped.count("/*") == text.count("/*")


@given(data=documents(), indent=st.sampled_from([2, 4, "\t"]))
def test_plain_json_comes_back_exactly(data: dict[str, Any], indent: int | str) -> None:
    """In a text laid out as programs do, adding and taking out leaves every character as it was."""
    text = json.dumps({"mcpServers": {"other": {}}} | data, indent=indent, ensure_ascii=False) + "\n"
    editor = Jsonc(strict=True)
    put = editor.put(text, KEYS, ENTRY)
    json.loads(put)
    if "mcpServers" in data and not data["mcpServers"]:
        return
    assert editor.drop(put, KEYS) == text


@given(text=st.text(alphabet='{}[]",:/*\\ \n1atrue', max_size=30))
def test_any_other_text_is_read_or_refused(text: str) -> None:
    """No text makes the reader fail in another way than saying so, and what it takes it takes whole."""
    try:
        data = Jsonc().read(text)
    except Unusable:
        return
    assert isinstance(data, dict)


@given(data=documents())
def test_strict_json_is_read_as_the_standard_library_reads_it(data: dict[str, Any]) -> None:
    """The own reader and the standard library's agree."""
    text = json.dumps(data)
    assert Jsonc(strict=True).read(text) == json.loads(text)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '{\n  "a": {\n    "b": {\n      "c": 1\n    }\n  }\n}\n'),
        ("{}", '{\n  "a": {\n    "b": {\n      "c": 1\n    }\n  }\n}'),
        ('{"x": 1}', '{"x": 1, "a": {"b": {"c": 1}}}'),
        ('{\n\t"x": 1\n}', '{\n\t"x": 1,\n\t"a": {\n\t\t"b": {\n\t\t\t"c": 1\n\t\t}\n\t}\n}'),
        (
            '{\n  "a": {\n    "x": 1 // one\n  }\n}',
            '{\n  "a": {\n    "x": 1, // one\n    "b": {\n      "c": 1\n    }\n  }\n}',
        ),
        ('{\n  "a": {"b": 0} // b\n}', '{\n  "a": {"b": {\n    "c": 1\n  }} // b\n}'),
    ],
)
def test_new_entry_is_laid_out_as_its_surroundings(before: str, after: str) -> None:
    """Indentation, trailing commas and comments at line ends stay as the user has them."""
    assert Jsonc().put(before, ("a", "b"), {"c": 1}) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"a": {"b": 1}}', '{"a": {}}'),
        ('{"a": {"b": 1, "c": 2}}', '{"a": {"c": 2}}'),
        ('{"a": {"c": 2, "b": 1}}', '{"a": {"c": 2}}'),
        ('{"a": {"c": 2, "b": 1, "d": 3}}', '{"a": {"c": 2, "d": 3}}'),
        ('{"a": {\n  "c": 2, // two\n  "b": 1\n}}', '{"a": {\n  "c": 2 // two\n}}'),
        ('{"a": {\n  "b": 1, // mine\n  "c": 2\n}}', '{"a": {\n  // mine\n  "c": 2\n}}'),
        ('{"a": {\n  // why\n  "b": 1,\n}}', '{"a": {\n  // why\n}}'),
    ],
)
def test_entry_is_taken_out_with_its_comma_and_lines(before: str, after: str) -> None:
    """What is left looks as if the entry had never been there; comments stay."""
    assert Jsonc().drop(before, ("a", "b")) == after


names = st.text(alphabet="abc-_.[] \"#='", min_size=1, max_size=6).filter(lambda name: name != "capgo")
lines = st.sampled_from(
    [
        "",
        "# [mcp_servers.capgo]",
        'text = """\n[mcp_servers.capgo]\n"""',
        "text = '''\n[mcp_servers.capgo]\n'''",
        'list = [\n  "a", # [x]\n  "]",\n]',
        "point = { x = 1, y = [1, 2] }",
        'quote = "a\\"[b] # c"',
    ]
)


@given(
    tables=st.lists(st.tuples(names, lines), max_size=4, unique_by=lambda table: table[0]),
    first=lines,
    ends=st.booleans(),
)
def test_any_toml_is_changed_in_one_table_only(tables: list[tuple[str, str]], first: str, ends: bool) -> None:
    """Strings, lists and comments that look like tables are none; the entry comes and leaves no trace."""
    blocks = [first, *(f"[mcp_servers.{json.dumps(name)}]\n{line}" for name, line in tables)]
    text = "\n\n".join(blocks) + ("\n" if ends else "")
    keys = ("mcp_servers", "capgo")
    data = tomllib.loads(text)
    editor = Toml()
    put = editor.put(text, keys, ENTRY)
    assert tomllib.loads(put) == with_entry(data, keys, ENTRY)
    again = editor.put(put, keys, {"command": "x"})
    assert tomllib.loads(again) == with_entry(data, keys, {"command": "x"})
    assert editor.drop(put, keys).rstrip("\n") == text.rstrip("\n")
    behind = f"{put}\n[later]\na = 1\n"
    assert tomllib.loads(editor.drop(behind, keys)) == data | {"later": {"a": 1}}


def test_toml_table_with_tables_inside_goes_whole() -> None:
    """An entry that another program wrote with a table for its environment is replaced and removed whole."""
    text = '[mcp_servers.capgo]\ncommand = "old"\n\n[mcp_servers.capgo.env]\nA = "b"\n\n[next]\nx = 1\n'
    keys = ("mcp_servers", "capgo")
    assert tomllib.loads(Toml().put(text, keys, ENTRY)) == {"mcp_servers": {"capgo": ENTRY}, "next": {"x": 1}}
    assert tomllib.loads(Toml().drop(text, keys)) == {"next": {"x": 1}}
