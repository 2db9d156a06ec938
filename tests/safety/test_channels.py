"""A write to a channel says what is so now, changes only what is meant, and calls done what was asked and read."""

from typing import Any, Final

import pytest

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.sandbox.seed.people import DEMO_APP
from tests.support.faulty import VirtualClock
from tests.support.safety import Desk, Facts, answering, desk

SET: Final = "capgo_set_channel"
ROLLOUT: Final = "capgo_set_rollout"
START: Final = {"action": "start", "version": "2.3.0", "percentage": 10}


async def change(here: Desk, tool: str, channel: str = "production", **arguments: Any) -> Facts:
    """What a change of a channel of the demo app answers."""
    return await here.facts(tool, app_id=DEMO_APP, channel=channel, **arguments)


@pytest.mark.parametrize(
    ("tool", "channel", "arguments", "now"),
    [
        (SET, "production", {"version": "2.2.7"}, 'Channel "production" serves "2.2.7" to all its devices.'),
        (SET, "production", {"detach_bundle": True, "confirm": True}, 'Channel "production" serves no bundle.'),
        (ROLLOUT, "production", START, 'Channel "production" serves "2.2.8", and "2.3.0" to 10 % of its devices.'),
        (ROLLOUT, "production", {**START, "percentage": 0}, "at 0 %: nobody gets it until action widen."),
        (ROLLOUT, "staging", {"action": "pause"}, "is paused: no further device gets it until action resume."),
        (ROLLOUT, "staging", {"action": "drop"}, 'Channel "staging" serves "2.2.8" to all its devices.'),
        (ROLLOUT, "staging", {"action": "promote"}, 'Channel "staging" serves "2.3.0" to all its devices.'),
    ],
)
async def test_the_answer_says_first_what_is_so_now(tool: str, channel: str, arguments: Facts, now: str) -> None:
    """`done` is followed by a sentence on which bundle the channel gives to whom."""
    async with desk() as here:
        outcome = await change(here, tool, channel, **arguments)
    assert outcome["done"] is True
    assert list(outcome)[:2] == ["done", "now"]
    assert outcome["now"].endswith(now)


@pytest.mark.parametrize(
    ("tool", "channel", "arguments", "why"),
    [
        (SET, "production", {}, "Nothing to change was given."),
        (SET, "production", {"version": "2.2.8"}, "It is so already."),
        (SET, "production", {"public": True}, "It is so already."),
        (ROLLOUT, "staging", {"action": "widen", "percentage": 25}, "It is so already."),
        (ROLLOUT, "staging", {"action": "resume"}, "It is so already."),
        (ROLLOUT, "production", {"action": "pause"}, "No rollout is there: nothing to pause."),
        (ROLLOUT, "production", {"action": "drop"}, "No rollout is there: nothing to drop."),
        (ROLLOUT, "production", {"action": "off"}, "No rollout is there: nothing to switch off."),
    ],
)
async def test_a_call_that_would_change_nothing_is_not_sent(
    tool: str, channel: str, arguments: Facts, why: str
) -> None:
    """It answers that nothing was changed, why, and what the channel serves."""
    async with desk() as here:
        outcome = await change(here, tool, channel, **arguments)
        assert (outcome["done"], outcome["changed"], here.wire.writes) == (False, "nothing", [])
    assert outcome["note"].startswith(why)
    assert f'Channel "{channel}" serves' in outcome["note"]


async def test_the_same_bundle_by_ids_is_not_sent() -> None:
    """A channel that serves the bundle already stays as it is."""
    async with desk() as here:
        served = here.state.channels[1]["version"]
        outcome = await here.facts("capgo_set_bundle_channel", app_id=DEMO_APP, version_id=served, channel_id=1)
        assert (outcome["done"], outcome["changed"], here.wire.writes) == (False, "nothing", [])


