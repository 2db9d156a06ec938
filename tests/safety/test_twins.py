"""A name that lies is shown for what it is, and nothing is done by a name that two things seem to have."""

from typing import Any, Final

import pytest

from capgo_mcp.api.text import looks, named
from capgo_mcp.sandbox import State
from capgo_mcp.sandbox.seed.fleet import PINNED_DEVICE
from capgo_mcp.sandbox.seed.people import DEMO_APP, LIGHTHOUSE, NOTES_APP
from tests.support.safety import Facts, desk, picture, unlimited

AGAINST: Final = "whoever gives a thing a name that looks like that of another one"
HOLDS: Final = ("A name that lies",)
ATTACKER: Final = "who writes texts"
ASSET: Final = "the devices"

TWINS: Final = {
    "zero width": "production\u200b",
    "in the middle": "pro\u200dduction",
    "direction": "\u202eproduction",
    "a tag": "production\U000e0041",
    "a filler": "production\u3164",
    "white space": "production ",
    "full width": "\uff50roduction",
    "a control character": "production\x00",
}
CHANNEL: Final = {"app_id": DEMO_APP, "channel": "production"}
BUNDLE: Final = {"app_id": DEMO_APP, "version": "1.0.0"}
BY_CHANNEL: Final[list[tuple[str, Facts]]] = [
    ("capgo_delete_channel", CHANNEL),
    ("capgo_delete_channel", {**CHANNEL, "confirm": True}),
    ("capgo_set_channel", {**CHANNEL, "version": "2.2.7"}),
    ("capgo_set_rollout", {**CHANNEL, "action": "start", "version": "2.3.0", "percentage": 10}),
    ("capgo_set_bundle_channel", {**CHANNEL, "version": "2.2.7"}),
    ("capgo_set_device_channel", {**CHANNEL, "device_id": PINNED_DEVICE}),
]
BY_BUNDLE: Final[list[tuple[str, Facts]]] = [
    ("capgo_delete_bundle", {**BUNDLE, "confirm": True}),
    ("capgo_set_channel", {**BUNDLE, "channel": "beta"}),
    ("capgo_set_rollout", {**BUNDLE, "channel": "beta", "action": "start", "percentage": 10}),
    ("capgo_set_bundle_channel", {**BUNDLE, "channel": "beta"}),
]


def with_twin(table: str, name: str, twin: str) -> State:
    """A sandbox in which a row has a twin."""
    state = unlimited()
    rows: dict[Any, Facts] = getattr(state, table)
    row = next(row for row in rows.values() if row["name"] == name and row["app_id"] == DEMO_APP)
    rows[9001] = {**row, "id": 9001, "name": twin, "public": False}
    return state


@pytest.mark.parametrize("twin", TWINS.values(), ids=TWINS.keys())
@pytest.mark.parametrize(("tool", "arguments"), BY_CHANNEL, ids=[f"{tool}-{len(given)}" for tool, given in BY_CHANNEL])
async def test_nothing_is_done_by_the_name_of_two_channels(tool: str, arguments: Facts, twin: str) -> None:
    """The call is refused, preview included, and says why and which other channel that is."""
    async with desk(state=with_twin("channels", "production", twin)) as here:
        before = picture(here.state)
        said = await here.error(tool, **arguments)
        assert said.startswith('[lookalike_name] Beside the channel "production" another one looks the same')
        assert "(id 9001)" in said
        assert (here.wire.writes, picture(here.state)) == ([], before)


@pytest.mark.parametrize(("tool", "arguments"), BY_BUNDLE, ids=[tool for tool, _ in BY_BUNDLE])
async def test_nothing_is_done_by_the_name_of_two_bundles(tool: str, arguments: Facts) -> None:
    """The same for bundles."""
    async with desk(state=with_twin("bundles", "1.0.0", "1.0.\u200b0")) as here:
        assert "[lookalike_name]" in await here.error(tool, **arguments)
        assert here.wire.writes == []


