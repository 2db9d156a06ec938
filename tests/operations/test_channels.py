"""A channel as Capgo tells it, and as an edit of it starts from."""

import pytest

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.api.channel_edit import ChannelRow
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.operations.channels import Channel, GetChannel
from capgo_mcp.sandbox import State
from capgo_mcp.sandbox.seed.people import DEMO_APP

_UNTOLD = {
    Behaviour.JULY: {"ios", "android", "electron", "update_package"},
    Behaviour.NOVEMBER: {"electron"},
}


@pytest.mark.parametrize("behaviour", Behaviour)
async def test_a_row_is_what_is_stored_as_far_as_it_is_told(capgo: Capgo, state: State, behaviour: Behaviour) -> None:
    """An answer gives the stored row, with the names of the bundles in place of their ids; the rest is not known."""
    state.behaviour = behaviour
    stored = state.channel_named(DEMO_APP, "staging") or {}
    stored |= {"rollout_paused_at": "2026-11-01T10:20:30.400500+00:00", "rollout_pause_reason": "crash\u200b"}
    row = (await capgo.send(GetChannel(app_id=DEMO_APP, channel="staging"))).stored()
    expected = ChannelRow.model_validate(
        {**stored, "version": "2.2.8", "rollout_version": "2.3.0", **dict.fromkeys(_UNTOLD[behaviour])}
    )
    assert row == expected


def test_a_rollout_whose_bundle_has_no_name_is_still_one() -> None:
    """Where only ids are told, they tell the bundles apart."""
    row = Channel.model_validate({"version": {"id": 3}, "rollout_version": 4}).stored()
    assert (row.version, row.rollout_version) == (3, 4)