@pytest.mark.parametrize("tool", [SET, "capgo_set_bundle_channel"])
async def test_a_stable_write_tells_what_becomes_of_a_rollout(tool: str, behaviour: Behaviour) -> None:
    """Current servers end the rollout, older ones let it go on: either is told, with its share."""
    async with desk() as here:
        staging = here.state.channel_named(DEMO_APP, "staging") or {}
        bundle = here.state.bundle_named(DEMO_APP, "2.2.7") or {}
        by_ids = {"version_id": bundle["id"], "channel_id": staging["id"]}
        by_name = {"version": "2.2.7", "channel": "staging"}
        outcome = await here.facts(tool, app_id=DEMO_APP, **(by_name if tool == SET else by_ids))
    told = 'This ended the rollout of "2.3.0", which was at 25 %.'
    if behaviour is Behaviour.JULY:
        told = 'The rollout of "2.3.0" goes on at 25 %'
    assert told in outcome["note"]
    assert '"2.2.7" is older than "2.2.8", which was served before.' in outcome["note"]


@pytest.mark.parametrize(
    ("platforms", "heirs"),
    [
        ({}, '"beta" is it for iOS, "beta" is it for Android.'),
        ({"ios": True, "android": False}, '"beta" is it for iOS, no default channel is left for Android.'),
    ],
)
async def test_a_default_that_moves_names_the_channel_that_loses_it(
    behaviour: Behaviour, platforms: Facts, heirs: str
) -> None:
    """Making a channel the default says which one is none any more, and who serves its platforms now."""
    async with desk() as here:
        outcome = await change(here, SET, "beta", public=True, **platforms)
    told = f": {heirs}" if behaviour is Behaviour.NOVEMBER else "; this Capgo does not tell for which platforms."
    assert f'"production" is no longer a default channel{told}' in outcome["note"]


async def test_a_new_default_channel_names_the_one_that_loses_it() -> None:
    """A channel that is created as the default takes it from another one, and says so."""
    async with desk() as here:
        outcome = await change(here, SET, "fresh", version="2.2.7", public=True)
    assert outcome["now"].startswith("This created a new channel.")
    assert '"production" is no longer a default channel' in outcome["note"]


async def test_what_a_capgo_does_not_store_is_not_called_done(behaviour: Behaviour) -> None:
    """A Capgo that does not know the word ignores it and says ok: the answer says what came of it."""
    async with desk() as here:
        package = await change(here, SET, "beta", update_package="zip")
        advance = await change(here, ROLLOUT, "staging", action="advance", version="2.2.7")
    if behaviour is Behaviour.JULY:
        assert "does not show update_package; an older one may not store it" in package["note"]
        assert (advance["done"], advance["changed"]) == (False, "in part")
        assert "Not as asked, though Capgo said it was done: version." in advance["note"]
    else:
        assert "note" not in package
        assert advance["done"] is True
        assert advance["now"] == 'Channel "staging" serves "2.3.0", and "2.2.7" to 25 % of its devices.'


@pytest.mark.parametrize("name", ["Production", "prodution", "production2", "PRODUCTION", "productoin"])
async def test_a_misspelt_channel_is_not_created(name: str) -> None:
    """A name close to an existing one creates nothing and names that one, unless `create` says so."""
    async with desk() as here:
        error = await here.error(SET, app_id=DEMO_APP, channel=name, version="2.2.7")
        assert 'Did you mean "production"?' in error
        assert here.wire.writes == []
        outcome = await change(here, SET, name, version="2.2.7", create=True)
        assert outcome["now"].startswith("This created a new channel.")


async def test_a_channel_with_a_name_of_its_own_is_created() -> None:
    """Without a near match nobody is asked, and the answer says first that the channel is new."""
    async with desk() as here:
        outcome = await change(here, SET, "fresh", version="2.2.7")
    assert outcome["now"] == 'This created a new channel. Channel "fresh" serves "2.2.7" to all its devices.'