@pytest.mark.parametrize("tool", ["capgo_delete_app", "capgo_delete_all_bundles", "capgo_delete_organization"])
async def test_no_name_confirms_what_two_things_seem_to_be(tool: str) -> None:
    """An app or an organization is not confirmed by a name that another one seems to have."""
    target = {"org_id": LIGHTHOUSE} if "organization" in tool else {"app_id": DEMO_APP}
    async with desk() as here:
        here.state.apps[NOTES_APP]["name"] = "Demo\u200b app"
        next(row for key, row in here.state.orgs.items() if key != LIGHTHOUSE)["name"] = "Lighthouse\u200b Labs"
        assert "[lookalike_name]" in await here.error(tool, **target)
        assert here.wire.writes == []


async def test_other_names_are_no_hindrance() -> None:
    """Only the name that is meant has to be plain: a twin of another channel, or another case, stops nothing."""
    async with desk(state=with_twin("channels", "beta", "beta\u200b")) as here:
        here.state.channels[9002] = {**here.state.channels[9001], "id": 9002, "name": "Production"}
        assert (await here.facts("capgo_set_channel", **CHANNEL, version="2.2.7"))["done"] is True


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("production\u200b", "production\\u200b (1 hidden)"),
        ("pro\tduction", "pro\\u0009duction (1 hidden)"),
        ("production\U000e0041", "production\\U000e0041 (1 hidden)"),
    ],
)
async def test_a_name_that_lies_is_shown_written_out(stored: str, shown: str) -> None:
    """A list tells the two apart, and a channel that serves such a bundle tells it as well."""
    async with desk(state=with_twin("channels", "production", stored)) as here:
        rows = (await here.facts("capgo_list_channels", app_id=DEMO_APP, limit=200))["items"]
        assert {row["name"] for row in rows if row["name"].startswith("pro")} == {"production", shown}
        here.state.bundles[here.state.channels[9001]["version"]]["name"] = stored
        served = await here.facts("capgo_get_channel", **CHANNEL)
        assert served["version"]["name"] == shown


@pytest.mark.parametrize("character", [*"\u200b\u2060\ufe0f\u3164\U000e0041\u202e"], ids=ascii)
@pytest.mark.parametrize("name", ["ab", "pr-412", "production"])
def test_names_that_differ_in_what_nobody_sees_are_shown_different(name: str, character: str) -> None:
    """Wherever it stands, it is written out and counted, and the two names are known to look alike."""
    other = name[:1] + character + name[1:]
    assert named(other) == f"{name[:1]}{ascii(character)[1:-1]}{name[1:]} (1 hidden)"
    assert looks(other) == looks(name) == name


COUNTED: Final[list[tuple[str, Facts, str, str]]] = [
    ("capgo_delete_channel", {"channel": "beta"}, "devices_pinned", "channel"),
    ("capgo_delete_bundle", {"version": "1.4.2"}, "devices_on_it", "version_name"),
]


@pytest.mark.parametrize(("tool", "named_by", "fact", "column"), COUNTED, ids=[tool for tool, *_ in COUNTED])
async def test_a_preview_counts_the_devices_that_hang_on_it(tool: str, named_by: Facts, fact: str, column: str) -> None:
    """Those pinned to a channel, and those that run a bundle; of many it says at least how many."""
    arguments = {"app_id": DEMO_APP, **named_by}
    async with desk() as here:
        counted = (await here.facts(tool, **arguments))["preview"]["facts"][fact]
        devices = (await here.facts("capgo_list_devices", app_id=DEMO_APP, limit=1000))["items"]
        hanging = [one for one in devices if one.get(column) in named_by.values()]
        assert counted == len(hanging) > 0
        device = here.state.devices[DEMO_APP, PINNED_DEVICE]
        for number in range(600):
            here.state.devices[DEMO_APP, f"zz-{number}"] = {**device, "device_id": f"zz-{number}"}
        assert str((await here.facts(tool, **arguments))["preview"]["facts"][fact]).startswith("at least ")
