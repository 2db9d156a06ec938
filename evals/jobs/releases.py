"""The jobs: what people ask who release with live updates, and the calls that do it."""

from collections.abc import Iterable, Sequence
from typing import Final

from evals.jobs.script import APP, Answer, Call, Job, agreed, call, undo

_JONAS: Final = "92abda98-4c5b-5981-8a47-997cd85a3f4d"
_MIRA: Final = "d0d0cafe-0000-4000-8000-000000000001"
_UPLOAD: Final = call(
    "create_bundle", version="2.3.1", external_url="https://cdn.example.com/2.3.1.zip", checksum="a" * 64
)
_START: Final = call("set_rollout", channel="production", action="start", version="2.3.0", percentage=10)


def _pin_found(answers: Sequence[Answer]) -> Iterable[Call]:
    """Pin the one device that a search has found to qa."""
    (device,) = answers[-1]["items"]
    return [Call("capgo_set_device_channel", {"app_id": APP, "device_id": device["device_id"], "channel": "qa"})]


JOBS: Final = (
    Job(
        "What does production serve?",
        [call("get_channel", channel="production")],
        says={"version": {"id": 118, "name": "2.2.8"}, "rollout_enabled": False},
    ),
    Job(
        "Why does mira's phone still run 2.2.8?",
        [call("explain_device", device_id=_MIRA)],
        says={"runs": "2.2.8", "channel": "beta", "should_get": "2.3.0-beta.6", "obstacles": []},
    ),
    Job(
        "How is 2.3.0 doing? If it fails on many phones, take it off staging.",
        [call("get_update_health", version="2.3.0"), call("set_rollout", channel="staging", action="drop")],
        channels={"staging": {"version": "2.2.8", "rollout": None}},
        says={"done": True},
    ),
    Job(
        "Ship 2.3.0 to everybody.",
        [call("set_channel", channel="production", version="2.3.0")],
        channels={"production": {"version": "2.3.0", "rollout": None}},
        says={"done": True},
    ),
    Job(
        "Put 2.3.0 on Production.",
        [
            call("set_channel", channel="Production", version="2.3.0"),
            call("set_channel", channel="production", version="2.3.0", expected_version="2.2.8"),
        ],
        channels={"production": {"version": "2.3.0"}},
        says={"done": True},
    ),
    Job(
        "Look at 2.3.0, then roll it out to 10 % of production, and stop it if 5 % of the updates fail.",
        [
            call("get_release_status", version="2.3.0"),
            call(
                "set_rollout",
                channel="production",
                action="start",
                version="2.3.0",
                percentage=10,
                auto_pause_enabled=True,
                auto_pause_failure_rate_bps=500,
            ),
        ],
        channels={
            "production": {
                "version": "2.2.8",
                "rollout": "2.3.0",
                "percent": 10,
                "paused": False,
                "auto_pause_enabled": True,
                "auto_pause_failure_rate_bps": 500,
            }
        },
        says={"done": True},
    ),
    Job(
        "Start a rollout as the documentation of the API says it: rolloutVersion and rolloutPercentageBps.",
        [call("set_rollout", channel="production", rolloutVersion="2.3.0", rolloutPercentageBps=500)],
        channels={"production": {"version": "2.2.8", "rollout": "2.3.0", "percent": 5, "paused": False}},
        says={"done": True},
    ),
    Job(
        "Bump the rollout on staging to 50 %.",
        [call("set_rollout", channel="staging", action="widen", percentage=50)],
        channels={"staging": {"version": "2.2.8", "rollout": "2.3.0", "percent": 50, "paused": False}},
        says={"done": True},
    ),
    Job(
        "Pause the rollout on staging: crash reports.",
        [call("set_rollout", channel="staging", action="pause", pause_reason="crash reports")],
        channels={
            "staging": {"rollout": "2.3.0", "percent": 25, "paused": True, "rollout_pause_reason": "crash reports"}
        },
        says={"done": True},
    ),
    Job(
        "Go on with the rollout on staging.",
        [call("set_rollout", channel="staging", action="resume")],
        channels={"staging": {"rollout": "2.3.0", "percent": 25, "paused": False}},
        says={"done": True},
        earlier=[call("set_rollout", channel="staging", action="pause")],
    ),
    Job(
        "The rollout on staging looks good: give it to everyone.",
        [call("set_rollout", channel="staging", action="promote")],
        channels={"staging": {"version": "2.3.0", "rollout": None}},
        says={"done": True},
    ),
    Job(
        "Make the candidate on staging stable and go on with 2.3.1 at 5 %.",
        [_UPLOAD, call("set_rollout", channel="staging", action="advance", version="2.3.1", percentage=5)],
        channels={"staging": {"version": "2.3.0", "rollout": "2.3.1", "percent": 5}},
        says={"done": True},
    ),
    Job(
        "Roll back production, quick: the new version crashes.",
        [call("get_channel", channel="production"), call("set_rollout", channel="production", action="drop")],
        channels={"production": {"version": "2.2.8", "rollout": None}},
        says={"done": True},
        earlier=[_START],
    ),
    Job(
        "Roll back production: what everybody has crashes.",
        [
            call("set_rollout", channel="production", action="drop"),
            call("list_bundles", limit=5),
            call("set_channel", channel="production", version="2.2.8"),
        ],
        channels={"production": {"version": "2.2.8", "rollout": None}},
        says={"done": True},
        earlier=[call("set_channel", channel="production", version="2.3.0")],
    ),
    Job(
        "Roll back production, where no rollout is.",
        [call("set_rollout", channel="production", action="drop")],
        says={"done": False, "changed": "nothing"},
    ),
    Job(
        "Put 2.3.0 on production. No, wait, take that back.",
        [call("set_channel", channel="production", version="2.3.0"), undo],
        channels={"production": {"version": "2.2.8", "rollout": None}},
        says={"done": True},
    ),
    Job(
        "Drop the rollout on staging. Hm, I would rather have it back as it was.",
        [call("set_rollout", channel="staging", action="drop"), undo],
        channels={"staging": {"version": "2.2.8", "rollout": "2.3.0", "percent": 25, "paused": False}},
        says={"done": True},
    ),
    Job(
        "Let new devices follow beta from now on.",
        [call("set_channel", channel="beta", public=True)],
        channels={"beta": {"public": True}, "production": {"public": False}},
        says={"done": True},
    ),
    Job(
        "Block minor updates on beta, and serve no emulators there.",
        [call("set_channel", channel="beta", disable_auto_update="minor", allow_emulator=False)],
        channels={"beta": {"disable_auto_update": "minor", "allow_emulator": False, "version": "2.3.0-beta.6"}},
        says={"done": True},
    ),
    Job(
        "Create a channel weekly that serves 2.3.0.",
        [call("set_channel", channel="weekly", version="2.3.0")],
        channels={"weekly": {"version": "2.3.0", "public": False}},
        says={"done": True},
    ),
    Job(
        "Delete the channel qa.",
        [call("delete_channel", channel="qa"), agreed],
        channels={"qa": None},
        says={"done": True},
    ),
    Job(
        "Move jonas' phone to qa.",
        [call("find_devices", custom_id="jonas"), _pin_found],
        pins={_JONAS: "qa"},
        says={"done": True},
    ),
    Job(
        "Let mira's phone follow the default channel again.",
        [call("unset_device_channel", device_id=_MIRA), agreed],
        pins={_MIRA: None},
        says={"done": True},
    ),
    Job(
        "Delete the bundle 1.0.0.",
        [call("delete_bundle", version="1.0.0"), agreed],
        deleted={"1.0.0"},
        says={"done": True},
    ),
    Job(
        "Clean up the old bundles, keep the last ten.",
        [call("clean_up_bundles", keep=10), agreed],
        deleted={*(f"1.0.{patch}" for patch in range(11)), "1.4.0", "2.1.0"},
        says={"done": True},
    ),
)
"""Every job, the easy ones first."""
