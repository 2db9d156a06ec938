"""The calls that give a bundle to a channel's devices, for any channel and whichever Capgo answers."""

from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from capgo_mcp.api.behaviour import Behaviour
from capgo_mcp.api.channel_edit import WHOLE, ChannelRow, EditRefused, edited, served
from capgo_mcp.insights.proposal import Proposal, proposed
from capgo_mcp.insights.way_back import WayBack
from capgo_mcp.operations.channels import Channel, ServedBundle
from capgo_mcp.sandbox.seed.people import DEMO_APP

BUNDLES: Final = st.none() | st.sampled_from(["b1", "b2", "b3"])
CHANNELS: Final = st.builds(
    lambda version, target, **columns: Channel(
        name="production",
        version=ServedBundle(name=version) if version else None,
        rollout_version_info=ServedBundle(name=target) if target else None,
        **columns,
    ),
    version=BUNDLES,
    target=BUNDLES,
    rollout_enabled=st.booleans(),
    rollout_percentage_bps=st.sampled_from([0, 1000, 2500, WHOLE]),
    rollout_paused_at=st.none() | st.just("2026-11-01T10:20:30Z"),
    auto_pause_enabled=st.booleans(),
    auto_pause_failure_rate_bps=st.none() | st.integers(0, WHOLE),
)


@given(channel=CHANNELS, percentage=st.none() | st.sampled_from([0.5, 10, 25, 100]))
def test_calls_for_any_channel(channel: Channel, percentage: float | None) -> None:
    """Whatever a channel is: the calls give the share that was asked for in both behaviours, in at most two."""
    before = channel.stored()
    found = proposed(channel, DEMO_APP, "b1", percentage)
    if isinstance(found, EditRefused):
        assert (found.code, before.version) == ("missing_stable_version", None)
        return
    assert len(found.calls) <= 2
    for behaviour in Behaviour:
        row = before
        for call in found.calls:
            taken = edited(row, call.edit(), behaviour)
            assert isinstance(taken, ChannelRow)
            row = taken
        assert row == found.ends[behaviour]
        if percentage is None:
            assert (served(row), row.rollout_version) == ({"b1": WHOLE}, None)
        elif before.version != "b1":
            assert served(row)["b1"] == round(percentage * 100)
    assert found.calls or found == Proposal((), dict.fromkeys(Behaviour, before), WayBack([], []), {})