async def test_a_channel_that_is_listed_and_not_found_is_not_created(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Capgo lists and then does not find was there before: nothing is sent."""
    async with desk() as here:
        monkeypatch.setattr(here.state, "channel_named", lambda _app, _name: None)
        error = await here.error(SET, app_id=DEMO_APP, channel="production", version="2.2.7")
        assert "lists the channel" in error
        assert here.wire.writes == []


@pytest.mark.parametrize("tool", [SET, ROLLOUT, "capgo_set_bundle_channel"])
async def test_expected_version_lets_nothing_through_that_moved(tool: str) -> None:
    """A channel that serves something else than expected is left alone, and the answer says what it serves."""
    async with desk() as here:
        bundle = here.state.bundle_named(DEMO_APP, "2.2.7") or {}
        calls: dict[str, Facts] = {
            SET: {"channel": "production", "version": "2.2.7"},
            ROLLOUT: {"channel": "production", **START},
            "capgo_set_bundle_channel": {"channel_id": 1, "version_id": bundle["id"]},
        }
        arguments = calls[tool]
        error = await here.error(tool, app_id=DEMO_APP, **arguments, expected_version="2.2.6")
        assert error.startswith("[state_moved]")
        assert 'It serves "2.2.8".' in error
        assert here.wire.writes == []
        assert (await here.facts(tool, app_id=DEMO_APP, **arguments, expected_version="2.2.8"))["done"] is True


@pytest.mark.parametrize("names", [{"version", "channel"}, {"version"}, {"channel"}, set()])
async def test_a_bundle_is_put_on_a_channel_by_names_or_by_ids(names: set[str]) -> None:
    """Bundle and channel are named or numbered, and the answer names both."""
    async with desk() as here:
        bundle = here.state.bundle_named(DEMO_APP, "2.2.7") or {}
        version: Facts = {"version": "2.2.7"} if "version" in names else {"version_id": bundle["id"]}
        channel: Facts = {"channel": "production"} if "channel" in names else {"channel_id": 1}
        outcome = await here.facts("capgo_set_bundle_channel", app_id=DEMO_APP, **version, **channel)
        assert outcome["now"] == 'Channel "production" serves "2.2.7" to all its devices.'
        assert (here.state.channel_named(DEMO_APP, "production") or {})["version"] == bundle["id"]
        assert here.wire.writes == ["PUT /bundle"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"version": "9.9.9", "channel": "production"}, 'no bundle "9.9.9"'),
        ({"version": "2.2.7", "channel": "no such"}, "no such channel"),
        ({"version": "2.2.7", "version_id": 3, "channel_id": 1}, "give version or version_id"),
        ({"version": "2.2.7"}, "give channel or channel_id"),
    ],
)
async def test_a_name_of_nothing_sends_nothing(arguments: Facts, said: str) -> None:
    """A bundle or channel that is not there, or is told twice or not at all, is a sentence and no write."""
    async with desk() as here:
        assert said in await here.error("capgo_set_bundle_channel", app_id=DEMO_APP, **arguments)
        assert here.wire.writes == []


@pytest.mark.parametrize(("later", "offered"), [(0, True), (10 * 366 * 24 * 3600, False)])
async def test_only_a_channel_that_is_new_by_the_clock_is_deleted_as_the_way_back(*, later: int, offered: bool) -> None:
    """A channel that was there long before is not taken for one this call made, even where Capgo did not show it."""
    clock = VirtualClock()
    clock.advance(later)
    async with desk(clock=clock) as here:
        outcome = await change(here, SET, "fresh", version="2.2.7")
    assert ("capgo_delete_channel" in str(outcome.get("undo"))) is offered


@pytest.mark.parametrize("told", [-5, 0])
async def test_an_id_that_no_call_takes_is_not_sent(told: int) -> None:
    """What Capgo answers for a name may be anything; it ends in a sentence, and nothing that writes is sent."""
    async with desk(inner=answering(200, {"id": told, "name": "beta", "version": {"name": "2.2.7"}})) as here:
        sentence = await here.error("capgo_set_bundle_channel", app_id=DEMO_APP, channel="beta", version_id=7)
        assert sentence.startswith("[unexpected_answer] What Capgo told for channel_id is nothing")
        assert here.wire.writes == []
