"""An option that got a better name still answers to the one before, so that no configuration breaks."""

from typing import Any, Final

import pytest

from capgo_mcp.config.options import HTTP_OPTIONS, OPTIONS, Option, SettingsError, values, variable_of
from capgo_mcp.config.settings import Settings

SWITCH: Final = Option("new", "a switch", former="old")
CHOICE: Final = Option("new", "a choice", "WORD", "a", ("a", "b"), former="old")
NUMBER: Final = Option("new", "a number", "COUNT", 1, former="old")


def test_walk_is_the_insight_timeout() -> None:
    """`CAPGO_MCP_WALK` sets what is now the time of an insight."""
    assert Settings.read({}, {"CAPGO_MCP_WALK": "7"}).insight_timeout == 7


@pytest.mark.parametrize(
    ("option", "told", "meant"),
    [(SWITCH, "1", True), (SWITCH, "off", False), (CHOICE, "b", "b"), (NUMBER, "3", 3), (NUMBER, "", 1)],
)
def test_former_variable_counts_like_the_new_one(option: Option, told: str, meant: Any) -> None:
    """Each kind of option reads its former variable, unless the new one says something."""
    assert values({}, {"CAPGO_MCP_OLD": told}, [option]) == {"new": meant}
    assert values({}, {"CAPGO_MCP_OLD": "nonsense", "CAPGO_MCP_NEW": told or "1"}, [option]) == {"new": meant}


@pytest.mark.parametrize("option", [SWITCH, CHOICE, NUMBER])
@pytest.mark.parametrize("name", ["new", "old"])
def test_mistake_is_told_by_the_name_that_was_written(option: Option, name: str) -> None:
    """The sentence names the variable that the user can find in their own configuration."""
    with pytest.raises(SettingsError, match=f"^{variable_of(name)} must be "):
        values({}, {variable_of(name): "nonsense"}, [option])


def test_no_name_is_used_twice() -> None:
    """A former name is no other option's name."""
    names = [name for option in (*OPTIONS, *HTTP_OPTIONS) for name in (option.name, option.former) if name]
    assert len(names) == len(set(names))
