"""What of a configuration is shown: any layout, and no value that is not this program's."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from capgo_mcp.install.masking import masked, showable
from capgo_mcp.install.toml import Toml

ENTRY = {"command": "/usr/bin/capgo-mcp", "args": ["--read-only"], "env": {"CAPGO_API_URL": "https://capgo.example"}}
secrets = st.text(min_size=4, max_size=12).map(lambda text: f"s3cret{text}s3cret") | st.integers(min_value=10**6)
values = st.recursive(
    secrets,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet="abc# '/:"), inner, max_size=3),
    max_leaves=6,
)


@given(data=st.dictionaries(st.text(alphabet="abc# '/:"), values, max_size=4), indent=st.none() | st.integers(0, 4))
def test_values_of_others_are_not_shown(data: dict[str, Any], indent: int | None) -> None:
    """Whatever a neighbour's value is, neither all of it nor its ends are shown; what is shown keeps its lines."""
    text = json.dumps({"neighbours": data, "capgo": ENTRY}, indent=indent, ensure_ascii=False)
    shown = masked(text, showable(ENTRY))
    assert "s3cret" not in shown
    assert not any(word.isdigit() and len(word) > 6 for word in shown.replace(",", " ").split())
    assert shown.count("\n") == text.count("\n")
    assert json.dumps(ENTRY["command"]) in shown


def test_references_are_shown_and_keys_are_not() -> None:
    """An entry says where its key comes from, unless that is the key itself."""
    reference = {"env": {"CAPGO_API_KEY": "${env:CAPGO_API_KEY}"}}
    literal = {"env": {"CAPGO_API_KEY": "5ec4e700-0000-4000-8000-00000000f00d"}}
    assert showable(reference) == {"${env:CAPGO_API_KEY}"}
    assert not showable(literal)


def test_every_kind_of_toml_value_can_be_put_back() -> None:
    """An entry of another program may hold times and lists of tables, which come back as they were or not at all."""
    text = (
        '[mcp_servers.capgo]\nurl = "x"\nsince = 2026-01-02T03:04:05Z\nday = 2026-01-02\nat = [03:04:05, { a = 1 }]\n'
    )
    keys = ("mcp_servers", "capgo")
    entry = Toml().read(text)["mcp_servers"]["capgo"]
    assert Toml().read(Toml().put("", keys, entry)) == Toml().read(text)
